package scenario_test

import (
	"testing"
	"time"

	"lastcall/harness/history"
)

// TestColdAnswersAreInNoQuantile: the first answers of a server take two seconds.
func TestColdAnswersAreInNoQuantile(t *testing.T) {
	h := &history.History{
		Events: []history.Event{{Name: history.EventLoad, At: time.Second}},
		Signal: history.Signal{Sent: true, Before: 5 * time.Second, After: 5 * time.Second},
	}
	add := func(n int, started, took time.Duration) {
		for range n {
			h.Requests = append(h.Requests, history.Request{
				Outcome: history.Completed, Scheduled: started, Started: started, Sent: started, FirstByte: started + took, End: started + took,
			})
		}
	}
	add(60, time.Second, 2*time.Second)
	if got := h.Warm(); got != time.Second {
		t.Errorf("with cold answers only it is warm at %s, want 1s: the beginning of the load", got)
	}
	add(40, 4*time.Second, 100*time.Millisecond)
	if got := h.Warm(); got != 3*time.Second {
		t.Errorf("it is warm at %s, want 3s: half way to the signal", got)
	}
}
