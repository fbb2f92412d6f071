package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestTimelineOfTheWorst: what was in flight counts first, and the first of those
// that are alike is shown.
func TestTimelineOfTheWorst(t *testing.T) {
	numbered := func(n int, b *builder) *history.History {
		h := b.done()
		h.Header.Shutdown, h.Header.Ordinal = n, n
		return h
	}
	lateLoss := numbered(1, newHistory().late(history.Dropped, 9))
	bad := numbered(2, newHistory().inFlight(history.Dropped, 2))
	alike := numbered(3, newHistory().inFlight(history.Dropped, 2))
	s := judge(t, "default", []*history.History{lateLoss, bad, alike})
	if s.Timeline.Shutdown != 2 {
		t.Errorf("shutdown %d is shown, want 2", s.Timeline.Shutdown)
	}
	broken := numbered(4, newHistory().inFlight(history.Dropped, 50).late(history.Unsent, 1))
	if s = judge(t, "default", []*history.History{broken, bad}); s.Timeline.Shutdown != 2 {
		t.Error("one that was not judged is shown")
	}
	if s = judge(t, "default", []*history.History{broken}); s.Timeline.Shutdown != 4 {
		t.Error("where none could be judged, none is shown")
	}
}

// TestTimelineMarks puts one request at a time into a shutdown of half a second.
func TestTimelineMarks(t *testing.T) {
	for name, c := range map[string]struct {
		b    *builder
		at   time.Duration // from the signal
		want byte
	}{
		"kept":                  {newFrame().inFlight(history.Completed, 1), 50 * time.Millisecond, result.MarkKept},
		"late":                  {newFrame().late(history.Completed, 1), 120 * time.Millisecond, result.MarkCompleted},
		"before":                {newFrame().add(signalAt-90*time.Millisecond, signalAt-15*time.Millisecond, history.Completed, 1, nil), -15 * time.Millisecond, result.MarkCompleted},
		"dropped":               {newFrame().inFlight(history.Completed, 5).inFlight(history.Dropped, 1, cutAt(50*time.Millisecond)), 50 * time.Millisecond, result.MarkDropped},
		"rejected":              {newFrame().inFlight(history.Rejected, 1), 50 * time.Millisecond, result.MarkRejected},
		"failed":                {newFrame().inFlight(history.Failed, 1).inFlight(history.Rejected, 1), 50 * time.Millisecond, result.MarkFailed},
		"the commonest trouble": {newFrame().inFlight(history.Rejected, 5).inFlight(history.Dropped, 1, cutAt(50*time.Millisecond)).inFlight(history.Completed, 9), 50 * time.Millisecond, result.MarkRejected},
		"refused":               {newFrame().after(history.Refused, 1), exitAt + 11*time.Millisecond - signalAt, result.MarkRefused},
		"unsent":                {newFrame().late(history.Unsent, 1), 120 * time.Millisecond, result.MarkUnsent},
		"not pending":           {newFrame().late(history.Pending, 1), 0, result.MarkNothing},
	} {
		line := judge(t, "default", []*history.History{c.b.done()}).Timeline
		column := int((float64(c.at.Microseconds())/1000 - line.FromMS) / line.ColumnMS)
		if got := line.Strip[column]; got != c.want {
			t.Errorf("%s: %q in column %d of %q, want %q", name, got, column, line.Strip, c.want)
		}
		if n := len(strings.ReplaceAll(line.Strip, " ", "")); c.want != result.MarkNothing && n != 1 {
			t.Errorf("%s: %q has %d marks, want 1", name, line.Strip, n)
		}
	}
}

// TestTimelineFits, whatever the shutdown took.
func TestTimelineFits(t *testing.T) {
	for _, took := range []time.Duration{0, time.Millisecond, 333 * time.Millisecond, 17 * time.Second, time.Hour} {
		for _, rate := range []int{0, 1, 500, 20_000} {
			h := newHistory().done()
			h.Header.Scenario.Load.Rate = rate
			h.Exit.At = signalAt + took
			line := judge(t, "default", []*history.History{h}).Timeline
			if len(line.Strip) > columns || len(line.Strip) < 8 || line.ColumnMS < 1 {
				t.Errorf("%s at %d/s: %d columns of %v ms", took, rate, len(line.Strip), line.ColumnMS)
			}
			exit := (float64(took.Microseconds())/1000 - line.FromMS) / line.ColumnMS
			if exit >= float64(len(line.Strip)) || line.FromMS >= 0 {
				t.Errorf("%s at %d/s: from %v ms, and the exit is in column %v of %d", took, rate, line.FromMS, exit, len(line.Strip))
			}
		}
	}
}

func TestNoSignalNoTimeline(t *testing.T) {
	h := newHistory().done()
	h.Signal = history.Signal{}
	if line := judge(t, "default", []*history.History{h}).Timeline; line != nil {
		t.Errorf("%+v", line)
	}
}
