package history

import (
	"slices"
	"time"
)

// MaxSlip is how late the slowest hundredth of our own requests may start. It is the
// same for every server: a slow one does not make us any more punctual.
const MaxSlip = 50 * time.Millisecond

// Stall is a time in which lastcall itself did not run. The hits that were due in it
// were skipped.
type Stall struct {
	From  time.Duration `json:"from"`  // when the first of them was due
	Until time.Duration `json:"until"` // when we ran again
	Hits  int           `json:"hits"`
}

// mostCounted bounds the hits of which a quantile is taken: a history may promise any
// number of them.
const mostCounted = 1 << 24

// Skipped returns how many hits were never scheduled because we missed their time.
func (h *History) Skipped() (n int) {
	for _, s := range h.Stalls {
		n += s.Hits
	}
	return n
}

// Slip returns how late the slowest hundredth of the requests started, compared with
// when the Pacer wanted them to. A hit that was skipped counts with as much as it
// would have been late.
func (h *History) Slip() (p99 time.Duration) {
	var slips []time.Duration
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Outcome != Pending {
			slips = append(slips, r.Started-r.Scheduled)
		}
	}
	for _, s := range h.Stalls {
		late, n := s.Until-s.From, min(s.Hits, mostCounted-len(slips))
		for i := range n { // the last was due just before the end of the stall
			slips = append(slips, time.Duration(float64(late)*(1-float64(i)/float64(n))))
		}
	}
	slices.Sort(slips)
	return Quantile(slips, 0.99)
}
