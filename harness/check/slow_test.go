package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// slipping makes lastcall so late with every request.
func slipping(by time.Duration) func(*history.History) {
	return func(h *history.History) {
		for i := range h.Requests {
			h.Requests[i].Scheduled = h.Requests[i].Started - by
		}
	}
}

// TestLateLoadStillProves: how late lastcall was is no excuse for what the kernel saw
// lost, but a pass is not earned, and what depends on times is in doubt.
func TestLateLoadStillProves(t *testing.T) {
	late := slipping(history.MaxSlip + time.Millisecond)
	for _, tt := range []struct {
		name    string
		history *builder
		want    result.Verdict
	}{
		{"on time - pass", newHistory(), pass},
		{"late, and nothing lost - inconclusive", newHistory().edit(late), doubtful},
		{"late, and one in flight lost - fail", newHistory().inFlight(history.Dropped, 1).edit(late), fail},
		{"late, one in flight lost, and no witness - inconclusive", newHistory().inFlight(history.Dropped, 1).edit(late).edit(withoutWitness), doubtful},
		{"late, and it did not end in time - inconclusive", newHistory().exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}).edit(late), doubtful},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if s := judge(t, "default", histories(tt.history)); s.Verdict != tt.want {
				t.Errorf("%s, want %s: %+v", s.Verdict, tt.want, s.Findings)
			}
		})
	}
}

// TestSkippedHitsAreLate: what was not sent at all was not sent in time.
func TestSkippedHitsAreLate(t *testing.T) {
	stalled := newHistory().edit(func(h *history.History) {
		h.Stalls = []history.Stall{{From: 100 * time.Millisecond, Until: 400 * time.Millisecond, Hits: 150}}
	})
	s := judge(t, "default", histories(stalled))
	if _, ok := saying(findings(s, Integrity), "or not at all (150 were skipped)"); !ok || s.Verdict != doubtful {
		t.Errorf("%s: %+v", s.Verdict, findings(s, Integrity))
	}
}

// TestTries: a breach counts in whatever try it was proved, a pass only in the last.
func TestTries(t *testing.T) {
	try := func(n int, b *builder) *history.History {
		h := b.done()
		h.Header.Repeats = n
		return h
	}
	late := slipping(time.Second)
	clean := func() *builder { return newHistory() }
	lossy := func() *builder { return newHistory().inFlight(history.Dropped, 1) }
	for _, tt := range []struct {
		name  string
		tries []*history.History
		want  result.Verdict
		of    int // the try that is judged
	}{
		{"late, then clean", []*history.History{try(0, clean().edit(late)), try(1, clean())}, pass, 1},
		{"late and lossy, then clean", []*history.History{try(0, lossy().edit(late)), try(1, clean())}, fail, 0},
		{"late, then lossy", []*history.History{try(0, clean().edit(late)), try(1, lossy())}, fail, 1},
		{"late twice and at the end", []*history.History{try(0, clean().edit(late)), try(1, clean().edit(late)), try(2, clean().edit(late))}, doubtful, 2},
		{"in no order", []*history.History{try(1, clean()), try(0, clean().edit(late))}, pass, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", tt.tries)
			if s.Verdict != tt.want || s.Shutdowns != 1 || len(s.Details) != 1 {
				t.Errorf("%s, %d shutdowns, %d details, want %s and one", s.Verdict, s.Shutdowns, len(s.Details), tt.want)
			}
			said := "it was repeated once"
			if len(tt.tries) > 2 {
				said = "it was repeated 2 times"
			}
			if text := strings.Join(s.Details[0].Warnings, "\n"); !strings.Contains(text, said) || strings.Contains(text, "this is try 1, which proved a loss") != (tt.of == 0) {
				t.Errorf("it is said: %q", text)
			}
			policy, _ := PolicyByName("default")
			if all := Chosen(tt.tries, policy); len(all) != 1 || all[0].Header.Repeats != tt.of {
				t.Errorf("%d are judged, the first is try %d, want one, %d", len(all), all[0].Header.Repeats, tt.of)
			}
		})
	}
}

// queue is a server with one worker that takes so long for each request: 400 come in
// the 800 ms before the signal.
func queue(each time.Duration) *builder {
	b := newFrame()
	b.edit(func(h *history.History) {
		for i, e := range h.Events {
			if e.Name == history.EventLoad {
				h.Events[i].At = signalAt - 800*time.Millisecond
			}
		}
	})
	free := signalAt - 800*time.Millisecond
	for i := range 400 {
		sent := signalAt - 800*time.Millisecond + time.Duration(i)*2*time.Millisecond
		free = max(free, sent) + each
		if free < signalAt {
			b.before(history.Completed, 1, sentAt(sent), endsAt(free))
			continue
		}
		b.inFlight(history.Dropped, 1, sentAt(sent), endsAt(exitAt))
	}
	return b
}

// TestOverload: a queue that grows is an overloaded server, not a bad shutdown.
func TestOverload(t *testing.T) {
	s := judge(t, "default", histories(queue(20*time.Millisecond)))
	detail := "lower the rate (--rate 3"
	if _, ok := saying(findings(s, Integrity), detail); !ok || s.Verdict != doubtful || s.ShutdownsIntact != 0 {
		t.Errorf("%s: %+v", s.Verdict, findings(s, Integrity))
	}
	if len(findings(s, Integrity)) != 1 {
		t.Errorf("it is said in more than one way: %+v", findings(s, Integrity))
	}
	if s := judge(t, "default", histories(queue(time.Millisecond).inFlight(history.Dropped, 1))); s.Verdict != fail {
		t.Errorf("a server that keeps up, and loses one: %s: %+v", s.Verdict, s.Findings)
	}
}

// TestOneInEachOfManyShutdowns: where hardly ever a request is open, the shutdowns
// count.
func TestOneInEachOfManyShutdowns(t *testing.T) {
	few := func(shutdowns, with int) (all []*builder) {
		for i := range shutdowns {
			b := newFrame().before(history.Completed, 30)
			if i < with {
				b.inFlight(history.Completed, 1)
			}
			all = append(all, b)
		}
		return all
	}
	for _, tt := range []struct {
		shutdowns, with int
		want            result.Verdict
	}{{10, 10, pass}, {10, 8, pass}, {10, 7, doubtful}, {9, 9, doubtful}, {3, 3, doubtful}} {
		if s := judge(t, "default", histories(few(tt.shutdowns, tt.with)...)); s.Verdict != tt.want {
			t.Errorf("%d of %d shutdowns had one: %s, want %s: %s", tt.with, tt.shutdowns, s.Verdict, tt.want, strings.Join(s.Story, " "))
		}
	}
}

func TestOffersH2(t *testing.T) {
	h := newHistory().edit(func(h *history.History) { h.Header.Offers = "h2" }).done()
	policy, _ := PolicyByName("default")
	suite := Judge([]*history.History{h}, policy)
	if len(suite.Warnings) != 1 || !strings.Contains(suite.Warnings[0], "HTTP/2") || suite.Status != result.SuitePass {
		t.Errorf("%s: %q", suite.Status, suite.Warnings)
	}
}
