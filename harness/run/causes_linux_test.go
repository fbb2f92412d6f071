package run_test

import (
	"slices"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// TestDispositionsAreKept: what the server had told the kernel, just before the
// signal. Go's runtime catches what no program asks for.
func TestDispositionsAreKept(t *testing.T) {
	for behaviour, want := range map[string]history.Disposition{
		"drains":              {Catches: true, Runtime: true},
		"ignores it outright": {Ignores: true, Runtime: true},
	} {
		s := quick()
		s.Disruption.Grace = scenario.Millis(300)
		h := executed(t, s, newSubject(t, behaviour))[0]
		want.PID = h.PID
		if got, known := h.Delivery.Disposition(h.PID); !known || got != want {
			t.Errorf("%s: %+v, want %+v", behaviour, got, want)
		}
	}
}

// TestAcceptQueueIsSeen: a server that accepts no more, and keeps its listening
// socket open, lets connections wait to its end.
func TestAcceptQueueIsSeen(t *testing.T) {
	h := executed(t, quick(), newSubject(t, "stops accepting"))[0]
	if !h.Kernel.Asked {
		t.Skip(h.Kernel.Missing)
	}
	b := h.Backlog
	if b.Asked == 0 || b.Waiting < 5 || b.Longest < b.Waiting || b.Until-b.Since < 100*time.Millisecond {
		t.Errorf("the accept queue: %+v", b)
	}
	if h = executed(t, quick(), newSubject(t, "drains"))[0]; h.Backlog.Waiting > 2 {
		t.Errorf("that of a server that accepts: %+v", h.Backlog)
	}
}

// TestWrongAnswersAreKept: the first line of one of those that say the same.
func TestWrongAnswersAreKept(t *testing.T) {
	h := executed(t, quick(), newSubject(t, "fails once told"))[0]
	if h.Counts().Failed < 5 {
		t.Fatalf("%+v", h.Counts())
	}
	lines := func(a history.Answer) bool { return a.Line != "store is closed" }
	if len(h.Answers) != 1 || slices.ContainsFunc(h.Answers, lines) {
		t.Errorf("kept: %+v", h.Answers)
	}
}
