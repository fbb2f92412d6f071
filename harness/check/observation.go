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
	race     time.Duration  // how far from it a request on a new connection may have been sent, to have raced with it
	lag      time.Duration  // p99 of how late our own requests started
	allowed  time.Duration  // how late they may
	problems []problem      // why it cannot be judged; none if it is intact
}

func observe(h *history.History, policy Policy) *observation {
	o := &observation{History: h, policy: policy, entries: h.Ledger.Entries(), closing: h.Exit.At, unknown: unknown(h)}
	if h.Applied.Looked {
		o.applied = h.Applied.Times()
	}
	o.lag, o.allowed = h.Lag()
	o.windows, o.guard = h.Windows()
	o.race = acceptRaceOf(o.lag, o.guard)
	if refused, ok := h.At(history.EventFirstRefused); ok {
		o.closing = refused
	}
	o.problems = integrity(o)
	return o
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
	o.each(w, func(r *history.Request) { c.Add(r.Outcome) })
	return c
}

// forgiven counts the losses that are late only because nobody knows whether the
// server had them: see history.History.Windows.
func (o *observation) forgiven() int {
	n := 0
	o.each(history.Late, func(r *history.Request) {
		if len(o.entries) == 0 && r.Written && r.Sent > 0 && r.Sent <= o.Signal.Before-o.guard {
			n++
		}
	})
	return n
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
