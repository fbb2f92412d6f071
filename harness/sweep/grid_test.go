package sweep

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

const us = time.Microsecond

func TestGrid(t *testing.T) {
	g := Grid{From: -250 * us, To: 210 * us, Step: 100 * us}
	if n := g.Bins(); n != 6 {
		t.Errorf("%d bins, want 6: -300 to 300", n)
	}
	if from, to := g.Edges(0); from != -300*us || to != -200*us {
		t.Errorf("the first bin is %s to %s", from, to)
	}
	for _, tt := range []struct {
		offset time.Duration
		bin    int
		ok     bool
	}{
		{-301 * us, 0, false},
		{-300 * us, 0, true},
		{-200*us - 1, 0, true},
		{-200 * us, 1, true},
		{-1, 2, true}, // the last nanosecond before the signal
		{0, 3, true},
		{99 * us, 3, true},
		{100 * us, 4, true},
		{300*us - 1, 5, true},
		{300 * us, 0, false},
	} {
		bin, ok := g.Bin(tt.offset)
		if ok != tt.ok || ok && bin != tt.bin {
			t.Errorf("%s is in bin %d, %t; want %d, %t", tt.offset, bin, ok, tt.bin, tt.ok)
		}
	}
}

func TestEveryOffsetIsInTheBinOfItsEdges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Grid{
			From: time.Duration(rapid.Int64Range(-5e6, 5e6).Draw(t, "from")),
			Step: time.Duration(rapid.Int64Range(1e5, 1e6).Draw(t, "step")),
		}
		g.To = g.From + time.Duration(rapid.Int64Range(1, 5e6).Draw(t, "span"))
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		offset := time.Duration(rapid.Int64Range(int64(g.From), int64(g.To)-1).Draw(t, "offset"))
		bin, ok := g.Bin(offset)
		if !ok || bin >= g.Bins() || g.Bins() > MaxBins {
			t.Fatalf("%s is in none of the %d bins of %+v", offset, g.Bins(), g)
		}
		from, to := g.Edges(bin)
		if offset < from || offset >= to {
			t.Fatalf("%s is in a bin from %s to %s", offset, from, to)
		}
		if from < 0 && to > 0 {
			t.Fatalf("a bin from %s to %s straddles the signal", from, to)
		}
	})
}

func TestGridRefusesWhatMakesNoBins(t *testing.T) {
	for field, g := range map[string]Grid{
		"step": {From: -us, To: us},
		"from": {From: us, To: us, Step: us},
		"":     {From: -2 * us, To: 2 * us, Step: us},
	} {
		err, _ := errors.AsType[*scenario.Invalid](g.Validate())
		if field == "" && err != nil || field != "" && (err == nil || err.Field != field) {
			t.Errorf("%+v: %v, want a mistake in %q", g, err, field)
		}
	}
	if err := (Grid{From: -time.Second, To: time.Second, Step: us}).Validate(); err == nil {
		t.Error("two million bins are accepted")
	}
}

// TestAShotIsAsUncertainAsItsCalls: both the signal and the request can have taken
// effect as late as their system calls returned, but for a request with a stamp, which
// was in the server's socket soon after that.
func TestAShotIsAsUncertainAsItsCalls(t *testing.T) {
	h := &history.History{Signal: history.Signal{Before: 1000 * us, After: 1030 * us}, Sweep: history.Sweep{
		Written: []time.Duration{0, 1120 * us, 990 * us, 0, 1190 * us, 1110 * us, 1190 * us},
		Stamped: []time.Duration{0, 0, 0, 0, 1105 * us, 1105 * us, 1111 * us},
	}}
	g := Grid{From: -100 * us, To: 200 * us, Step: 50 * us}
	for _, tt := range []struct {
		request history.Request
		want    history.Shot
		bin     int // -1: none
	}{
		{history.Request{Started: 1060 * us}, history.Shot{Offset: 60 * us, Uncertainty: 30 * us, Stamped: false}, 3}, // nothing was written
		{history.Request{Seq: 1, Started: 1060 * us, Sent: 1100 * us}, history.Shot{Offset: 100 * us, Uncertainty: 50 * us, Stamped: false}, 4},
		{history.Request{Seq: 2, Started: 960 * us, Sent: 969 * us}, history.Shot{Offset: -31 * us, Uncertainty: 51 * us, Stamped: false}, -1}, // less exactly than a step
		{history.Request{Seq: 3, Sent: 1205 * us}, history.Shot{Offset: 205 * us, Uncertainty: 30 * us, Stamped: false}, -1},                   // after the last bin
		{history.Request{Seq: 4, Sent: 1100 * us}, history.Shot{Offset: 105 * us, Uncertainty: 40 * us, Stamped: true}, 4},                     // twice as long as to the stamp
		{history.Request{Seq: 5, Sent: 1100 * us}, history.Shot{Offset: 105 * us, Uncertainty: 35 * us, Stamped: true}, 4},                     // or as the call took
		{history.Request{Seq: 6, Sent: 1100 * us}, history.Shot{Offset: 111 * us, Uncertainty: 52 * us, Stamped: true}, -1},                    // it was held up before the stamp
	} {
		got := h.Shot(&tt.request)
		bin, ok := g.Place(got)
		if got != tt.want || ok != (tt.bin >= 0) || ok && bin != tt.bin {
			t.Errorf("%+v: %+v in bin %d, %t; want %+v in %d", tt.request, got, bin, ok, tt.want, tt.bin)
		}
	}
}
