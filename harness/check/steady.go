package check

import (
	"fmt"
	"math"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/stats"
	"lastcall/internal/prose"
)

// SteadyState is the name under which findings tell what a server loses before any
// signal.
const SteadyState = "steady-state"

// A server that closes kept-alive connections without saying so loses a request
// now and then that crosses such a close on the wire, whether it is told to stop or
// not. That is measured before the signal, and does not spoil a shutdown as long as
// it is rare; after the signal only an excess counts.
const (
	// mostCrossed is the share of the requests on kept-alive connections that may be
	// lost like that before the signal. A server that loses more has no steady state.
	mostCrossed = 0.05
	// fewCrossed may be lost in any case: one crossed close among few requests is none
	// too many.
	fewCrossed = 1
	// excess is how improbable the losses of a shutdown must be at the rate before the
	// signal to count: Fisher's exact test, over all shutdowns.
	excess = 0.05
)

// crossings are the requests that met the unannounced close of their connection.
type crossings struct{ lost, of int }

func (c crossings) plus(d crossings) crossings { return crossings{c.lost + d.lost, c.of + d.of} }

// rare reports whether the server has a steady state in spite of them.
func (c crossings) rare() bool {
	return c.lost <= fewCrossed || float64(c.lost) <= mostCrossed*float64(c.of)
}

// oneIn is the rate, as in 1 in 150.
func (c crossings) oneIn() string {
	return fmt.Sprintf("1 in %.0f", math.Round(float64(c.of)/float64(max(c.lost, 1))))
}

// crossed reports whether a request on a kept-alive connection met its close: the
// connection had served before and ended soon after the request, without an answer
// and without the server having been seen to have the request. One that found three
// connections dead in a row, before a byte, met three closes.
func (o *observation) crossed(r *history.Request) bool {
	if !r.Pooled {
		return false
	}
	if r.Outcome == history.Refused && r.Reason == history.DeadConnections {
		return true
	}
	if r.Outcome != history.Dropped || !r.Reused || r.Cause != history.Closed && r.Cause != history.Reset {
		return false
	}
	if o.entries[r.Seq].Received > 0 || o.heldFor(r) >= takenUp {
		return false
	}
	begun, limit := r.Begun, quickRead
	if begun == 0 {
		begun = max(r.Started, r.Sent)
	}
	if o.kindOf(r) == lossLeftUnread {
		limit = longUnread
	}
	return r.End-begun <= limit
}

// crossedBefore counts them before the signal, among all that are sent on kept-alive
// connections where there is one.
func (o *observation) crossedBefore() (c crossings) {
	if !o.Signal.Sent {
		return c
	}
	c.of = o.Folded.Pooled
	o.each(history.Before, func(r *history.Request) {
		if o.crossed(r) {
			c.lost++
		}
		if r.Pooled { // also on a new connection, where the others were found closed
			c.of++
		}
	})
	return c
}

// closedBefore reports whether a kept-alive connection was found closed before the
// signal. Then a request can cross such a close, even if none did before.
func (o *observation) closedBefore() (closed bool) {
	o.each(history.Before, func(r *history.Request) { closed = closed || r.Stale > 0 })
	return closed
}

// crossedLate counts them among the late requests for kept-alive connections. Those
// that were refused count too: before the signal they would have been sent on a new
// connection.
func (o *observation) crossedLate() (c crossings) {
	o.late(func(r *history.Request) {
		if !r.Pooled || r.Outcome == history.Unsent || r.Outcome == history.Pending {
			return
		}
		c.of++
		if o.crossed(r) {
			c.lost++
		}
	})
	return c
}

// forgiveCrossings makes races of those late losses that the server would have had
// without a signal, in every shutdown that has no more of them than chance brings at
// the rate before.
func forgiveCrossings(observations []*observation) {
	var before crossings
	closes := false
	for _, o := range observations {
		before = before.plus(o.crossedBefore())
		closes = closes || o.closedBefore()
	}
	if before.lost == 0 && !closes || !before.rare() {
		return
	}
	for _, o := range observations {
		late := o.crossedLate()
		if late.lost == 0 || stats.Fisher(before.lost, before.of, late.lost, late.of) < excess/float64(len(observations)) {
			continue
		}
		o.late(func(r *history.Request) {
			if l, lost := o.fates[r.Seq]; lost && o.crossed(r) {
				l.fate = fateRace
				o.fates[r.Seq] = l
			}
		})
	}
}

// steadyState asks that the server served before the signal: what already
// failed then is not the shutdown's doing.
func steadyState(o *observation) []problem {
	if !o.Signal.Sent || o.unloaded() {
		return nil
	}
	var found []problem
	before := o.counts(history.Before)
	nothing := before.Completed == 0 && o.counts(history.InFlight).Completed == 0
	bad := before.Total - before.Completed
	crossed := o.crossedBefore()
	forgiven := crossed.rare()
	if forgiven {
		bad -= crossed.lost
	}
	if bad > 0 {
		p := problem{detail: o.wentWrong(before, nothing)}
		o.each(history.Before, func(r *history.Request) {
			if r.Outcome != history.Completed && !(forgiven && o.crossed(r)) {
				p.evidence = append(p.evidence, o.proof(r))
			}
		})
		found = append(found, p)
	} else if nothing {
		found = append(found, problem{detail: "no request was completed before " + o.moment() +
			", and no request in flight: there was no steady state to disturb", soft: true})
	}
	if _, over := o.Overload(); over { // which says more
		return found
	}
	return append(found, o.capped()...)
}

// unannouncedCloses tells of a server that loses requests before any signal.
func unannouncedCloses(intact []*observation) []result.Finding {
	var all crossings
	var evidence []result.Evidence
	dead := 0 // connections that were found closed before a byte
	for _, o := range intact {
		all = all.plus(o.crossedBefore())
		o.each(history.Before, func(r *history.Request) {
			dead += int(r.Stale)
			if o.crossed(r) || r.Stale > 0 {
				evidence = append(evidence, o.proof(r))
			}
		})
	}
	if len(evidence) == 0 {
		return nil
	}
	met := fmt.Sprintf("%s requests for kept-alive connections met such a close before %s (%d of %d), and only additional ones after it count",
		all.oneIn(), intact[0].moment(), all.lost, all.of)
	if all.lost == 0 {
		met = fmt.Sprintf("%s found closed before %s, and a request that meets such a close is lost",
			prose.Count(dead, "connection")+" "+prose.Was(dead), intact[0].moment())
	}
	return []result.Finding{{
		Rule: SteadyState, Status: result.Warned, Count: len(evidence), Judged: all.of,
		Expected: "a server that sends Connection: close before it closes a kept-alive connection",
		Detail:   "the server closes idle connections without Connection: close: " + met + "; --connections fresh avoids that",
		Evidence: evidence, Reference: "RFC 9112 section 9.6",
	}}
}

// unannouncedAdvice is what helps where too many requests met a close.
func (o *observation) unannouncedAdvice() string {
	c := o.crossedBefore()
	return fmt.Sprintf("; the server closes idle connections without Connection: close (%s requests for kept-alive connections met such a close): "+
		"use --connections fresh, or let the server send Connection: close", c.oneIn())
}
