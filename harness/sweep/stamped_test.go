package sweep

import (
	"testing"
	"time"

	"lastcall/harness/history"
)

// TestAStampedRequestCountsWhereItWasStamped: its offset is the stamp's, and the waking
// of the server makes it no less certain.
func TestAStampedRequestCountsWhereItWasStamped(t *testing.T) {
	s := newSwept(1)
	for i, stamp := range []time.Duration{0, 105 * us} {
		r := s.add(95*us, true, history.Completed)
		r.Seq, r.Written = uint32(i), true
		s.Sweep.Written = append(s.Sweep.Written[:i], r.Sent+300*us)
		s.Sweep.Stamped = append(s.Sweep.Stamped, 0)
		if stamp > 0 {
			s.Sweep.Stamped[i] = s.Signal.Before + stamp
		}
	}
	got := Judge([]*history.History{&s.History}, sweptGrid)
	l := got.Lanes[0]
	if got.Stamped != 1 || got.Unstamped != 1 || l.Uncertain != 1 || l.Bins[3].Sent != 1 || l.Sum.Sent != 1 {
		t.Errorf("%d stamped, %d not; %d uncertain, %+v", got.Stamped, got.Unstamped, l.Uncertain, l.Sum)
	}
}
