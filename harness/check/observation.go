package check

import (
	"fmt"
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// observation is one shutdown, prepared for the rules.
type observation struct {
	*history.History
	policy   Policy
	windows  []history.Window
	guard    time.Duration
	entries  map[uint32]history.Entry
	applied  map[uint32]int // how often each was applied, if it was looked up
	unknown  string         // why nobody can tell what was done with the writes, "" if somebody can
	closing  time.Duration  // when the listener closed, as far as can be seen; else the exit
	timing   *history.Timing
	complete bool            // the ledger has every request that was completed before the signal
	slowest  time.Duration   // how long the slowest answer before the signal took
	median   time.Duration   // how long the answers before the signal took
	unread   time.Duration   // how long a request had waited at the signal without being read
	fates    map[uint32]loss // of late requests, by sequence number
	starving bool            // the server got too little CPU while it stopped
	slip     time.Duration   // p99 of how late our own requests started
	tries    int             // of the shutdown, this among them; 0 if nobody has counted them
	problems []problem       // why it cannot be judged; none if it is intact
}

func observe(h *history.History, policy Policy) *observation {
	o := &observation{History: h, policy: policy, entries: h.Ledger.Entries(), closing: h.Exit.At, unknown: unknown(h)}
	if h.Applied.Looked {
		o.applied = h.Applied.Times()
	}
	o.slip = h.Slip()
	o.windows, o.guard = h.Windows()
	o.timing = h.Timing()
	o.complete = h.LedgerIsComplete(o.entries)
	o.median, o.slowest = o.answers()
	o.unread = o.unreadBefore()
	o.starving = o.starvedStop()
	o.fates = o.lateLosses()
	if refused, ok := h.At(history.EventFirstRefused); ok {
		o.closing = refused
	}
	o.problems = integrity(o)
	return o
}

// answers are how long the median and the slowest answer took, of those that began in
// the second half of the time before the signal: the first of a server are slow.
func (o *observation) answers() (median, slowest time.Duration) {
	loaded, _ := o.At(history.EventLoad)
	half := loaded + (o.Signal.Before-loaded)/2
	var took []time.Duration
	for i := range o.Requests {
		if r := &o.Requests[i]; r.Outcome == history.Completed && r.Started >= half && r.Started < o.Signal.Before {
			took = append(took, r.End-r.Started)
		}
	}
	slices.Sort(took)
	return history.Quantile(took, 0.5), history.Quantile(took, 1)
}

// intact reports whether the shutdown can be judged: no problem but soft ones.
func (o *observation) intact() bool {
	return !slices.ContainsFunc(o.problems, func(p problem) bool { return !p.soft })
}

// moment is what the requests before it and after it are told apart by.
func (o *observation) moment() string {
	if staysUpThrough(o.Header.Scenario) {
		return "the command"
	}
	return "the signal"
}

// unloaded reports whether no load was to be sent: then there is no steady state
// to disturb, and nothing is at risk.
func (o *observation) unloaded() bool { return o.Header.Scenario.Disruption.Unloaded() }

// said is what a problem is about, and in which shutdown.
func (o *observation) said(p problem) string {
	return inShutdown(o.Header.Shutdown) + p.detail
}

// inShutdown begins what is said of one shutdown.
func inShutdown(n int) string { return fmt.Sprintf("shutdown %d: ", n) }

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
	if w == history.Before {
		c = o.Folded.Counts
	}
	o.each(w, func(r *history.Request) { c.Add(r.Outcome) })
	return c
}

// exposed calls f for every request whose life overlaps the shutdown.
func (o *observation) exposed(f func(*history.Request)) {
	for i := range o.Requests {
		if o.windows[i].Exposed() {
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
