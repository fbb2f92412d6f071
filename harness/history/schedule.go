package history

import (
	"slices"
	"time"
)

// MaxLag is how late the slowest hundredth of our own requests may start. Where
// the handler takes longer, by the scenario or as seen before the signal, so may
// they.
const MaxLag = 50 * time.Millisecond

// Lag returns how late the slowest hundredth of the requests started, compared
// with when the Pacer wanted them to, and how late they may. A load that ran
// behind was not the open loop that was asked for: a burst came instead of a
// stream.
func (h *History) Lag() (p99, allowed time.Duration) {
	var lags, took []time.Duration
	for i := range h.Requests {
		r := &h.Requests[i]
		if r.Outcome != Pending {
			lags = append(lags, r.Started-r.Scheduled)
		}
		if r.Outcome == Completed && r.End < h.Signal.Before {
			took = append(took, r.End-r.Started)
		}
	}
	slices.Sort(lags)
	slices.Sort(took)
	allowed = max(MaxLag, h.Header.Scenario.Subject.Delay.Duration, Quantile(took, 0.5))
	return Quantile(lags, 0.99), allowed
}
