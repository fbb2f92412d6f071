package sweep

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/stats"
)

// sweptGrid has two bins on either side.
var sweptGrid = Grid{From: -200 * us, To: 200 * us, Step: 100 * us}

// sweptShutdown is one shutdown of a sweep: requests at these offsets, which had these
// fates.
type sweptShutdown struct {
	history.History
}

func newSwept(ordinal int) *sweptShutdown {
	s := &sweptShutdown{}
	s.Header = history.Header{Subject: "drains", Kind: "strategy", Ordinal: ordinal, Shutdown: ordinal}
	s.Header.Scenario.Disruption.Signal = "SIGTERM"
	s.Signal = history.Signal{Sent: true, Before: time.Second, After: time.Second + 10*us}
	return s
}

// add adds a request at an offset. What the ledger says of it may be nothing.
func (s *sweptShutdown) add(offset time.Duration, pooled bool, o history.Outcome, facts ...history.Fact) *history.Request {
	at := s.Signal.Before + offset
	r := history.Request{
		Seq: uint32(len(s.Requests)), Pooled: pooled, Reused: pooled, Outcome: o,
		Scheduled: at, Started: at, Sent: at, End: at + time.Millisecond,
	}
	for _, f := range facts {
		s.Ledger.Lines = append(s.Ledger.Lines, history.LedgerLine{Seq: r.Seq, Fact: f})
	}
	s.Requests = append(s.Requests, r)
	return &s.Requests[len(s.Requests)-1]
}

func sweepOf(shutdowns ...*sweptShutdown) result.Sweep {
	var all []*history.History
	for _, s := range shutdowns {
		all = append(all, &s.History)
	}
	return Judge(all, sweptGrid)
}

func TestSweepCountsByBins(t *testing.T) {
	a, b := newSwept(1), newSwept(2)
	a.add(-150*us, true, history.Completed, history.Received, history.Executed)
	a.add(-50*us, true, history.Dropped, history.Received, history.Executed)
	a.add(-1, true, history.Dropped, history.Received)
	a.add(0, true, history.Dropped)
	a.add(150*us, true, history.Rejected, history.Received)
	b.add(-40*us, true, history.Completed, history.Received)
	b.add(20*us, true, history.Dropped)
	closed := b.add(120*us, true, history.Refused)
	closed.Stale, closed.Sent = 1, 0
	b.add(130*us, false, history.Refused)
	b.add(500*us, false, history.Dropped)
	s := sweepOf(a, b)

	if s.Status != result.SuitePass || s.Measured != 2 || s.Schema != result.SweepSchema || len(s.Lanes) != 2 {
		t.Fatalf("status %v, %d measured, schema %q, %d lanes", s.Status, s.Measured, s.Schema, len(s.Lanes))
	}
	reused, fresh := s.Lanes[0], s.Lanes[1]
	var got []result.SweepCount
	for _, bin := range reused.Bins {
		got = append(got, bin.SweepCount)
	}
	want := []result.SweepCount{
		{Sent: 1, AtRisk: 1, Completed: 1},
		{Sent: 3, AtRisk: 3, Completed: 1, Lost: 2, Executed: 1, Received: 1},
		{Sent: 2, AtRisk: 2, Lost: 2, NeverRead: 2},
		{Sent: 2, AtRisk: 1, Rejected: 1, Closed: 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("reused: %+v\nwant    %+v", got, want)
	}
	if n := reused.Bins[2].Shutdowns; n != 2 || reused.Shutdowns != 2 || reused.Bins[1].Shutdowns != 1 {
		t.Errorf("losses in %d shutdowns, %d in the bin after the signal", reused.Shutdowns, n)
	}
	if *reused.EarliestUS != -50 || *reused.LatestUS != 20 {
		t.Errorf("lost from %v to %v", *reused.EarliestUS, *reused.LatestUS)
	}
	if *reused.Widest != (result.SweepWindow{FromUS: -100, ToUS: 100}) {
		t.Errorf("the widest window is %+v", *reused.Widest)
	}
	if low, high, _ := stats.Interval(2, 3); *reused.Bins[1].Low != low || *reused.Bins[1].High != high {
		t.Errorf("the interval of 2 of 3 is %v to %v", *reused.Bins[1].Low, *reused.Bins[1].High)
	}
	if fresh.Outside != 1 || fresh.Sum != (result.SweepCount{Sent: 1, Refused: 1}) || fresh.Bins[3].Rate != nil {
		t.Errorf("fresh: %d outside, %+v", fresh.Outside, fresh.Sum)
	}
	text := strings.Join(s.Story, "\n")
	for _, want := range []string{
		"4 of 7 requests at risk were dropped, in 2 of 2 shutdowns.",
		"The first dropped request was sent 50 µs before SIGTERM, the last 20 µs after it",
		"1 executed and not answered, 1 received and not executed, 2 never read",
		"1 whose connection had been seen to close",
		"A new connection: no request was at risk",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the story:\n%s", want, text)
		}
	}
}

// TestAnEmptyLedgerAmongOthersSaysThatNothingWasRead: it was not forgotten there.
func TestAnEmptyLedgerAmongOthersSaysThatNothingWasRead(t *testing.T) {
	a, b := newSwept(1), newSwept(2)
	a.add(0, true, history.Completed, history.Received)
	b.add(0, true, history.Dropped)
	if c := sweepOf(a, b).Lanes[0].Sum; c.NeverRead != 1 || c.Unknown != 0 {
		t.Errorf("%+v", c)
	}
	if c := sweepOf(b).Lanes[0].Sum; c.NeverRead != 0 || c.Unknown != 1 {
		t.Errorf("without any ledger: %+v", c)
	}
}

// TestSweepSetsAsideWhatSaysNothing: no shutdown counts that could not be carried out.
func TestSweepSetsAsideWhatSaysNothing(t *testing.T) {
	good := func(n int) *sweptShutdown {
		s := newSwept(n)
		s.add(0, true, history.Completed)
		return s
	}
	bad := map[string]func(*sweptShutdown){
		"failed":      func(s *sweptShutdown) { s.Error = "boot: no" },
		"no signal":   func(s *sweptShutdown) { s.Signal.Sent = false },
		"interrupted": func(s *sweptShutdown) { s.Interrupted = true },
	}
	for name, spoil := range bad {
		t.Run(name, func(t *testing.T) {
			s := good(2)
			s.Requests[0].Outcome = history.Dropped
			spoil(s)
			got := sweepOf(good(1), s)
			if got.Measured != 1 || got.Lanes[0].Sum.Lost != 0 {
				t.Errorf("%d shutdowns count, with %d losses", got.Measured, got.Lanes[0].Sum.Lost)
			}
			want := result.SuitePass // half of them count
			if name == "interrupted" {
				want = result.SuiteInterrupted
			}
			if got.Status != want {
				t.Errorf("status %v, want %v", got.Status, want)
			}
			if got := sweepOf(s); got.Status == result.SuitePass {
				t.Error("a sweep of which nothing counts passes")
			}
		})
	}
}

func TestSweepOfNothingIsInconclusive(t *testing.T) {
	if s := sweepOf(); s.Status != result.SuiteInconclusive || s.Lanes == nil || s.Story == nil || s.Warnings == nil {
		t.Errorf("%+v", s)
	}
}

// TestSweepTellsAQueueFromAHandler: what was lost long before the signal was waiting
// for the server, unless its handlers take so long.
func TestSweepTellsAQueueFromAHandler(t *testing.T) {
	grid := Grid{From: -2 * time.Millisecond, To: time.Millisecond, Step: 100 * us}
	const (
		quiet   = "nothing of it"
		queue   = "reused connections that were sent 1.5 ms before SIGTERM were dropped, too early for a race: an answer takes"
		handler = "an answer takes 500 ms here, longer than the sweep reaches back: the dropped requests were in their handlers when SIGTERM arrived. Test a faster endpoint, or start earlier with a wider step (--from -600ms --step 25ms)"
	)
	for _, tt := range []struct {
		delay, answered time.Duration
		want            string
	}{
		{0, 0, queue},
		{0, 200 * us, queue},
		{0, 1200 * us, quiet},
		{2 * time.Millisecond, 0, quiet},
		{0, 500 * time.Millisecond, handler},
		{500 * time.Millisecond, 0, handler},
	} {
		s := newSwept(1)
		s.Header.Scenario.Subject.Delay.Duration, s.Sweep.Answered = tt.delay, tt.answered
		s.add(-1500*us, true, history.Dropped)
		text := strings.Join(Judge([]*history.History{&s.History}, grid).Warnings, "\n")
		if tt.want == quiet && !strings.Contains(text, "an answer takes") {
			continue
		}
		if !strings.Contains(text, tt.want) {
			t.Errorf("with a delay of %s, answered after %s: %q, want %q", tt.delay, tt.answered, text, tt.want)
		}
	}
}

// TestAWindowThatLeavesTheSweepIsOpen: nobody knows how far it reaches beyond.
func TestAWindowThatLeavesTheSweepIsOpen(t *testing.T) {
	const (
		open  = "from before the start of the sweep (--from), 200 µs before SIGTERM,"
		ended = "at least to the end of the sweep (--to), 200 µs after it."
	)
	for _, tt := range []struct {
		from, to time.Duration
		want     string
	}{
		{-150 * us, 50 * us, "Most of these were sent " + open + " to 100 µs after it."},
		{-50 * us, 150 * us, "Most of these were sent from 100 µs before SIGTERM " + ended},
		{-150 * us, 150 * us, "Most of these were sent " + open + " " + ended},
		{-50 * us, 50 * us, "Most of these were sent from 100 µs before SIGTERM to 100 µs after it."},
	} {
		s := newSwept(1)
		for range 20 {
			s.add(tt.from, true, history.Dropped)
			s.add(tt.to, true, history.Dropped)
		}
		if text := strings.Join(sweepOf(s).Story, "\n"); !strings.Contains(text, tt.want) {
			t.Errorf("lost from %s to %s: %s, want %q", tt.from, tt.to, text, tt.want)
		}
	}
}

// written says when the call that sent a request returned.
func (s *sweptShutdown) written(r *history.Request, took time.Duration) {
	for len(s.Sweep.Written) <= int(r.Seq) {
		s.Sweep.Written = append(s.Sweep.Written, 0)
	}
	s.Sweep.Written[r.Seq] = r.Sent + took
}

// TestAShotIsDiscardedAlone: what is not known to within a step is in no bin, however
// it ended, and the shutdown counts with all of its others.
func TestAShotIsDiscardedAlone(t *testing.T) {
	a, b := newSwept(1), newSwept(2)
	b.Signal.After = b.Signal.Before + 101*us // of this one nothing is known
	for _, s := range []*sweptShutdown{a, b} {
		s.Sweep.Skipped = 2
		s.written(s.add(-150*us, true, history.Completed), 20*us)
		s.written(s.add(-30*us, true, history.Dropped), 91*us) // and the signal took 10 µs
		s.written(s.add(50*us, true, history.Dropped), 90*us)
		late := s.add(120*us, true, history.Completed)
		late.Scheduled -= 80 * us // it was meant for another bin
	}
	got := sweepOf(a, b)
	l := got.Lanes[0]
	if got.Measured != 2 || l.Measured != 2 || l.Late != 4 || l.Uncertain != 1+4 || l.Discarded() != 9 || l.Outside != 0 {
		t.Fatalf("%d and %d shutdowns count, %d late, %d uncertain, %d outside", got.Measured, l.Measured, l.Late, l.Uncertain, l.Outside)
	}
	for bin, want := range []result.SweepCount{{Sent: 1, AtRisk: 1, Completed: 1}, {}, {Sent: 1, AtRisk: 1, Lost: 1, Unknown: 1}, {Sent: 1, AtRisk: 1, Completed: 1}} {
		if l.Bins[bin].SweepCount != want {
			t.Errorf("bin %d: %+v, want %+v", bin, l.Bins[bin].SweepCount, want)
		}
	}
	if text := strings.Join(got.Story, "\n"); !strings.Contains(text, "Discarded: 4 not sent in time, 5 whose instant is known less exactly than to a step.") {
		t.Errorf("the discarded are not in the story:\n%s", text)
	}
	if text := strings.Join(got.Warnings, "\n"); !strings.Contains(text, "9 of 12 requests on reused connections were discarded") || !strings.Contains(text, "--step 200us") {
		t.Errorf("it is not said that most were discarded:\n%s", text)
	}
	if got.Status == result.SuitePass {
		t.Error("a sweep passes of which most was discarded")
	}
}

// TestFewShotsWithoutALossProveNothing: one loss proves one.
func TestFewShotsWithoutALossProveNothing(t *testing.T) {
	s := newSwept(1)
	for range EnoughShots {
		s.add(-150*us, true, history.Completed)
		s.add(150*us, true, history.Refused).Stale = 1
	}
	s.add(-50*us, true, history.Completed)
	s.add(50*us, true, history.Dropped)
	got := sweepOf(s)
	for bin, want := range []bool{false, true, false, false} {
		if b := got.Lanes[0].Bins[bin]; b.ProvesNothing != want {
			t.Errorf("bin %d, with %+v: proves nothing %t", bin, b.SweepCount, b.ProvesNothing)
		}
	}
	if text := strings.Join(got.Warnings, "\n"); got.Lanes[0].Unproved != 1 || !strings.Contains(text, "1 of 4 bins on reused connections prove nothing: fewer than 15 requests") {
		t.Errorf("%d bins, %q", got.Lanes[0].Unproved, text)
	}
}

// TestTheWindowLeavesStraysOut: a single request that was lost long before the others
// neither widens the window nor makes a queue of it.
func TestTheWindowLeavesStraysOut(t *testing.T) {
	grid := Grid{From: -time.Millisecond, To: time.Millisecond, Step: 100 * us}
	s := newSwept(1)
	for bin := range grid.Bins() {
		from, _ := grid.Edges(bin)
		for n := range 20 {
			o := history.Completed
			if from == -900*us && n == 0 || (from == 100*us || from == 300*us) && n < 8 {
				o = history.Dropped
			}
			s.add(from+time.Duration(n)*us, true, o)
		}
	}
	got := Judge([]*history.History{&s.History}, grid)
	l := got.Lanes[0]
	if l.Window == nil || *l.Window != (result.SweepWindow{FromUS: 100, ToUS: 400}) || *l.EarliestUS != -900 {
		t.Errorf("the window is %+v, the first loss at %v", l.Window, *l.EarliestUS)
	}
	if len(got.Warnings) > 0 {
		t.Errorf("%q", got.Warnings)
	}
	const want = "Most of these were sent from 100 µs after SIGTERM to 400 µs after it."
	if text := strings.Join(got.Story, "\n"); !strings.Contains(text, want) || !strings.Contains(text, "The first dropped request was sent 900 µs before SIGTERM") {
		t.Errorf("%q is not in the story:\n%s", want, text)
	}
}

// TestTheWindowOfAPeak: the slopes of a peak, where a few of many are lost, belong to it
// by the share, not by whether chance proves it in this sweep.
func TestTheWindowOfAPeak(t *testing.T) {
	of := func(lost ...int) (bins []result.SweepBin) {
		for i, n := range lost {
			b := result.SweepBin{SweepWindow: result.SweepWindow{FromUS: float64(i), ToUS: float64(i + 1)}}
			b.Sent, b.Lost = 40, n
			bins = append(bins, b)
		}
		return bins
	}
	for name, tt := range map[string]struct {
		bins     []result.SweepBin
		from, to float64
	}{
		"a peak with slopes":    {of(0, 3, 4, 5, 30, 36, 34, 28, 18, 9, 6, 8, 1, 0), 4, 9},
		"other chance":          {of(0, 0, 6, 9, 28, 38, 35, 25, 19, 5, 10, 1, 4, 0), 4, 8}, // within a bin of it
		"a step":                {of(0, 0, 0, 40, 40, 40), 3, 6},
		"one bin":               {of(0, 0, 0, 40, 0, 0), 3, 4},
		"few, but everywhere":   {of(8, 9, 8, 10, 9, 8), 0, 6},
		"nothing that is proof": {of(0, 0, 2, 0, 1, 0), 0, 0},
		"nothing":               {of(0, 0, 0), 0, 0},
	} {
		w := window(tt.bins)
		if w == nil {
			w = &result.SweepWindow{}
		}
		if want := (result.SweepWindow{FromUS: tt.from, ToUS: tt.to}); *w != want {
			t.Errorf("%s: the window is %+v, want %+v", name, *w, want)
		}
	}
}

func TestWidestWindow(t *testing.T) {
	zero, low := 0.0, 0.01
	bin := func(from float64, low *float64) result.SweepBin {
		return result.SweepBin{SweepWindow: result.SweepWindow{FromUS: from, ToUS: from + 100}, Low: low}
	}
	for name, tt := range map[string]struct {
		lows     []*float64
		from, to float64 // both 0: none
	}{
		"none":              {[]*float64{&zero, nil, &zero}, 0, 0},
		"at the beginning":  {[]*float64{&low, &low, &zero, &low}, -200, 0},
		"at the end":        {[]*float64{&low, nil, &low, &low}, 0, 200},
		"broken by nothing": {[]*float64{&low, &low, &low, &low}, -200, 200},
		"the earlier":       {[]*float64{&low, &zero, &low, nil}, -200, -100},
	} {
		var bins []result.SweepBin
		for i, l := range tt.lows {
			bins = append(bins, bin(float64(100*i-200), l))
		}
		got := widest(bins)
		if tt.from == tt.to {
			if got != nil {
				t.Errorf("%s: %+v", name, *got)
			}
		} else if got == nil || got.FromUS != tt.from || got.ToUS != tt.to {
			t.Errorf("%s: %+v, want %v to %v", name, got, tt.from, tt.to)
		}
	}
}
