package check

import (
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestSequence: a signal that was never sent has tested nothing, so that there is
// no pass; but what was lost was lost.
func TestSequence(t *testing.T) {
	planned := func(b *builder, signals string) *builder {
		b.h.Header.Scenario.Disruption.Signal = signals
		return b
	}
	killed := history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}
	second := func() *builder { return newHistory().again("SIGINT", 2, signalAt+300*time.Millisecond) }
	for _, tt := range []struct {
		name    string
		history *builder
		verdict result.Verdict
		want    string // "" for no doubt
	}{
		{"one signal - pass", newHistory(), pass, ""},
		{"both were sent - pass", second(), pass, ""},
		{
			"the second met nobody - inconclusive", planned(newHistory(), "SIGTERM,600ms,SIGTERM"), doubtful,
			"the second signal of the sequence, SIGTERM, was never sent: the server had already exited after 500 ms: test an endpoint slower than 600 ms, or send the signal sooner (--signal)",
		},
		{
			"the second followed at once, and met nobody - inconclusive", planned(newHistory(), "SIGTERM,SIGINT"), doubtful,
			"the second signal of the sequence, SIGINT, was never sent: the server had already exited after 500 ms",
		},
		{
			"the third met nobody - inconclusive", planned(second(), "SIGTERM,300ms,SIGINT,400ms,SIGQUIT"), doubtful,
			"the third signal of the sequence, SIGQUIT, was never sent: the server had already exited after 500 ms: test an endpoint slower than 700 ms, or send the signal sooner (--signal)",
		},
		{
			"the second met nobody, and no load was sent - inconclusive", planned(unloaded(signalAt-time.Millisecond), "SIGTERM,600ms,SIGTERM"), doubtful,
			"the second signal of the sequence, SIGTERM, was never sent: the server had already exited after 500 ms: send it sooner than 600 ms after the one before (--signal)",
		},
		{
			"the second met nobody, and one was lost - fail", planned(newHistory().inFlight(history.Dropped, 1), "SIGTERM,600ms,SIGTERM"), fail,
			"the second signal of the sequence, SIGTERM, was never sent: the server had already exited after 500 ms: test an endpoint slower than 600 ms, or send the signal sooner (--signal)",
		},
		{"SIGKILL came first - fail", planned(newHistory().exit(killed), "SIGTERM,600ms,SIGTERM"), fail, ""},
		{"a command was run instead - pass", planned(newReload(), "SIGTERM,600ms,SIGTERM"), pass, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantDoubt(t, judge(t, "default", []*history.History{tt.history.done()}), tt.verdict, tt.want)
		})
	}
	// One of several takes the pass away.
	s := judge(t, "default", histories(second(), planned(newHistory(), "SIGTERM,300ms,SIGINT"), second()))
	if s.Verdict != doubtful || s.ShutdownsIntact != 3 {
		t.Errorf("%s, %d intact", s.Verdict, s.ShutdownsIntact)
	}
}

// wantDoubt asks for a verdict on one shutdown that can be judged, and for one
// doubt, or none.
func wantDoubt(t *testing.T, s result.Subject, verdict result.Verdict, detail string) {
	t.Helper()
	if s.Verdict != verdict || s.ShutdownsIntact != 1 {
		t.Errorf("verdict %s of %d intact, want %s: %+v", s.Verdict, s.ShutdownsIntact, verdict, s.Findings)
	}
	found := findings(s, Integrity)
	if detail == "" {
		if len(found) > 0 {
			t.Errorf("it is said that %+v", found)
		}
		return
	}
	if len(found) != 1 || found[0].Detail != "shutdown 1: "+detail || found[0].Status != result.Unjudged {
		t.Errorf("found %+v, want %q", found, detail)
	}
}
