package load

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/harness/wire"
)

// A server gone mad must fill neither our memory nor our time.
func TestHeadsAreBounded(t *testing.T) {
	fill := func(size int) string { return "X-Fill: " + strings.Repeat("x", size) + "\r\n" }
	lines := strings.Repeat("X-Fill: a line of no importance\r\n", 10<<20/33)
	early := "HTTP/1.1 103 Early Hints\r\n" + fill(1<<10) + "\r\n"
	end := "Content-Length: 2\r\n\r\nok"
	corrupt := lost(history.Corrupt)
	tests := map[string]scene{
		"within the bound":       {play: answers(okHead + fill(200<<10) + end), want: answered(history.Completed, 200)},
		"one line of 10 MB":      {play: answers(okHead + fill(10<<20) + end), want: corrupt},
		"many lines of 10 MB":    {play: answers(okHead + lines + end), want: corrupt},
		"just beyond the bound":  {play: answers(okHead + fill(wire.MaxHead) + end), want: corrupt},
		"1xx within the bound":   {play: answers(strings.Repeat(early, 100) + okHead + end), want: answered(history.Completed, 200)},
		"1xx that never end":     {play: forever(early), want: corrupt},
		"a head that never ends": {play: forever(fill(1 << 10)), want: corrupt},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tt.run(t)
			if got.BytesIn > wire.MaxHead+8<<10 {
				t.Errorf("%d bytes were read of a head that may have %d", got.BytesIn, wire.MaxHead)
			}
		})
	}
}

// forever begins an answer and repeats the text for as long as anybody reads.
func forever(text string) func(*rig, *exchange) {
	return func(_ *rig, x *exchange) {
		x.over = true
		if strings.HasPrefix(text, "X-") {
			x.say(okHead)
		}
		for {
			if _, err := io.WriteString(x, text); err != nil {
				return
			}
		}
	}
}

// An answer without end is read on, and nothing of it kept. This test runs
// alone, for it watches what the process allocates.
func TestEndlessBodyKeepsMemoryFlat(t *testing.T) {
	const enough = 200 << 20
	chunk := []byte("10000\r\n" + strings.Repeat("x", 1<<16) + "\r\n")
	tests := map[string]struct {
		expect *regexp.Regexp
		end    func(*exchange)
		cause  history.Cause
		most   uint64 // that may be allocated
	}{
		"hung at the deadline":                {nil, nil, history.Hung, 4 << 20},
		"truncated at the server's end":       {nil, (*exchange).fin, history.Truncated, 4 << 20},
		"truncated at the server's reset":     {nil, (*exchange).rst, history.Truncated, 4 << 20},
		"hung, though an expression looks on": {regexp.MustCompile("y"), nil, history.Hung, 16 << 20},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, func(x *exchange) {
				x.over = true
				x.say(okHead + chunked)
				for sent := 0; tt.end == nil || sent < enough; sent += len(chunk) {
					if _, err := x.Write(chunk); err != nil {
						return
					}
				}
				tt.end(x)
			})
			timeout := ample
			if tt.end == nil {
				timeout = short / 2
			}
			r := newRig(t, s.address(), scenario.Reused, timeout)
			r.expect.Body = tt.expect
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := r.do(http.MethodGet, "")
			runtime.ReadMemStats(&after)
			if want := with(lostMidway(tt.cause), func(r *history.Request) { r.Attempts, r.Pooled = 1, true }); facts(got) != want {
				t.Errorf("record (-want +got):\n%s", cmp.Diff(want, facts(got)))
			}
			if got.BytesIn < 20<<20 {
				t.Errorf("only %d bytes came", got.BytesIn)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > tt.most {
				t.Errorf("%d bytes were allocated for an answer of %d", grown, got.BytesIn)
			}
		})
	}
}

// dials notes every address that a pool dials.
type dials struct {
	mu  sync.Mutex // dials go on at once
	all []string
}

func (d *dials) watch(p *pool) {
	p.dialer.Control = func(_, address string, _ syscall.RawConn) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.all = append(d.all, address)
		return nil
	}
}

// A redirect is an answer. Wherever it leads, nothing is dialled but the server
// that is loaded, and nothing more is sent there.
func TestRedirectIsNeverFollowed(t *testing.T) {
	elsewhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	var met atomic.Int32
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := elsewhere.Accept()
			if err != nil {
				return
			}
			met.Add(1)
			c.Close()
		}
	})
	locations := map[string]string{
		"another port":           "http://" + elsewhere.Addr().String() + "/",
		"no loopback":            "http://192.0.2.1/", // RFC 5737: nobody's
		"another scheme":         "https://" + elsewhere.Addr().String() + "/",
		"a path":                 "/elsewhere",
		"without a scheme":       "//192.0.2.1/",
		"nowhere":                "http://[bad",
		"what HTTP cannot reach": "file:///etc/passwd",
	}
	for name, location := range locations {
		for _, status := range []string{"301 Moved", "302 Found", "303 See", "307 There", "308 There"} {
			t.Run(name+" "+status, func(t *testing.T) {
				s := newScript(t, answersRedirect(status, location))
				watched := new(dials)
				r := newRig(t, s.address(), scenario.Fresh, ample)
				watched.watch(r.pool)
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					if got := r.do(method, "order"); got.Outcome != history.Completed || got.Attempts != 1 {
						t.Errorf("%s: %s after %d attempts", method, got.Outcome, got.Attempts)
					}
				}
				if want := []string{s.address(), s.address()}; !slices.Equal(watched.all, want) {
					t.Errorf("dialled %q, want %q", watched.all, want)
				}
				if n := len(s.received()); n != 2 {
					t.Errorf("the server received %d requests of 2", n)
				}
			})
		}
	}
	t.Run("under load", func(t *testing.T) {
		s := newScript(t, answersRedirect("302 Found", locations["another port"]))
		a := Start(config(s.address()))
		eventually(t, "requests are answered", func() bool { return len(s.received()) >= 100 })
		a.End()
		r := done(t, a)
		conserved(t, a, r)
		if n := len(s.received()); n != r.Scheduled {
			t.Errorf("the server received %d requests of %d", n, r.Scheduled)
		}
	})
	elsewhere.Close()
	accepting.Wait()
	if n := met.Load(); n != 0 {
		t.Errorf("%d connections came to where the redirects lead", n)
	}
}

func answersRedirect(status, location string) func(*exchange) {
	return func(x *exchange) {
		x.body()
		x.say("HTTP/1.1 " + status + "\r\nLocation: " + location + "\r\nContent-Length: 2\r\n\r\nok")
	}
}
