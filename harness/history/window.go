package history

import (
	"slices"
	"time"
)

// Window says where a request stood when the signal landed.
type Window uint8

// The windows. A request in flight, on the edge, or late is exposed: its life
// overlaps the time between signal and exit, or it was dropped after the signal.
const (
	Before   Window = iota // it ended before the signal
	InFlight               // exposed, and the server had it when the signal landed
	Late                   // exposed, but still on its way, or sent after the signal
	After                  // it began after the process had gone, as it had been told to
	Edge                   // dropped, and read so shortly before the signal that the server may not have begun with it
)

var windowNames = [...]string{"before", "in-flight", "late", "after", "edge"}

// String returns the window's name.
func (w Window) String() string { return name(windowNames[:], int(w), "window") }

// Exposed reports whether a request of the window is at stake in the shutdown.
func (w Window) Exposed() bool { return w == InFlight || w == Late || w == Edge }

// The bounds of the guard: where neither the kernel nor a ledger says what the
// server had, a request must have been written so long before the signal for the
// server to have had it.
const (
	MinGuard = 2 * time.Millisecond
	MaxGuard = 10 * time.Millisecond
)

// What the server had read is proved to have been in its hands if it had read it
// so long before the signal, or if the connection ended so long after it. From
// read(2) to the handler it takes a server microseconds, and milliseconds only on
// a machine on which lastcall is late, too.
const (
	provenBefore = 5 * time.Millisecond
	provenAfter  = 2 * time.Millisecond
)

// Windows returns each request's window, in the order of h.Requests, and the
// guard that was used where only times are known.
//
// Where the kernel was asked, what the server's process had read in the last look
// before the signal was in flight. Where there is a ledger, its order decides for
// those that it knows, too; one that the process had read, and of which a ledger
// that has every completed request knows nothing, had not been begun by a handler.
//
// Without either, a request is in flight if it was written at least a guard before
// the signal. The guard is how much the slowest hundredth of the answers before the
// signal exceeded the median time to the first byte, from MinGuard to MaxGuard.
func (h *History) Windows() (windows []Window, guard time.Duration) {
	guard = h.guard()
	windows = make([]Window, len(h.Requests))
	if !h.Signal.Sent {
		return windows, guard
	}
	s := sorter{History: h, entries: h.Ledger.Entries(), guard: guard, timing: h.Timing()}
	s.complete = h.LedgerIsComplete(s.entries)
	for i := range h.Requests {
		windows[i] = s.window(&h.Requests[i])
	}
	return windows, guard
}

// sorter sorts requests into windows.
type sorter struct {
	*History
	entries  map[uint32]Entry
	complete bool // the ledger has every completed request
	guard    time.Duration
	timing   *Timing
}

// LedgerIsComplete reports whether the ledger, by its entries, says received of every
// request that was completed before the signal, so that its silence says something.
func (h *History) LedgerIsComplete(entries map[uint32]Entry) bool {
	known := 0
	for i := range h.Requests {
		switch r := &h.Requests[i]; {
		case r.Outcome != Completed || r.End >= h.Signal.Before:
		case entries[r.Seq].Received == 0:
			return false
		default:
			known++
		}
	}
	return known > 0
}

func (s *sorter) window(r *Request) Window {
	dropped := r.Outcome == Dropped
	switch {
	case r.End < s.Signal.Before:
		return Before
	case s.Exit.Seen && r.Started > s.Exit.At && !dropped && s.Operation == nil:
		return After
	}
	entry, known := s.entries[r.Seq]
	known = known && entry.Received > 0
	switch {
	case known && entry.BeforeSignal:
		return InFlight
	case !s.Kernel.Asked:
		return s.guess(r, known)
	case !r.Standing.Read():
		return Late
	case !dropped, known:
		return InFlight
	case s.complete, !s.proven(r):
		return Edge
	}
	return InFlight
}

// proven reports whether a request that the server had read as the signal came, and
// that was dropped, was certainly in its hands.
func (s *sorter) proven(r *Request) bool {
	if n := int(r.Had); n > 0 && n <= len(s.Looks) {
		read := s.Looks[n-1].End()
		if s.Signal.Before-read >= max(provenBefore, s.timing.Slip(read, s.Signal.Before)) {
			return true
		}
	}
	slip := s.timing.Slip(s.Signal.Before, r.End)
	if r.End-s.Signal.After > max(provenAfter, slip) {
		return true
	}
	_, distance, near := s.timing.Closing(r.End)
	return !near || distance > Crossing+slip
}

// guess is for a request of which the kernel was not asked.
func (s *sorter) guess(r *Request, known bool) Window {
	switch {
	case known, s.complete: // received after the signal, or never
		return Late
	case !r.Written || r.Sent == 0 || r.Sent > s.Signal.Before-s.guard:
		return Late
	case r.Outcome == Dropped && (r.State == TCPClose || r.Later > 0):
		return Edge // not all of it had been read when the connection was closed
	}
	return InFlight
}

// guard takes the second half of the warm-up only: the first answers of a server are
// slow.
func (h *History) guard() time.Duration {
	if !h.Signal.Sent {
		return MinGuard // there is nothing to guard
	}
	warm := h.Warm()
	waits := make(map[uint8][]time.Duration) // by target: one may take longer than another
	for i := range h.Requests {
		r := &h.Requests[i]
		if r.Outcome != Completed || r.Sent < warm || r.FirstByte < r.Sent || r.FirstByte >= h.Signal.Before {
			continue
		}
		waits[r.Target] = append(waits[r.Target], r.FirstByte-r.Sent)
	}
	guard := MinGuard
	for _, w := range waits {
		slices.Sort(w)
		guard = max(guard, Quantile(w, 0.99)-Quantile(w, 0.5))
	}
	return min(guard, MaxGuard)
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
