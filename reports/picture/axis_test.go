package picture

import (
	"testing"
	"time"
)

func TestAxis(t *testing.T) {
	for _, c := range []struct{ from, to time.Duration }{
		{0, 0},
		{-span(1), 0},
		{-span(123), span(456)},
		{0, 37 * time.Second},
		{-time.Second, 10 * time.Minute},
		{span(5), span(5.1)},
	} {
		a := NewAxis(c.from, c.to)
		if n := len(a.Ticks); n < 1 || n > mostTicks+1 {
			t.Errorf("%s to %s has %d ticks", c.from, c.to, n)
		}
		for i, at := range a.Ticks {
			if !a.Has(at) || i > 0 && at <= a.Ticks[i-1] {
				t.Errorf("%s to %s: tick %s", c.from, c.to, at)
			}
		}
		if a.At(a.From) != 0 || a.At(a.To) != 1 || a.At(a.From-time.Hour) != 0 || a.At(a.To+time.Hour) != 1 {
			t.Errorf("%s to %s: the edges are elsewhere", c.from, c.to)
		}
	}
	if a := NewAxis(-span(100), span(100)); a.At(0) != 0.5 {
		t.Errorf("the signal is at %v", a.At(0))
	}
}

func TestTimesInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 30 * time.Microsecond: "+less than 0.1 ms", 400 * time.Microsecond: "+0.4 ms", -span(3.25): "−3.2 ms", span(5): "+5 ms",
		span(9.96): "+10 ms", span(38.4): "+38 ms", -span(999.4): "−999 ms", span(999.6): "+1 s", span(1400): "+1.4 s", span(1036): "+1.04 s", 10 * time.Second: "+10 s", time.Minute: "+60 s",
	} {
		if got := Offset(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestAlign(t *testing.T) {
	short, longer, far := NewAxis(-span(100), span(50)), NewAxis(-span(120), span(180)), NewAxis(-span(100), span(3000))
	got := align([]Axis{short, {}, far, longer})
	if got[0].From != -span(120) || got[0].To != span(180) || got[3].From != got[0].From || got[3].To != got[0].To {
		t.Errorf("those alike are not one: %+v", got)
	}
	if got[2].To != far.To || got[2].From != far.From {
		t.Errorf("the long one was changed: %+v", got[2])
	}
	if got[1].To != 0 {
		t.Errorf("one that is not set was: %+v", got[1])
	}
}
