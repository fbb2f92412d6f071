package history_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

func TestTimes(t *testing.T) {
	a := history.Applied{Lines: []uint32{3, 0, 3, 3}}
	if diff := cmp.Diff(map[uint32]int{0: 1, 3: 3}, a.Times()); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
}

// TestIDIsWhatWasSent: package harness holds it to the ledger's own.
func TestIDIsWhatWasSent(t *testing.T) {
	h := history.History{Header: history.Header{Run: "0a1b2c3d", Ordinal: 12}}
	if got := h.ID(345); got != "0a1b2c3d-12-345" {
		t.Errorf("id %q", got)
	}
}

// TestMethod: what was sent is known better than what was planned.
func TestMethod(t *testing.T) {
	load := scenario.Load{Method: "PATCH", Requests: []scenario.Target{{Method: "POST"}, {}}}
	for _, c := range []struct {
		name    string
		methods []string
		want    [3]string // of the targets 0 to 2
	}{
		{"an old history, the third from a file", nil, [3]string{"POST", "PATCH", "PATCH"}},
		{"what was sent", []string{"POST", "PATCH", "GET"}, [3]string{"POST", "PATCH", "GET"}},
		{"another load than was planned", []string{"PUT"}, [3]string{"PUT", "PATCH", "PATCH"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := history.History{Methods: c.methods}
			h.Header.Scenario.Load = load
			for target, want := range c.want {
				if got := h.Method(&history.Request{Target: uint8(target)}); got != want {
					t.Errorf("target %d: %s, want %s", target, got, want)
				}
			}
		})
	}
}
