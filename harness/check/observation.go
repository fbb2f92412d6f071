package check

import (
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// observation is one shutdown, prepared for the rules.
type observation struct {
	*history.History
	windows  []history.Window
	guard    time.Duration
	entries  map[uint32]history.Entry
	closing  time.Duration // when the listener closed, as far as can be seen; else the exit
	lag      time.Duration // p99 of how late our own requests started
	problems []problem     // why it cannot be judged; none if it is intact
}

func observe(h *history.History) *observation {
	o := &observation{History: h, entries: h.Ledger.Entries(), closing: h.Exit.At, lag: lag(h)}
	o.windows, o.guard = h.Windows()
	if refused, ok := h.At(history.EventFirstRefused); ok {
		o.closing = refused
	}
	o.problems = integrity(o)
	return o
}

func (o *observation) intact() bool { return len(o.problems) == 0 }

// each calls f for every request of the window.
func (o *observation) each(w history.Window, f func(*history.Request)) {
	for i := range o.Requests {
		if o.windows[i] == w {
			f(&o.Requests[i])
		}
	}
}

func (o *observation) counts(w history.Window) history.Counts {
	var c history.Counts
	o.each(w, func(r *history.Request) { c.Add(r.Outcome) })
	return c
}

// exposed calls f for every request whose life overlaps the shutdown.
func (o *observation) exposed(f func(*history.Request)) {
	for i := range o.Requests {
		if w := o.windows[i]; w == history.InFlight || w == history.Late {
			f(&o.Requests[i])
		}
	}
}

// proof points at a request of this shutdown.
func (o *observation) proof(r *history.Request) result.Evidence {
	seq := r.Seq
	return result.Evidence{Shutdown: o.Header.Shutdown, Seq: &seq}
}

// proofOfShutdown points at the shutdown as a whole.
func (o *observation) proofOfShutdown() result.Evidence {
	return result.Evidence{Shutdown: o.Header.Shutdown}
}
