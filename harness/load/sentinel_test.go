package load

import (
	"net/http"
	"testing"

	"lastcall/harness/scenario"
)

// TestSentinels: where the server serves several connections at once, two that have
// served are set aside, not used again, and their end is a closing; until the signal.
func TestSentinels(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Fresh, ample)
	p := r.pool
	sentinels := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.sentinels)
	}
	r.do(http.MethodGet, "")
	if n := sentinels(); n != 0 {
		t.Fatalf("%d were set aside of a server that may have one worker", n)
	}
	p.mu.Lock()
	p.roomy = true
	p.mu.Unlock()
	var conns []uint32
	for range 4 {
		conns = append(conns, r.do(http.MethodGet, "").Conn)
	}
	if n := sentinels(); n != maxSentinels {
		t.Errorf("%d were set aside, want %d", n, maxSentinels)
	}
	for i, c := range conns {
		for _, d := range conns[:i] {
			if c == d {
				t.Errorf("connection %d served twice", c)
			}
		}
	}
	p.mu.Lock()
	p.sealed = true
	first := p.sentinels[0]
	p.mu.Unlock()
	s.mu.Lock()
	ended := s.conns[first.Number-1]
	s.mu.Unlock()
	ended.Close()
	eventually(t, "the end of a sentinel to be seen", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.ended) == 1
	})
	r.do(http.MethodGet, "")
	if n := sentinels(); n != 1 {
		t.Errorf("%d are set aside after the signal, want the one that is left", n)
	}
	p.dismiss()
	if n := sentinels(); n != 0 || len(p.ended) != 1 {
		t.Errorf("dismissed: %d are left, %d closings", n, len(p.ended))
	}
}
