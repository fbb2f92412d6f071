package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// Integrity is the name under which findings tell why a shutdown could not be
// judged.
const Integrity = "integrity"

// maxLag is how late the slowest hundredth of our own requests may start. Where
// the handler takes longer, so may they.
const maxLag = 50 * time.Millisecond

// problem is a reason why a shutdown cannot be judged.
type problem struct {
	detail   string
	evidence []result.Evidence
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
		conservation, shortage, delivery, steadyState, schedule, contradictions, framing,
	} {
		found = append(found, look(o)...)
	}
	return found
}

// conservation asks that every scheduled request is found once, with an
// outcome, in our records and in vegeta's results.
func conservation(o *observation) []problem {
	total := o.Counts().Total
	if total != o.Scheduled || len(o.Requests) != o.Scheduled || o.Results != o.Scheduled {
		return []problem{{detail: fmt.Sprintf(
			"requests went missing: %d were scheduled, %d have a record, %d an outcome, %d a result of the load generator",
			o.Scheduled, len(o.Requests), total, o.Results,
		)}}
	}
	for i := range o.Requests {
		if o.Requests[i].Seq != uint32(i) {
			return []problem{{detail: fmt.Sprintf("record %d carries the sequence number %d", i, o.Requests[i].Seq)}}
		}
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
	return []problem{{detail, evidence}}
}

func countReasons(reasons map[history.Reason]int) string {
	var parts []string
	for r, n := range reasons {
		parts = append(parts, fmt.Sprintf("%s %d", r, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// delivery asks that the signal was sent and the exit seen.
func delivery(o *observation) []problem {
	switch {
	case !o.Signal.Sent && o.Signal.Error != "":
		return []problem{{detail: "the signal was not sent: " + o.Signal.Error}}
	case !o.Signal.Sent:
		return []problem{{detail: "the signal was not sent"}}
	case !o.Exit.Seen:
		return []problem{{detail: "the subject's exit was not seen"}}
	}
	return nil
}

// steadyState asks that the server served before the signal: what already
// failed then is not the shutdown's doing.
func steadyState(o *observation) []problem {
	if !o.Signal.Sent {
		return nil
	}
	var found []problem
	before := o.counts(history.Before)
	if before.Completed == 0 {
		found = append(found, problem{detail: "no request was completed before the signal: " +
			"there was no steady state to disturb"})
	}
	if bad := before.Total - before.Completed; bad > 0 {
		p := problem{detail: fmt.Sprintf("%d of %d requests went wrong before the signal (%s)", bad, before.Total, describe(before))}
		o.each(history.Before, func(r *history.Request) {
			if r.Outcome != history.Completed {
				p.evidence = append(p.evidence, o.proof(r))
			}
		})
		found = append(found, p)
	}
	if paused, ok := o.At(history.EventLoadPaused); ok && paused < o.Signal.Before {
		found = append(found, problem{detail: fmt.Sprintf(
			"the load met its cap of %d open requests before the signal: the server is slower than the rate",
			o.Header.Scenario.Load.MaxOpen,
		)})
	}
	return found
}

// schedule asks that the load came as it was meant to.
func schedule(o *observation) []problem {
	allowed := max(maxLag, o.Header.Scenario.Subject.Delay.Duration)
	if o.lag <= allowed {
		return nil
	}
	return []problem{{detail: fmt.Sprintf(
		"the load ran behind its schedule: one request in a hundred started more than %s late, %s is allowed; "+
			"lower the rate or leave the machine alone", o.lag.Round(time.Millisecond), allowed,
	)}}
}

func lag(h *history.History) time.Duration {
	lags := make([]time.Duration, 0, len(h.Requests))
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Outcome != history.Pending {
			lags = append(lags, r.Started-r.Scheduled)
		}
	}
	slices.Sort(lags)
	return history.Quantile(lags, 0.99)
}

// contradictions compares the two witnesses. A request that was dropped and
// never received is none: it died in a buffer. Nor is one that was answered and
// dropped: the answer died on its way.
func contradictions(o *observation) []problem {
	if !o.Ledger.Present() {
		return nil
	}
	if o.Signal.Sent && !slices.ContainsFunc(o.Ledger.Lines, marked) {
		return []problem{{detail: "the server's ledger has lost the mark of the signal, so that its order tells nothing: " +
			"open the file with O_APPEND and do not truncate it"}}
	}
	var unheard, impossible, repeated []result.Evidence
	for i := range o.Requests {
		r := &o.Requests[i]
		received := o.entries[r.Seq].Received
		switch {
		case r.Outcome == history.Completed && received == 0:
			unheard = append(unheard, o.proof(r))
		case received > 0 && (r.Outcome == history.Refused || r.Outcome == history.Unsent):
			impossible = append(impossible, o.proof(r))
		case received > int(r.Attempts):
			repeated = append(repeated, o.proof(r))
		}
	}
	var found []problem
	for _, c := range []struct {
		evidence []result.Evidence
		what     string
	}{
		{unheard, "completed according to the connection, never received according to the server's ledger"},
		{impossible, "never sent according to the connection, received according to the server's ledger"},
		{repeated, "received more often than sent"},
	} {
		if len(c.evidence) > 0 {
			detail := fmt.Sprintf("the witnesses contradict each other on %s (%s): %s", count(len(c.evidence), "request"), seqs(c.evidence), c.what)
			found = append(found, problem{detail, c.evidence})
		}
	}
	return found
}

func marked(l history.LedgerLine) bool { return l.Fact == history.SignalMarked }

// seqs names the first few requests of a list.
func seqs(evidence []result.Evidence) string {
	const most = 5
	var names []string
	for _, e := range evidence[:min(most, len(evidence))] {
		names = append(names, fmt.Sprintf("#%d", *e.Seq))
	}
	if len(evidence) > most {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
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
	return []problem{{
		fmt.Sprintf("%s ended with the connection, so that a whole one cannot be told from a cut one: "+
			"make the server send Content-Length or chunks", count(len(evidence), "answer")), evidence,
	}}
}
