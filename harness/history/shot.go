package history

import (
	"time"
)

// Sweep is what a sweep alone knows of a shutdown.
type Sweep struct {
	Answered time.Duration `json:"answered,omitempty"` // how long the quickest answer took before the signal; 0: not measured
	Skipped  int           `json:"skipped,omitempty"`  // requests that were not sent, their turn being over: they are in no Requests

	// Written has, by Request.Seq, the instant just after the system call that sent
	// the request, or that showed that it could not be sent. 0: there was none.
	Written []time.Duration `json:"written,omitempty"`

	// Unsent is how long a kill(2) to the same process took that sends nothing (signal 0),
	// shortly before: the best of a few. 0: nobody has looked, or the signal went to
	// several processes.
	Unsent time.Duration `json:"unsent,omitempty"`

	// Stamped has, by Request.Seq, the instant within that call at which the kernel put
	// the last byte onto the network. 0: it has not said so.
	Stamped []time.Duration `json:"stamped,omitempty"`
}

// Shot is when a request of a sweep was sent, from the signal.
type Shot struct {
	Offset      time.Duration // the instant at which it was stamped, or just before its write(2), less the instant just before the kill(2)
	Uncertainty time.Duration // by how much later either can have taken effect, both together
	Stamped     bool          // the kernel has stamped it
}

// upward bounds the way from the kernel's stamp to the server's socket, in multiples of
// the way from the start of write(2) to the stamp. See Shot.
const upward = 2

// Shot returns when a request of a sweep was sent, or would have been. One thread
// makes both calls, one after the other: on which side of the signal a request was
// sent is always certain.
//
// Without a stamp a call can have taken effect at any time from its begin to its
// return. With one the request was not in the server's socket before it, and there at
// the latest as the call returned; but most of what is left of the call then is the
// waking of the server's thread, which the kernel does when the bytes are in the
// socket. The stamp is taken where loopback turns a packet around: before it the bytes
// go down through TCP and IP, after it up through IP and TCP, on the same processor and
// with no other thread in between. With nobody to be woken the second half, return
// included, was measured to take as long as the first (3 to 4 us each, on two virtual
// processors), so twice the first is allowed for it. What is not known then is a hardware
// interrupt, or a hypervisor, that comes in these few microseconds.
func (h *History) Shot(r *Request) Shot {
	at := r.Sent
	if at == 0 {
		at = r.Started
	}
	s := Shot{Offset: at - h.Signal.Before, Uncertainty: h.Pending()}
	n := int(r.Seq)
	if n >= len(h.Sweep.Written) || h.Sweep.Written[n] == 0 {
		return s
	}
	left := h.Sweep.Written[n] - at
	if n < len(h.Sweep.Stamped) && h.Sweep.Stamped[n] > 0 {
		stamp := h.Sweep.Stamped[n]
		s.Offset, s.Stamped = stamp-h.Signal.Before, true
		left = min(h.Sweep.Written[n]-stamp, upward*(stamp-at))
	}
	s.Uncertainty += left
	return s
}

// Pending bounds how long after the start of kill(2) the signal of a sweep was pending. The kernel finds the process, asks whether it may, makes the signal
// pending, and only then wakes a thread for it (kernel/signal.c, __send_signal_locked
// before complete_signal), which on a virtual machine takes most of the call. Signal 0
// takes the same way up to the pending. What is not known then is an interrupt within
// these few microseconds: a call that took long is not believed to have had none.
func (h *History) Pending() time.Duration {
	call := h.Signal.After - h.Signal.Before
	if h.Sweep.Unsent == 0 || call > slowKill {
		return call
	}
	return min(call, 2*h.Sweep.Unsent+queueing)
}

const (
	// slowKill is how long a kill(2) takes at most of which it is believed that it was not
	// interrupted. To wake a thread of a halted virtual processor took 25 to 45 us.
	slowKill = 100 * time.Microsecond
	// queueing is what a kill(2) takes at most, beyond twice one that sends nothing, to
	// make a signal pending.
	queueing = 5 * time.Microsecond
)
