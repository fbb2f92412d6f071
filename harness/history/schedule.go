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

// Pace is how fast requests came and were completed before the signal, in requests a
// second.
type Pace struct {
	Begun     float64
	Completed float64
}

// utilization is the share of what a server completes that it is loaded with, so that no
// queue grows by chance.
const utilization = 0.7

// Sustainable returns the rate at which a server that completes so much is not
// overloaded.
func (p Pace) Sustainable() int { return max(1, int(utilization*p.Completed)) }

// The bounds of what is called an overload: so many more requests must have begun than
// were completed, and the later half of those that were completed must have taken so
// many times as long as the earlier half.
const (
	fewBehind   = 2
	shareBehind = 0.15
	growth      = 1.5
)

// Overload compares how many requests began with how many were completed, from the
// first answer to the signal. By Little's law both are the same while the time that a
// request takes is: where more begin and all take longer and longer, a queue grows,
// and the server is too slow for the rate. What is lost of such a queue says nothing
// of how the server stops.
func (h *History) Overload() (p Pace, over bool) {
	if !h.Signal.Sent {
		return p, false
	}
	loaded, _ := h.At(EventLoad)
	first := h.Signal.Before
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Outcome == Completed {
			first = min(first, r.End)
		}
	}
	if h.Folded.Counts.Total > 0 { // it has been loaded for long
		loaded = first
	}
	// A quarter later: several workers complete their first requests nearly at once.
	from := first + (first-loaded)/4
	span := (h.Signal.Before - from).Seconds()
	if span <= 0 {
		return p, false
	}
	begun, completed := 0, 0
	var took []taken
	for i := range h.Requests {
		r := &h.Requests[i]
		if r.Started >= from && r.Started < h.Signal.Before {
			begun++
		}
		if r.Outcome != Completed || r.End >= h.Signal.Before {
			continue
		}
		took = append(took, taken{r.Started, r.End - r.Started})
		if r.End >= from {
			completed++
		}
	}
	p = Pace{Begun: float64(begun) / span, Completed: float64(completed) / span}
	behind := float64(begun - completed)
	return p, behind > max(fewBehind, shareBehind*float64(begun)) && grows(took)
}

// taken is how long a request took that started then.
type taken struct{ at, took time.Duration }

// grows reports whether requests took longer and longer.
func grows(all []taken) bool {
	if len(all) < 2 {
		return false
	}
	slices.SortFunc(all, func(a, b taken) int { return int(a.at - b.at) })
	return float64(median(all[len(all)/2:])) >= growth*float64(median(all[:len(all)/2]))
}

func median(some []taken) time.Duration {
	var all []time.Duration
	for _, t := range some {
		all = append(all, t.took)
	}
	slices.Sort(all)
	return Quantile(all, 0.5)
}
