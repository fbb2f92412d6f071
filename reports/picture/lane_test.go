package picture

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
)

func TestPhases(t *testing.T) {
	whole := asked(-10, 20, history.Completed)
	whole.Connected, whole.Sent, whole.FirstByte = ms(-8), ms(-5), ms(15)
	kept := asked(-10, 20, history.Completed)
	kept.Connected, kept.Sent, kept.FirstByte = ms(-500), ms(-9), ms(20)
	halfSent := asked(-10, 20, history.Dropped)
	halfSent.Sent = 0
	for name, c := range map[string]struct {
		request history.Request
		want    []Phase
	}{
		"all four":                   {whole, []Phase{{Connecting, span(-10), span(-8)}, {Sending, span(-8), span(-5)}, {Waiting, span(-5), span(15)}, {Receiving, span(15), span(20)}}},
		"on a connection that stood": {kept, []Phase{{Sending, span(-10), span(-9)}, {Waiting, span(-9), span(20)}}},
		"dropped":                    {asked(-10, 20, history.Dropped), []Phase{{Waiting, span(-10), span(20)}}},
		"refused":                    {asked(5, 6, history.Refused), []Phase{{Connecting, span(5), span(6)}}},
		"cut off while sending":      {halfSent, []Phase{{Sending, span(-10), span(20)}}},
		"over at once":               {asked(5, 5, history.Refused), nil},
		"made up, ends before it was": {
			history.Request{Started: ms(5), Connected: ms(9), Sent: ms(1), End: ms(7)},
			[]Phase{{Connecting, span(5), span(7)}},
		},
	} {
		if diff := cmp.Diff(c.want, phases(&c.request, signalAt)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestPhasesFillALife: without a gap, in order, from begin to end.
func TestPhasesFillALife(t *testing.T) {
	r := asked(-10, 20, history.Completed)
	for _, c := range []time.Duration{0, ms(-20), ms(-10), ms(3), ms(90)} {
		for _, f := range []time.Duration{0, ms(-10), ms(3), ms(20), ms(90)} {
			r.Connected, r.FirstByte = c, f
			at := r.Started - signalAt
			for _, p := range phases(&r, signalAt) {
				if p.From != at || p.To <= p.From {
					t.Fatalf("connected %s, first byte %s: %+v begins not at %s", c, f, p, at)
				}
				at = p.To
			}
			if at != r.End-signalAt {
				t.Errorf("connected %s, first byte %s: it is over at %s", c, f, at)
			}
		}
	}
}

// TestSwimlaneShowsWhoWasThere: those whose life touches the window, by when they
// began; and a loss wherever it is.
func TestSwimlaneShowsWhoWasThere(t *testing.T) {
	h := shutdownOf("it", 1,
		asked(-900, -800, history.Completed), // long over
		asked(10, 11, history.Refused),
		asked(-40, 30, history.Completed),
		asked(-70, 3, history.Dropped),
		asked(-700, -600, history.Dropped), // a loss before the signal
	)
	s := swimlane(h, window(h), 100)
	var seqs []uint32
	for _, l := range s.Lanes {
		seqs = append(seqs, l.Seq)
	}
	if diff := cmp.Diff([]uint32{4, 3, 2, 1}, seqs); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
	if s.Touched != 4 || s.Outside != 1 || s.Exposed != 4 || s.Hidden != 0 {
		t.Errorf("touched %d, outside %d, exposed %d, hidden %d", s.Touched, s.Outside, s.Exposed, s.Hidden)
	}
	if !s.Axis.Has(span(-70)) || !s.Axis.Has(span(50)) {
		t.Errorf("the window %s to %s is too small", s.Axis.From, s.Axis.To)
	}
}
