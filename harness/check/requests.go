package check

import (
	"slices"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

func inFlightCompletes(o *observation) (t tally) {
	o.each(history.InFlight, func(r *history.Request) {
		t.judged++
		switch {
		case r.Outcome == history.Completed:
		case o.cutBeforeItBegan(r):
			t.doubts = append(t.doubts, o.proof(r))
		default:
			t.breaches = append(t.breaches, o.proof(r))
		}
	})
	return t
}

func lateRequestsAnswered(o *observation) (t tally) {
	o.late(func(r *history.Request) {
		switch l, lost := o.fates[r.Seq]; {
		case !lost && (r.Outcome == history.Refused || r.Outcome == history.Unsent || r.Outcome == history.Pending):
			return // not at risk
		case !lost:
		case l.fate == fateRace:
			t.excused = append(t.excused, o.proof(r))
		case l.fate == fateDoubt:
			t.doubts = append(t.doubts, o.proof(r))
		default:
			t.breaches = append(t.breaches, o.proof(r))
		}
		t.judged++
	})
	if len(t.doubts) > 0 {
		t.unsure = o.whyUnsure()
	}
	return t
}

// staysUp takes it for a breach that a request which came late was refused or turned
// away: there is no other server. One in flight is the matter of another rule.
func staysUp(o *observation) (t tally) {
	for i := range o.Requests {
		r := &o.Requests[i]
		if !o.windows[i].Exposed() || r.Outcome == history.Unsent || r.Outcome == history.Pending {
			continue // nothing can be concluded from it
		}
		t.judged++
		if r.Outcome == history.Refused || r.Outcome == history.Rejected && o.windows[i] != history.InFlight {
			t.breaches = append(t.breaches, o.proof(r))
		}
	}
	if o.Exit.Seen && !o.Left.PortTaken { // one that handed over to a successor is not missed
		t.other = append(t.other, o.proofOfShutdown())
		t.said = "the process ended, and no process listens in its place"
	}
	if ended := o.endedByOperation(); len(ended) > 0 {
		t.excused = slices.Repeat([]result.Evidence{o.proofOfShutdown()}, len(ended))
		if t.said == "" {
			t.said = describeEnded(ended) + " " + was(len(ended)) + " ended"
		}
	}
	return t
}

// servesThroughLag judges every request that was sent after the signal, while a
// balancer may not have learned of it.
func servesThroughLag(o *observation) (t tally) {
	o.duringLag(func(r *history.Request) {
		t.judged++
		if r.Outcome != history.Completed {
			t.breaches = append(t.breaches, o.proof(r))
		}
	})
	return t
}

// duringLag calls f for every request that was sent during the lag, and ended.
func (o *observation) duringLag(f func(*history.Request)) {
	end := o.Signal.After + o.Header.Scenario.Disruption.Lag.Duration
	for i := range o.Requests {
		r := &o.Requests[i]
		if r.Started < o.Signal.After || r.Started >= end || r.Outcome == history.Unsent || r.Outcome == history.Pending {
			continue
		}
		f(r)
	}
}

func noFailed(o *observation) (t tally) {
	o.exposed(func(r *history.Request) {
		switch r.Outcome {
		case history.Refused, history.Unsent, history.Pending:
			return // not at risk
		case history.Failed:
			t.breaches = append(t.breaches, o.proof(r))
		case history.Completed, history.Rejected, history.Dropped:
		}
		t.judged++
	})
	return t
}

// announcesClose looks at the last whole answer on each connection. One that
// began before the signal, or within the guard after it, could not know.
func announcesClose(o *observation) (t tally) {
	last := make(map[uint32]*history.Request)
	for i := range o.Requests {
		r := &o.Requests[i]
		switch r.Outcome {
		case history.Completed, history.Rejected, history.Failed:
			if known := last[r.Conn]; known == nil || known.End < r.End {
				last[r.Conn] = r
			}
		case history.Pending, history.Refused, history.Dropped, history.Unsent:
		}
	}
	for i := range o.Requests { // in order, for evidence that can be compared
		r := &o.Requests[i]
		if last[r.Conn] != r || r.FirstByte <= o.Signal.After+o.guard || o.windows[i] == history.After {
			continue // after the exit another process answers
		}
		t.judged++
		if !r.Closes {
			t.breaches = append(t.breaches, o.proof(r))
		}
	}
	return t
}
