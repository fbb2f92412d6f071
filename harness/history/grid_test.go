package history

import (
	"testing"
	"time"

	"pgregory.net/rapid"
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
		err, _ := g.Validate().(*Invalid)
		if field == "" && err != nil || field != "" && (err == nil || err.Field != field) {
			t.Errorf("%+v: %v, want a mistake in %q", g, err, field)
		}
	}
	if err := (Grid{From: -time.Second, To: time.Second, Step: us}).Validate(); err == nil {
		t.Error("two million bins are accepted")
	}
}
