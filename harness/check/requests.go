package check

import (
	"time"

	"lastcall/harness/history"
)

// idleRace is how soon after a request its connection must have ended for it to
// be excused: the two crossed on the wire. One that lay unread for longer was not
// crossed by anything. It is generous, for machines that stall, where the
// server's ledger proves that the request was never read.
const idleRace = time.Second

func inFlightCompletes(o *observation) (t tally) {
	o.each(history.InFlight, func(r *history.Request) {
		t.judged++
		if r.Outcome != history.Completed {
			t.breaches = append(t.breaches, o.proof(r))
		}
	})
	return t
}

func lateRequestsAnswered(o *observation) (t tally) {
	o.each(history.Late, func(r *history.Request) {
		switch r.Outcome {
		case history.Refused, history.Unsent, history.Pending:
			return // not at risk
		case history.Dropped:
			if o.unavoidable(r) {
				t.excused = append(t.excused, o.proof(r))
				if !r.Reused {
					t.race = o.race
				}
			} else {
				t.breaches = append(t.breaches, o.proof(r))
			}
		case history.Completed, history.Rejected, history.Failed:
		}
		t.judged++
	})
	return t
}

// unavoidable reports whether a late loss was one of the races that no HTTP/1.1
// server can win: nothing came back, the server's own code never had the
// request, and it met the close of its idle connection or of the listener.
func (o *observation) unavoidable(r *history.Request) bool {
	if r.Cause != history.Closed && r.Cause != history.Reset || o.entries[r.Seq].Received > 0 || r.End-r.Sent > o.crossing() {
		return false
	}
	if r.Reused {
		return true
	}
	return r.Sent-o.closing <= o.race && o.closing-r.Sent <= o.race
}

// crossing is how long the sending of a request and the end of its connection may
// lie apart for the two to have crossed. Without a ledger nobody knows whether
// the request was read: one that waited for longer than it takes a server to
// read it, on this machine as busy as it was, was being worked on.
func (o *observation) crossing() time.Duration {
	if o.Ledger.Present() {
		return idleRace
	}
	return max(history.LedgerGuard, 2*o.guard)
}

// staysUp judges an operation: each refusal of a server that promised to stay up
// is a loss. The death of its process is one too, unless a successor listens.
func staysUp(o *observation) (t tally) {
	o.exposed(func(r *history.Request) {
		switch r.Outcome {
		case history.Unsent, history.Pending:
			return // nothing can be concluded from it
		case history.Refused:
			t.breaches = append(t.breaches, o.proof(r))
		case history.Completed, history.Rejected, history.Failed, history.Dropped:
		}
		t.judged++
	})
	if o.Exit.Seen && !o.Left.PortTaken { // one that handed over to a successor is not missed
		t.other = append(t.other, o.proofOfShutdown())
		t.said = "the process ended, and nobody listens in its place"
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
			continue // what answers after the exit is somebody else
		}
		t.judged++
		if !r.Closes {
			t.breaches = append(t.breaches, o.proof(r))
		}
	}
	return t
}
