package demo

import (
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestTally asks that all who were not served are counted, and only those of one
// and the same experiment.
func TestTally(t *testing.T) {
	deployed := func(b *Board) {
		b.tally(result.Subject{
			Name: "naive", ShutdownsIntact: 1,
			InFlight: history.Counts{Total: 5, Completed: 1, Rejected: 3, Dropped: 1},
			Late:     history.Counts{Total: 9, Completed: 1, Rejected: 1, Failed: 1, Refused: 6},
		})
	}
	const twice = "So far, in 2 deployments: 12 of 16 waiting or late requests were not completed (4 dropped, 8 rejected)."
	for _, c := range []struct {
		name   string
		change func(*Settings)
		want   string
	}{
		{"nothing", func(*Settings) {}, twice},
		{"another beside it", func(s *Settings) { s.Panels = []string{"drain", "naive"} }, twice},
		{"the view", func(s *Settings) { s.CloseUp = true }, twice},
		{"its strategy", func(s *Settings) { s.Panels = []string{"drain"} }, ""},
		{"the rate", func(s *Settings) { s.Rate++ }, ""},
		{"the signal", func(s *Settings) { s.Signal = "SIGKILL" }, ""},
		{"the step", func(s *Settings) { s.Step++ }, ""},
	} {
		b := newTestBoard(t, "naive")
		deployed(b)
		deployed(b)
		settings := b.settings
		c.change(&settings)
		b.Reset(settings)
		got := ""
		if len(b.tallies) > 0 {
			got = b.tallies[0].Sentence
		}
		if got != c.want {
			t.Errorf("after a change of %s: %q, want %q", c.name, got, c.want)
		}
	}
	b := newTestBoard(t, "naive")
	b.settings.Lag = 2000
	deployed(b)
	const door = "So far, in 1 deployment: 6 of 8 waiting or late requests were not completed (2 dropped, 4 rejected). 6 more were refused."
	if got := b.tallies[0].Sentence; got != door {
		t.Errorf("with a balancer: %q, want %q", got, door)
	}
}
