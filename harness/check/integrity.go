package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// Integrity is the name under which findings tell why a shutdown could not be
// judged.
const Integrity = "integrity"

// problem is a reason why a shutdown cannot be judged.
type problem struct {
	detail   string
	evidence []result.Evidence
	// soft: what went wrong is still proved, but a pass would not be earned.
	soft bool
}

// integrity returns every reason why the history cannot be judged. A history
// that could be, but shows nothing, is not among them: the rules find that.
func integrity(o *observation) []problem {
	if o.Interrupted {
		return []problem{{detail: "it was interrupted"}}
	}
	if o.Error != "" {
		return []problem{{detail: o.Error}}
	}
	var found []problem
	for _, look := range []func(*observation) []problem{
		conservation, shortage, delivery, sequence, steadyState, unwatched, overload, schedule, contradictions, framing, lookups, parking, edged,
	} {
		found = append(found, look(o)...)
	}
	return found
}

// conservation asks that every scheduled request is found once, with an
// outcome, in our records and in vegeta's results.
func conservation(o *observation) []problem {
	total, folded := o.Counts().Total, o.Folded.Counts.Total
	records := len(o.Requests) + folded
	if total != o.Scheduled || records != o.Scheduled || o.Results != o.Scheduled {
		return []problem{{detail: fmt.Sprintf(
			"the counts of requests differ: %d were scheduled, %d have a record, %d have an outcome, %d have a result of the load generator",
			o.Scheduled, records, total, o.Results,
		)}}
	}
	next := uint32(0)
	for i := range o.Requests {
		r := &o.Requests[i]
		if r.Seq < next || folded == 0 && r.Seq != next || int(r.Seq) >= o.Scheduled {
			return []problem{{detail: fmt.Sprintf("record %d carries the sequence number %d", i, r.Seq)}}
		}
		next = r.Seq + 1
	}
	if o.Disagreed > 0 {
		return []problem{{detail: fmt.Sprintf(
			"%d results of the load generator contradict what the connections saw", o.Disagreed,
		)}}
	}
	return nil
}

// shortage looks for requests that lastcall itself could not send.
func shortage(o *observation) []problem {
	reasons := make(map[history.Reason]int)
	var evidence []result.Evidence
	for i := range o.Requests {
		if r := &o.Requests[i]; r.Outcome == history.Unsent {
			reasons[r.Reason]++
			evidence = append(evidence, o.proof(r))
		}
	}
	if len(evidence) == 0 {
		return nil
	}
	detail := fmt.Sprintf("lastcall could not send %s (%s)", count(len(evidence), "request"), countReasons(reasons))
	switch {
	case reasons[history.OutOfDescriptors] > 0:
		detail += ": raise its limit of open files (ulimit -n), or lower the rate"
	case reasons[history.OutOfPorts] > 0:
		detail += ": lower the rate, or use --connections reused"
	}
	return []problem{{detail: detail, evidence: evidence}}
}

func countReasons(reasons map[history.Reason]int) string {
	var parts []string
	for r, n := range reasons {
		parts = append(parts, fmt.Sprintf("%s %d", r, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// delivery asks that the signal was sent and the exit seen, or that the command
// was run instead.
func delivery(o *observation) []problem {
	while := o.Header.Scenario.Disruption.While
	missing := "the signal was not sent"
	if len(while) > 0 {
		missing = fmt.Sprintf("the command %q was not run", strings.Join(while, " "))
	}
	switch {
	case !o.Signal.Sent && o.Signal.Error != "":
		return []problem{{detail: missing + ": " + o.Signal.Error}}
	case !o.Signal.Sent, len(while) > 0 && o.Operation == nil:
		return []problem{{detail: missing}}
	case o.Operation != nil:
		return operated(o)
	case !o.Exit.Seen:
		return []problem{{detail: "the subject's exit was not seen"}}
	}
	return nil
}

// operated asks that the command that ran instead of a signal did its work. What was
// lost while it did something else is lost all the same.
func operated(o *observation) []problem {
	op := o.Operation
	how := ""
	switch {
	case op.Killed:
		how = fmt.Sprintf("was still running after the grace period of %s, and was killed: allow more time (--grace)", scenario.InWords(o.Header.Scenario.Disruption.Grace.Duration))
	case op.Signal != "":
		how = "was ended by " + op.Signal
	case op.Code != 0:
		how = fmt.Sprintf("ended with exit code %d", op.Code)
	default:
		return nil
	}
	detail := fmt.Sprintf("the command %q %s", strings.Join(op.Command, " "), how)
	if n := len(op.Stderr); n > 0 {
		detail += ": " + strings.TrimSpace(op.Stderr[n-1])
	}
	return []problem{{detail: detail, soft: true}}
}

// framing looks for exposed answers that ended with their connection: a whole
// one cannot be told from one that was cut off (RFC 9112 section 8).
func framing(o *observation) []problem {
	var evidence []result.Evidence
	o.exposed(func(r *history.Request) {
		if r.Unframed && r.Outcome == history.Completed {
			evidence = append(evidence, o.proof(r))
		}
	})
	if len(evidence) == 0 {
		return nil
	}
	return []problem{{evidence: evidence, detail: fmt.Sprintf(
		"%s ended with the connection, so a whole answer looks like a truncated one: "+
			"make the server send Content-Length or chunks, or say what a whole body looks like (--expect-body)",
		count(len(evidence), "answer"),
	)}}
}
