package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestSoftProblems: a server that was sick before the signal may not pass; but
// what it lost it has lost.
func TestSoftProblems(t *testing.T) {
	killed := history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}
	capped := paused(signalAt - time.Millisecond)
	tests := []struct {
		name    string
		history *builder
		verdict result.Verdict
		detail  string   // of the integrity finding, "" if there is none
		story   []string // phrases, in this order
	}{
		{
			// The load pauses at its cap, all that is open hangs until SIGKILL.
			name: "every request hangs from the start, killed at the end of its grace - fail",
			history: newFrame().inFlight(history.Dropped, 350, sentAt(100*time.Millisecond), endsAt(exitAt)).
				late(history.Refused, 5).exit(killed).edit(capped),
			verdict: fail, detail: "no request was completed before the signal, and no request in flight: there was no steady state to disturb",
			story: []string{
				"SIGTERM found 350 requests in flight: 350 dropped without a whole answer.",
				"SIGKILL cut them off",
				"Shutdown 1: no request was completed before the signal, and no request in flight",
			},
		},
		{
			name: "every request hangs until its deadline - fail",
			history: newFrame().inFlight(history.Dropped, 50, sentAt(100*time.Millisecond), endsAt(exitAt), cause(history.Hung)).
				exit(killed),
			verdict: fail, detail: "no request was completed before the signal",
			story: []string{"50 dropped", "waited in vain until their deadline", "there was no steady state to disturb."},
		},
		{
			name:    "the cap was met before the signal, and all in flight are completed - inconclusive",
			history: newHistory().edit(capped), verdict: doubtful,
			detail: "the load met its cap of 2000 open requests before the signal: the server is slower than the rate, so lower it (--rate)",
			story:  []string{"Shutdown 1: the load met its cap"},
		},
		{
			name:    "the cap was met before the signal, and one in flight is lost - fail",
			history: newHistory().inFlight(history.Dropped, 1).edit(capped), verdict: fail,
			detail: "the load met its cap", story: []string{"SIGTERM found 26 requests in flight", "Shutdown 1: the load met its cap"},
		},
		{
			name:    "nothing was completed before the signal, and all in flight are - pass",
			history: newFrame().inFlight(history.Completed, 25), verdict: pass,
		},
		{
			name:    "nothing was completed before the signal, one of many in flight is lost - fail",
			history: newFrame().inFlight(history.Completed, 25).inFlight(history.Dropped, 1), verdict: fail,
			story: []string{"1 dropped without a whole answer, 25 completed."},
		},
		{
			name:    "nothing was completed at all, and nothing was in flight - inconclusive",
			history: newFrame().late(history.Completed, 30), verdict: doubtful,
			detail: "no request was completed before the signal", story: []string{"Shutdown 1: no request was completed before the signal"},
		},
		{
			// Nothing passes whose answers went wrong before.
			name:    "the cap was met, and an answer went wrong before the signal - inconclusive",
			history: newHistory().before(history.Failed, 1).inFlight(history.Dropped, 1).edit(capped), verdict: doubtful,
			detail: "the load met its cap",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", []*history.History{tt.history.done()})
			if s.Verdict != tt.verdict {
				t.Errorf("verdict %v, want %v: %+v", s.Verdict, tt.verdict, s.Findings)
			}
			found := findings(s, Integrity)
			if tt.detail == "" && len(found) > 0 {
				t.Errorf("it is said that %+v", found)
			}
			if f, ok := saying(found, tt.detail); tt.detail != "" && (!ok || f.Status != result.Unjudged) {
				t.Errorf("no integrity finding says %q: %+v", tt.detail, found)
			}
			if tt.detail != "" && !strings.Contains(strings.Join(s.Details[0].Warnings, "\n"), tt.detail) {
				t.Errorf("the shutdown's warnings %q do not say %q", s.Details[0].Warnings, tt.detail)
			}
			text := strings.Join(s.Story, "\n")
			for _, phrase := range tt.story {
				_, after, ok := strings.Cut(text, phrase)
				if !ok {
					t.Fatalf("the story does not say %q, or not in its place: %q", phrase, s.Story)
				}
				text = after
			}
		})
	}
}

// TestSoftAmongOthers: one sick shutdown of three takes the pass away, and no
// more; its requests count.
func TestSoftAmongOthers(t *testing.T) {
	sick := func() *builder { return newHistory().edit(paused(signalAt - time.Millisecond)) }
	s := judge(t, "default", histories(newHistory(), sick(), newHistory()))
	if s.Verdict != doubtful || s.ShutdownsIntact != 3 || s.InFlight.Total != 75 || !s.Details[1].Intact {
		t.Errorf("verdict %v, %d intact, %d in flight, want inconclusive, 3 and 75", s.Verdict, s.ShutdownsIntact, s.InFlight.Total)
	}
	s = judge(t, "default", histories(newHistory().inFlight(history.Dropped, 1), sick(), newHistory()))
	if s.Verdict != fail {
		t.Errorf("verdict %v, want fail: what was lost elsewhere was lost", s.Verdict)
	}
}
