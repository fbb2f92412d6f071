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
func window(h *history.History, windows []history.Window) Axis {
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
func exposed(w history.Window) bool { return w == history.InFlight || w == history.Late }
