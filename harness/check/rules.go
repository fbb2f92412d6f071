package check

import (
	"fmt"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// The names of the rules.
const (
	InFlightCompletes     = "in-flight-completes"
	LateRequestsAnswered  = "late-requests-answered"
	NoFailed              = "no-failed"
	AnnouncesClose        = "announces-close"
	ExitsInGrace          = "exits-in-grace"
	ExitStatus            = "exit-status"
	NoUnansweredExecution = "no-unanswered-execution"
)

// acceptRace is how close to the closing of the listener a request on a new
// connection must have been sent to be excused: it was in the accept queue, or
// was accepted and closed unread (golang/go #65802).
const acceptRace = 50 * time.Millisecond

// idleRace is how soon after a request its kept-alive connection must have ended
// for it to be excused: the two crossed on the wire. One that lay unread for
// longer was not crossed by anything. It is generous, for machines that stall.
const idleRace = time.Second

// Rule is one guarantee, judged from histories.
type Rule struct {
	Name      string
	Asks      string // the guarantee
	Excuses   string // which breaches are excused, "" if none can be
	Reference string // who asks for it
	Unit      string // what is counted, as in "requests in flight"
	Breach    string // what a violation did, as in "were not completed"
	judge     func(*observation) tally
}

// tally is what one rule found in one shutdown.
type tally struct {
	judged   int // of what there was to judge
	breaches []result.Evidence
	excused  []result.Evidence
}

// Rules returns every rule, in the order in which they are judged and reported.
// The slice is fresh.
func Rules() []Rule {
	return []Rule{
		{
			Name:      InFlightCompletes,
			Asks:      "every request in flight at the signal is completed",
			Reference: "Go net/http Server.Shutdown; RFC 9112 section 9.6",
			Unit:      "requests in flight", Breach: "were not completed",
			judge: inFlightCompletes,
		},
		{
			Name: LateRequestsAnswered,
			Asks: "no late request is dropped; refusing a connection is fine, accepting and hanging up is not",
			Excuses: "the races that no HTTP/1.1 server can win: a request that crossed the close of its idle connection, " +
				"or was sent on a new one within 50 ms of the listener's closing",
			Reference: "RFC 9110 section 9.2.2; RFC 9112 sections 9.3.1 and 9.5; golang/go #65802",
			Unit:      "late requests at risk", Breach: "were dropped",
			judge: lateRequestsAnswered,
		},
		{
			Name:      NoFailed,
			Asks:      "no request at risk gets a wrong answer (any status but 2xx, 3xx, 429 and 503)",
			Reference: "RFC 9110 section 15.6",
			Unit:      "requests at risk", Breach: "got a wrong answer",
			judge: noFailed,
		},
		{
			Name:      AnnouncesClose,
			Asks:      "the last answer on each connection, begun after the signal, says Connection: close",
			Reference: "RFC 9112 section 9.6",
			Unit:      "last answers", Breach: "did not say Connection: close",
			judge: announcesClose,
		},
		{
			Name:      ExitsInGrace,
			Asks:      "the process ends by itself within the grace period",
			Reference: "Kubernetes pod termination; systemd.service(5), TimeoutStopSec; docker stop",
			Unit:      "shutdowns", Breach: "had to be killed",
			judge: exitsInGrace,
		},
		{
			Name:      ExitStatus,
			Asks:      "the process exits with code 0",
			Excuses:   "128 plus the signal's number, or death by the very signal sent",
			Reference: "POSIX exit(3); systemd.service(5), SuccessExitStatus",
			Unit:      "shutdowns", Breach: "did not exit with code 0",
			judge: exitStatus,
		},
		{
			Name:      NoUnansweredExecution,
			Asks:      "nothing was executed whose client got no answer",
			Reference: "RFC 9110 section 9.2.2",
			Unit:      "executed requests", Breach: "were dropped after the server had done their work",
			judge: noUnansweredExecution,
		},
	}
}

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
	if r.Cause != history.Closed && r.Cause != history.Reset || o.entries[r.Seq].Received > 0 {
		return false
	}
	if r.Reused {
		return r.End-r.Sent <= idleRace
	}
	return r.Sent-o.closing <= acceptRace && o.closing-r.Sent <= acceptRace
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

func exitsInGrace(o *observation) (t tally) {
	t.judged = 1
	if o.Exit.Killed {
		t.breaches = append(t.breaches, o.proofOfShutdown())
	}
	return t
}

// exitStatus leaves a killed process to exitsInGrace: its status is our doing.
func exitStatus(o *observation) (t tally) {
	if o.Exit.Killed {
		return t
	}
	t.judged = 1
	bySignal := o.Exit.Signal != "" && o.Exit.Signal == o.Signal.Name
	byCode := o.Exit.Signal == "" && o.Exit.Code == 128+o.Signal.Number
	switch {
	case o.Exit.Signal == "" && o.Exit.Code == 0:
	case bySignal || byCode:
		t.excused = append(t.excused, o.proofOfShutdown())
	default:
		t.breaches = append(t.breaches, o.proofOfShutdown())
	}
	return t
}

// noUnansweredExecution needs the server's ledger.
func noUnansweredExecution(o *observation) (t tally) {
	for i := range o.Requests {
		r := &o.Requests[i]
		if o.windows[i] == history.Before || o.entries[r.Seq].Executed == 0 {
			continue
		}
		t.judged++
		if r.Outcome == history.Dropped {
			t.breaches = append(t.breaches, o.proof(r))
		}
	}
	return t
}

// find turns the tallies of all intact shutdowns into a finding.
func (r Rule) find(level Level, tallies []tally) result.Finding {
	f := result.Finding{
		Rule: r.Name, Expected: r.Asks, Reference: r.Reference, Evidence: []result.Evidence{},
	}
	var breaches, excused, touched int
	for _, t := range tallies {
		f.Judged += t.judged
		breaches += len(t.breaches)
		excused += len(t.excused)
		f.Evidence = append(append(f.Evidence, t.breaches...), t.excused...)
		if len(t.breaches)+len(t.excused) > 0 {
			touched++
		}
	}
	f.Count = breaches + excused
	f.Status = level.status(f.Judged, breaches, excused)
	switch {
	case f.Judged == 0:
		f.Detail = "there were no " + r.Unit + " to judge"
		return f
	case f.Count == 0:
		f.Detail = fmt.Sprintf("%d %s judged, no violation", f.Judged, r.Unit)
		return f
	}
	f.Detail = fmt.Sprintf("%d of %d %s %s, in %d of %d shutdowns", f.Count, f.Judged, r.Unit, r.Breach, touched, len(tallies))
	if excused > 0 {
		f.Detail += fmt.Sprintf("; %d of them excused: %s", excused, r.Excuses)
	}
	return f
}

// status weighs breaches and excused breaches by the policy.
func (l Level) status(judged, breaches, excused int) result.Status {
	worst := Off
	if breaches > 0 {
		worst = l.Breach
	}
	if excused > 0 {
		worst = max(worst, l.Excused)
	}
	switch {
	case worst == Require:
		return result.Violated
	case worst == Warn:
		return result.Warned
	case judged == 0:
		return result.NotExercised
	}
	return result.Satisfied
}
