package picture

import (
	"time"

	"lastcall/harness/history"
)

// The window of a swimlane reaches so far beyond what is exposed.
const (
	leastTail = 25 * time.Millisecond
	leastLead = 20 * time.Millisecond
	mostLead  = time.Second
)

// ending is when the last of it was over, from the signal: the exit, and whatever
// was exposed.
func ending(h *history.History) time.Duration {
	var last time.Duration
	if !h.Signal.Sent {
		return 0
	}
	if h.Exit.Seen {
		last = h.Exit.At - h.Signal.Before
	}
	windows, _ := h.Windows()
	for i := range h.Requests {
		if exposed(windows[i]) {
			last = max(last, h.Requests[i].End-h.Signal.Before)
		}
	}
	return last
}

// window is the stretch of time that a swimlane shows: from before the first
// request that the signal met was begun, until after the last has ended.
func window(h *history.History) Axis {
	windows, _ := h.Windows()
	first, last := time.Duration(0), ending(h)
	for i := range h.Requests {
		if exposed(windows[i]) {
			first = min(first, h.Requests[i].Started-h.Signal.Before)
		}
	}
	first = max(first, -mostLead)
	span := last - first
	return NewAxis(first-max(span/10, leastLead), last+max(span/6, leastTail))
}

// exposed reports whether a request's life overlapped the shutdown.
func exposed(w history.Window) bool { return w.Exposed() }

// alike is by how much the longest of the axes that are made one exceeds the
// shortest, at most: what is much shorter would be a mere stroke on a longer one.
const alike = 4

// align makes one axis of those that are of about the same length, so that what
// they show can be compared. The others, and those that are not set, stay.
func align(axes []Axis) []Axis {
	var shortest time.Duration
	for _, a := range axes {
		if span := a.To - a.From; span > 0 && (shortest == 0 || span < shortest) {
			shortest = span
		}
	}
	var shared Axis
	for _, a := range axes {
		if span := a.To - a.From; span > 0 && span <= alike*shortest {
			shared.From, shared.To = min(shared.From, a.From), max(shared.To, a.To)
		}
	}
	aligned := make([]Axis, len(axes))
	for i, a := range axes {
		if span := a.To - a.From; span > 0 && span <= alike*shortest {
			a = NewAxis(shared.From, shared.To)
		}
		aligned[i] = a
	}
	return aligned
}
