package check

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/stats"
)

func differs(want, got any) string { return cmp.Diff(want, got) }

// TestSummaryCounts: one shutdown with everything in it, by hand.
func TestSummaryCounts(t *testing.T) {
	h := newFrame().withLedger().
		before(history.Completed, 40).
		inFlight(history.Completed, 10).
		inFlight(history.Rejected, 2).
		inFlight(history.Failed, 3).
		inFlight(history.Dropped, 4, cause(history.Truncated)).
		late(history.Completed, 5).
		late(history.Rejected, 6).
		late(history.Failed, 7).
		late(history.Refused, 8).
		late(history.Dropped, 9, cause(history.Reset), reused, func(r *history.Request) { r.Masked = true }).
		after(history.Refused, 11, func(r *history.Request) { r.Stale = 2 }).
		done()
	s := judge(t, "default", []*history.History{h})
	want := result.Subject{
		Requests:       history.Counts{Total: 105, Completed: 55, Rejected: 8, Failed: 10, Refused: 19, Dropped: 13},
		InFlight:       history.Counts{Total: 19, Completed: 10, Rejected: 2, Failed: 3, Dropped: 4},
		Late:           history.Counts{Total: 35, Completed: 5, Rejected: 6, Failed: 7, Refused: 8, Dropped: 9},
		AtRisk:         46,
		DroppedByCause: result.DroppedByCause{Reset: 9, Truncated: 4},
		Masked:         9,
		Stale:          22,
	}
	got := result.Subject{
		Requests: s.Requests, InFlight: s.InFlight, Late: s.Late, AtRisk: s.AtRisk,
		DroppedByCause: s.DroppedByCause, Masked: s.Masked, Stale: s.Stale,
	}
	if diff := differs(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	// 73 answers and 4 requests cut off in flight were received; the 9 late
	// ones died in a buffer.
	ledger := result.Ledger{Received: 77, Executed: 73, Answered: 73, NeverRead: 9}
	if diff := differs(ledger, s.Ledger); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	// 13 dropped, 10 failed and 2 rejected in flight of 46 at risk; one shutdown of one.
	wantBoundOfOne(t, "per request", s.Bounds.PerRequest, 25, 46)
	wantBound(t, "per shutdown", s.Bounds.PerShutdown, 1, 1)
}

func wantBound(t *testing.T, what string, got *float64, k, n int) {
	t.Helper()
	want, _ := stats.UpperBound(k, n)
	if got == nil || *got != want {
		t.Errorf("bound %s is %v, want that of %d of %d, %v", what, got, k, n, want)
	}
}

// wantBoundOfOne asks for the bound of a share that one shutdown lost: however many
// requests it had, it proves next to nothing.
func wantBoundOfOne(t *testing.T, what string, got *float64, lost, of int) {
	t.Helper()
	want := 1 - 0.05*(1-float64(lost)/float64(of))
	if got == nil || math.Abs(*got-want) > 1e-8 {
		t.Errorf("bound %s is %v, want that of %d of %d, %v", what, got, lost, of, want)
	}
}

// TestBoundsAreTwo: of what was in flight, where a rejection is a loss too, and of
// what came late.
func TestBoundsAreTwo(t *testing.T) {
	h := newHistory().inFlight(history.Rejected, 2).inFlight(history.Dropped, 1).late(history.Rejected, 4).late(history.Dropped, 3, reused).done()
	b := judge(t, "default", []*history.History{h}).Bounds
	wantBoundOfOne(t, "in flight", b.InFlightLost, 3, 28)
	wantBoundOfOne(t, "late", b.LateLost, 3, 40)
	wantBoundOfOne(t, "per request", b.PerRequest, 6, 35)
}

// TestLedgerCounts: duplicates and unanswered executions.
func TestLedgerCounts(t *testing.T) {
	h := newHistory().withLedger().inFlight(history.Dropped, 2).
		note(firstAdded, history.Executed).note(someInFlight, history.Executed).done()
	s := judge(t, "default", []*history.History{h})
	want := result.Ledger{Received: 67, Executed: 67, Answered: 65, Duplicates: 1, UnansweredExecutions: 1}
	if diff := differs(want, s.Ledger); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

// TestBrokenShutdownsDoNotCount: their windows mean nothing, and they are in no
// denominator. What was sent was sent all the same.
func TestBrokenShutdownsDoNotCount(t *testing.T) {
	broken := newHistory().inFlight(history.Dropped, 9).edit(func(h *history.History) { h.Disagreed = 1 })
	s := judge(t, "default", histories(newHistory(), broken))
	if s.Requests.Total != 149 || s.Requests.Dropped != 9 {
		t.Errorf("requests %+v, want all 149 with 9 dropped", s.Requests)
	}
	if s.InFlight.Total != 25 || s.InFlight.Dropped != 0 || s.AtRisk != 25 {
		t.Errorf("in flight %+v, at risk %d, want those of the intact shutdown", s.InFlight, s.AtRisk)
	}
	wantBoundOfOne(t, "per request", s.Bounds.PerRequest, 0, 25)
	wantBound(t, "per shutdown", s.Bounds.PerShutdown, 0, 1)
}

// TestNoBoundWithoutSample: nothing is claimed of what was not tried.
func TestNoBoundWithoutSample(t *testing.T) {
	s := judge(t, "default", histories(newFrame().before(history.Completed, 9)))
	if s.Bounds.PerRequest != nil {
		t.Errorf("nothing was at risk, and the bound is %v", *s.Bounds.PerRequest)
	}
	s = judge(t, "default", histories(newHistory().edit(func(h *history.History) { h.Disagreed = 1 })))
	if s.Bounds.PerShutdown != nil {
		t.Errorf("no shutdown was intact, and the bound is %v", *s.Bounds.PerShutdown)
	}
}

// TestExits: equal exits are counted together.
func TestExits(t *testing.T) {
	killed := history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}
	s := judge(t, "default", histories(
		newHistory(), newHistory().exit(killed), newHistory().exit(history.Exit{Code: 2}), newHistory(), newHistory().exit(killed),
	))
	want := []result.Exit{{Count: 2}, {Code: -1, Signal: "SIGKILL", Killed: true, Count: 2}, {Code: 2, Count: 1}}
	if diff := differs(want, s.Exits); diff != "" {
		t.Errorf("exits (-want +got):\n%s", diff)
	}
	if diff := differs(result.Spread{Min: 0.5, Median: 0.5, Max: 0.5}, s.ExitSeconds); diff != "" {
		t.Errorf("seconds from the signal (-want +got):\n%s", diff)
	}
}

// TestExitNotSeen: nor is one that came without the signal; there is nothing to
// count, and no time from the signal to it.
func TestExitNotSeen(t *testing.T) {
	unseen := newHistory().edit(func(h *history.History) { h.Exit = history.Exit{} })
	unsignalled := newHistory().edit(func(h *history.History) { h.Signal = history.Signal{} })
	s := judge(t, "default", histories(unseen, unsignalled))
	if len(s.Exits) != 0 || s.ExitSeconds != (result.Spread{}) {
		t.Errorf("exits %+v after %+v s, want none", s.Exits, s.ExitSeconds)
	}
}

// TestCauses: every cause has a count of its own.
func TestCauses(t *testing.T) {
	b := newHistory()
	for i, c := range history.Causes() {
		b.late(history.Dropped, i+1, cause(c))
	}
	s := judge(t, "default", []*history.History{b.done()})
	if diff := differs(result.DroppedByCause{Closed: 1, Reset: 2, Truncated: 3, Hung: 4, Corrupt: 5}, s.DroppedByCause); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
}

// TestDetail: one shutdown, its times counted from the signal.
func TestDetail(t *testing.T) {
	h := newHistory().exit(history.Exit{Code: 3}).edit(func(h *history.History) { h.Stderr = []string{"panic: boom"} }).done()
	d := judge(t, "default", []*history.History{h}).Details[0]
	want := []result.Event{
		{Name: "ready", MS: -990},
		{Name: "load", MS: -980},
		{Name: "signal", MS: 0},
		{Name: "first-refused", MS: 200},
		{Name: "exit", MS: 500},
	}
	if diff := differs(want, d.Events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if d.Signal.UncertaintyUS != 20 || d.Signal.Open != 25 || !d.Signal.Sent {
		t.Errorf("the signal is %+v", d.Signal)
	}
	if d.GuardMS != 2 || d.LagP99MS != 0 || d.Seed != 7 {
		t.Errorf("guard %v ms, lag %v ms, seed %d", d.GuardMS, d.LagP99MS, d.Seed)
	}
	if len(d.Stderr) != 1 {
		t.Errorf("its last words are missing: %q", d.Stderr)
	}
}

// TestLastWords are shown of whatever went wrong.
func TestLastWords(t *testing.T) {
	for name, b := range map[string]*builder{
		"a shutdown that cannot be judged": newHistory().edit(func(h *history.History) { h.Disagreed = 1 }),
		"killed, with code 0":              newHistory().exit(history.Exit{Killed: true}),
		"killed":                           newHistory().exit(history.Exit{Killed: true, Code: -1, Signal: "SIGKILL"}),
	} {
		h := b.edit(func(h *history.History) { h.Stderr = []string{"help"} }).done()
		if d := judge(t, "default", []*history.History{h}).Details[0]; len(d.Stderr) != 1 {
			t.Errorf("%s: its last words are missing", name)
		}
	}
}

// TestLastWordsOfAGoodServer are nobody's business.
func TestLastWordsOfAGoodServer(t *testing.T) {
	h := newHistory().edit(func(h *history.History) { h.Stderr = []string{"bye"} }).done()
	if d := judge(t, "default", []*history.History{h}).Details[0]; d.Stderr != nil {
		t.Errorf("stderr %q is reported", d.Stderr)
	}
}

// TestLatencies: of completed requests only, from start to end.
func TestLatencies(t *testing.T) {
	h := newFrame().
		before(history.Completed, 98, func(r *history.Request) { r.End = r.Started + 10*time.Millisecond }).
		before(history.Completed, 2, func(r *history.Request) { r.End = r.Started + 90*time.Millisecond }).
		inFlight(history.Dropped, 5).done()
	got := judge(t, "default", []*history.History{h}).LatencyMS
	if diff := differs(result.Quantiles{P50: 10, P95: 10, P99: 90, Max: 90}, got); diff != "" {
		t.Errorf("latencies (-want +got):\n%s", diff)
	}
}
