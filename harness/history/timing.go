package history

import (
	"slices"
	"time"
)

// Crossing is how close to a closing instant the connection of a request must have
// ended for the two to have crossed.
const Crossing = 10 * time.Millisecond

// Timing answers what was how late, and what was closed when, in one shutdown.
type Timing struct {
	closings []Closing
	late     []lateness // by time
	looks    []Look
	signal   Signal
}

// lateness is how much later than it was due something of lastcall's own was done.
type lateness struct{ at, slip time.Duration }

// Timing prepares the answers.
func (h *History) Timing() *Timing {
	t := &Timing{closings: h.closings(), looks: h.Looks, signal: h.Signal}
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Outcome != Pending {
			t.late = append(t.late, lateness{r.Started, max(0, r.Started-r.Scheduled)})
		}
	}
	for _, s := range h.Stalls {
		t.late = append(t.late, lateness{s.Until, s.Until - s.From})
	}
	for _, l := range h.Looks {
		t.late = append(t.late, lateness{l.At, l.Slip})
	}
	slices.SortFunc(t.late, func(a, b lateness) int { return int(a.at - b.at) })
	return t
}

// around is how far before and after a span lastcall's lateness counts as that in
// it: in a short one nothing may have been due.
const around = 10 * time.Millisecond

// Slip is lastcall's own greatest lateness between two instants, not a quantile of
// it: in the worst moment the loss may have come. If the signal was sent in between,
// it is known no better when than the system call shows.
func (t *Timing) Slip(from, to time.Duration) (slip time.Duration) {
	if t.signal.Sent && t.signal.Before > from && t.signal.After < to {
		slip = t.signal.After - t.signal.Before
	}
	from, to = from-around, to+around
	i, _ := slices.BinarySearchFunc(t.late, from, func(l lateness, at time.Duration) int { return int(l.at - at) })
	for ; i < len(t.late) && t.late[i].at <= to; i++ {
		slip = max(slip, t.late[i].slip)
	}
	return slip
}

// Closing returns the closing instant that is nearest to a time, and how far away it
// is. Where nothing was seen closing, ok is false.
func (t *Timing) Closing(at time.Duration) (nearest Closing, distance time.Duration, ok bool) {
	for _, c := range t.closings {
		if d := c.Distance(at); !ok || d < distance {
			nearest, distance, ok = c, d, true
		}
	}
	return nearest, distance, ok
}

// Wait is how long the subject's threads waited for a CPU between two instants, at the
// most: in each stretch between two looks the one that was delayed most.
func (t *Timing) Wait(from, to time.Duration) (wait time.Duration) {
	for i, l := range t.looks {
		if l.At > from && (i == 0 || t.looks[i-1].At < to) {
			wait += l.Wait
		}
	}
	return wait
}

// Ran is how long the subject's threads together had a CPU between two instants.
func (t *Timing) Ran(from, to time.Duration) (ran time.Duration) {
	for i, l := range t.looks {
		if l.At > from && (i == 0 || t.looks[i-1].At < to) {
			ran += l.Ran
		}
	}
	return ran
}

// closings are the closing instants that were seen. Where the kernel was not asked,
// the listener closed between the last connection that was accepted and the first
// that was refused.
func (h *History) closings() []Closing {
	if h.Kernel.Asked || !h.Signal.Sent {
		return h.Closings
	}
	var accepted, refused time.Duration
	for i := range h.Requests {
		r := &h.Requests[i]
		if r.Outcome == Refused && r.Reason == ConnectionRefused && r.Started >= h.Signal.Before && (refused == 0 || r.Started < refused) {
			refused = r.Started
		}
	}
	if refused == 0 {
		return h.Closings
	}
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Connected > 0 && r.Connected <= refused {
			accepted = max(accepted, r.Connected)
		}
	}
	return append(slices.Clone(h.Closings), Closing{From: max(accepted, h.Signal.Before), To: refused, Listener: true})
}

// Warm is when the server was warm: half way from the beginning of the load to the
// signal. The first answers of a server are slow, and belong to no quantile. Where
// nothing that was sent since then was answered before the signal, all answers
// count: it is the beginning of the load.
func (h *History) Warm() time.Duration {
	loaded, _ := h.At(EventLoad)
	half := loaded + (h.Signal.Before-loaded)/2
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Outcome == Completed && r.Started >= half && r.End < h.Signal.Before {
			return half
		}
	}
	return loaded
}
