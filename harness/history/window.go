package history

import (
	"slices"
	"time"
)

// Window says where a request stood when the signal landed.
type Window uint8

// The windows. A request in flight or late is exposed: its life overlaps the
// time between signal and exit, or it was dropped after the signal.
const (
	Before   Window = iota // it ended before the signal
	InFlight               // exposed, and the server had it when the signal landed
	Late                   // exposed, but still on its way, or sent after the signal
	After                  // it began after the process had gone, as it had been told to
)

var windowNames = [...]string{"before", "in-flight", "late", "after"}

// String returns the window's name.
func (w Window) String() string { return name(windowNames[:], int(w), "window") }

// MinGuard is the least time before the signal by which a request must have
// been written for the server to have had it, where no ledger says so.
const MinGuard = 2 * time.Millisecond

// LedgerGuard takes the place of a smaller guard for a request of which a ledger
// that tells of others has no line: the server's own code never had it. It was
// on its way then, unless it had been written so long before the signal that no
// hiccup of a busy machine explains why it had not been read.
const LedgerGuard = 10 * time.Millisecond

// raceEnds is how soon after the signal the connection of a request that raced
// with it must have ended. A server that cuts off later has had time to read: it
// did not wait long enough for what it was doing.
const raceEnds = 50 * time.Millisecond

// Windows returns each request's window, in the order of h.Requests, and the
// guard that was used where the ledger is silent.
//
// The ledger's order decides where it has a line. Without one, a request is in
// flight if it was written at least a guard before the signal. The guard is
// MinGuard, or how much the slowest hundredth of requests before the signal
// exceeded the median time to the first byte, if that is more: on a busy
// machine a request can sit in a socket's buffer that long. Where there is a
// ledger, and it knows nothing of the request, LedgerGuard is the least. Where
// there is none at all, see forgiveRaces.
func (h *History) Windows() (windows []Window, guard time.Duration) {
	guard = h.guard()
	windows = make([]Window, len(h.Requests))
	if !h.Signal.Sent {
		return windows, guard
	}
	entries := h.Ledger.Entries()
	for i := range h.Requests {
		windows[i] = h.window(&h.Requests[i], entries, guard)
	}
	if len(entries) == 0 {
		h.forgiveRaces(windows, guard)
	}
	return windows, guard
}

// forgiveRaces makes those losses late of which, without a ledger, nobody knows
// whether the server had them. On a busy machine a request lies unread in a
// socket's buffer for up to LedgerGuard, and then meets the close of its idle
// connection as any that was sent a moment later.
//
// What became of the others tells which it was. Those that were written earlier
// the server certainly had: if it lost any of them, none is forgiven. Nor is any
// if more than half of all in flight were lost: a race loses one here and there,
// a death loses all, and where answers are quick there may be no earlier ones.
func (h *History) forgiveRaces(windows []Window, guard time.Duration) {
	var raced []int
	inFlight, lost := 0, 0
	for i := range h.Requests {
		r := &h.Requests[i]
		if windows[i] != InFlight {
			continue
		}
		inFlight++
		if r.Outcome == Completed {
			continue
		}
		if r.Sent <= h.Signal.Before-LedgerGuard {
			return
		}
		lost++
		if h.raced(r, guard) {
			raced = append(raced, i)
		}
	}
	if lost*2 > inFlight {
		return
	}
	for _, i := range raced {
		windows[i] = Late
	}
}

// raced reports whether the loss of a request looks like a race: hung up on
// without a byte, soon after the signal, by a process that went on living. What
// ends together with the process may just as well have been read, and cut off.
func (h *History) raced(r *Request, guard time.Duration) bool {
	hungUp := r.Outcome == Dropped && (r.Cause == Closed || r.Cause == Reset)
	livedOn := !h.Exit.Seen || r.End < h.Exit.At-guard
	return hungUp && livedOn && r.End <= h.Signal.Before+raceEnds
}

func (h *History) window(r *Request, entries map[uint32]Entry, guard time.Duration) Window {
	signal := h.Signal.Before
	dropped := r.Outcome == Dropped
	switch {
	case r.End < signal:
		return Before
	case h.Exit.Seen && r.Started > h.Exit.At && !dropped && h.Operation == nil:
		return After
	}
	if e, ok := entries[r.Seq]; ok && e.Received > 0 {
		if e.BeforeSignal {
			return InFlight
		}
		return Late
	}
	if len(entries) > 0 {
		guard = max(guard, LedgerGuard)
	}
	if r.Written && r.Sent > 0 && r.Sent <= signal-guard {
		return InFlight
	}
	return Late
}

func (h *History) guard() time.Duration {
	if !h.Signal.Sent {
		return MinGuard // there is nothing to guard
	}
	var waits []time.Duration
	for i := range h.Requests {
		r := &h.Requests[i]
		if r.Outcome != Completed || r.Sent == 0 || r.FirstByte < r.Sent {
			continue
		}
		if r.FirstByte >= h.Signal.Before {
			continue
		}
		waits = append(waits, r.FirstByte-r.Sent)
	}
	if len(waits) == 0 {
		return MinGuard
	}
	slices.Sort(waits)
	return max(MinGuard, Quantile(waits, 0.99)-Quantile(waits, 0.5))
}

// Quantile returns the smallest of the sorted durations that is greater than a
// share q of them, or the greatest, or zero if there are none. With few values
// it errs upwards: the 99th percentile of a hundred is their maximum.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(q * float64(len(sorted)))
	return sorted[min(i, len(sorted)-1)]
}
