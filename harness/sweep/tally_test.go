package sweep

import (
	"slices"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// shutdownOf has requests at these offsets, of which those of the second list were
// lost.
func shutdownOf(kept, lost []time.Duration) *history.History {
	h := &history.History{Signal: history.Signal{Sent: true, Before: time.Second, After: time.Second + 5*us}}
	add := func(offset time.Duration, o history.Outcome) {
		at := time.Second + offset
		h.Requests = append(h.Requests, history.Request{Seq: uint32(len(h.Requests)), Started: at, Sent: at, Outcome: o})
		h.Sweep.Written = append(h.Sweep.Written, at+5*us)
	}
	for _, offset := range kept {
		add(offset, history.Completed)
	}
	for _, offset := range lost {
		add(offset, history.Dropped)
	}
	return h
}

func tallied(t *testing.T, perStep float64, shutdowns int) (*Plan, *tally) {
	t.Helper()
	p := &Plan{Grid: Grid{From: -400 * us, To: 400 * us, Step: 100 * us}, PerStep: perStep}
	p.Scenario.Shutdowns, p.Scenario.Load.Connections = shutdowns, scenario.Reused
	return p, p.tallies()[0]
}

// TestBinsThatLackRequestsGetMore: a request counts where it was sent, and is made up
// for where it was meant to be; where requests are lost more of them are wanted.
func TestBinsThatLackRequestsGetMore(t *testing.T) {
	p, kind := tallied(t, 0, 1)
	var even []time.Duration
	for bin := range p.Grid.Bins() {
		from, _ := p.Grid.Edges(bin)
		for range EnoughShots {
			even = append(even, from+us)
		}
	}
	h := shutdownOf(even[EnoughShots:], nil) // the first bin has none
	for i := range 5 {                       // and five of the second are not known to within a step
		h.Sweep.Written[i] += 100 * us
	}
	kind.add(p.Grid, h)
	if got, want := p.lacks(kind), []int{15, 5, 0, 0, 0, 0, 0, 0}; !slices.Equal(got, want) {
		t.Fatalf("they lack %v, want %v", got, want)
	}
	w := weights(p.needs(kind))
	if w[0] != maxWeight || w[1] != 2 || w[2] != minWeight {
		t.Errorf("weights %v", w)
	}
	count := make([]int, p.Grid.Bins())
	for _, s := range p.shots(1, 460, reused, w) {
		bin, ok := p.Grid.Bin(s.due)
		if !ok {
			t.Fatalf("one is due at %s, in no bin", s.due)
		}
		count[bin]++
	}
	for bin, n := range count { // 5.6 in all
		if want := 460 * w[bin] / 5.6; float64(n) < want-2 || float64(n) > want+2 {
			t.Errorf("bin %d gets %d of 460, want %.0f", bin, n, want)
		}
	}
	if n := thinned(100, w); n != 47 { // at most twice as many in a bin as without weights
		t.Errorf("%d of 100 are left", n)
	}
	if !p.wants(kind) {
		t.Error("no shutdown fills them")
	}

	kind.add(p.Grid, shutdownOf(even[:20], []time.Duration{us, 2 * us}))
	if got, want := p.lacks(kind), []int{0, 0, 0, 15, 13, 15, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("around two losses they lack %v, want %v", got, want)
	}
}

// TestFillingEnds: with what was asked for, with enough, and where it is of no use.
func TestFillingEnds(t *testing.T) {
	some := shutdownOf([]time.Duration{-350 * us}, nil)
	blurred := shutdownOf([]time.Duration{-350 * us}, nil)
	blurred.Signal.After += 200 * us
	for name, tt := range map[string]struct {
		h    *history.History
		want int // shutdowns
	}{
		"never enough": {some, 4 * (1 + maxMore)},
		"nothing ever": {blurred, 4},
	} {
		p, kind := tallied(t, 0, 4)
		for p.next([]*tally{kind}) != nil && kind.shutdowns < 1000 {
			kind.add(p.Grid, tt.h)
		}
		if kind.shutdowns != tt.want {
			t.Errorf("%s: %d shutdowns, want %d", name, kind.shutdowns, tt.want)
		}
	}
	p, kind := tallied(t, 1, 2) // two in each bin are asked for
	var all []time.Duration
	for bin := range p.Grid.Bins() {
		from, _ := p.Grid.Edges(bin)
		all = append(all, from)
	}
	for p.next([]*tally{kind}) != nil {
		kind.add(p.Grid, shutdownOf(all, nil))
	}
	if kind.shutdowns != 2 {
		t.Errorf("%d shutdowns, where two were asked for", kind.shutdowns)
	}
	p, kind = tallied(t, 1, 20) // twenty in each bin, in which one of the two is lost
	for p.next([]*tally{kind}) != nil {
		kind.add(p.Grid, shutdownOf(all, all))
	}
	if n := p.lacks(kind); kind.shutdowns != 20 || slices.Max(n) > 0 {
		t.Errorf("%d shutdowns, and bins lack %v of what was asked for", kind.shutdowns, n)
	}
}

// TestARequestHasTheTimeOfAnAnswer: unless it is said how many there are.
func TestARequestHasTheTimeOfAnAnswer(t *testing.T) {
	for _, tt := range []struct {
		perStep         float64
		answered, delay time.Duration
		want            int
	}{
		{2, time.Second, 0, 16},
		{0, 0, 0, 8},           // one in 100 us at most
		{0, 200 * us, 0, 4},    // in 800 us
		{0, time.Second, 0, 1}, // one in 500 us at least
		{0, 1200 * us, time.Millisecond, 4},
	} {
		p, _ := tallied(t, tt.perStep, 1)
		p.Scenario.Subject.Delay.Duration = tt.delay
		if n := p.connections(tt.answered); n != tt.want {
			t.Errorf("%+v: %d", tt, n)
		}
	}
}

// TestOutOfReach: a bin into which no request comes, however many are meant for it, does
// not keep the others from theirs.
func TestOutOfReach(t *testing.T) {
	p, kind := tallied(t, 0, 1)
	from, _ := p.Grid.Edges(4)
	late := shutdownOf(slices.Repeat([]time.Duration{from + 150*us}, 10), nil)
	for i := range late.Requests {
		late.Requests[i].Scheduled = time.Second + from + us
	}
	for n := 1; n <= 3; n++ {
		if p.lacks(kind)[4] != EnoughShots {
			t.Errorf("after %d that were meant for it the bin lacks %d", kind.meant[4], p.lacks(kind)[4])
		}
		kind.add(p.Grid, late)
	}
	if got := p.lacks(kind)[4]; got != 0 || kind.meant[4] != enoughMeant {
		t.Errorf("after %d that were meant for it and came late the bin lacks %d", kind.meant[4], got)
	}
}
