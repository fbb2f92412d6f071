package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
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
	detail := fmt.Sprintf("lastcall could not send %s (%s)", prose.Count(len(evidence), "request"), countReasons(reasons))
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
		prose.Count(len(evidence), "answer"),
	)}}
}

// brokeOff says that a subject was shut down less often than was planned, and why if
// that is known: what was not done could have shown a breach, so that no pass is earned.
// A breach that was seen stays proved.
func brokeOff(observations []*observation, why string) []result.Finding {
	last := observations[len(observations)-1]
	planned, done := last.Header.Scenario.Shutdowns, len(observations)
	if done >= planned || givenUp(last) {
		return nil
	}
	detail := fmt.Sprintf("the run broke off after %d of %s", done, prose.Plural(planned, "shutdown"))
	if why != "" {
		detail += ": " + why
	}
	return []result.Finding{{
		Rule: Integrity, Status: result.Unjudged, Count: planned - done, Judged: done,
		Expected: prose.Count(planned, "shutdown"), Detail: detail,
		Evidence: []result.Evidence{}, Reference: "every verdict is earned",
	}}
}

// BrokenOff is what brokeOff has said of a subject, "" if nothing.
func BrokenOff(s result.Subject) string {
	for _, f := range s.Findings {
		if f.Rule == Integrity && len(f.Evidence) == 0 { // the others point at a shutdown
			return f.Detail
		}
	}
	return ""
}

// givenUp reports whether nothing was to follow a shutdown: it was interrupted, or showed
// that the next would come to the same. It has said so itself.
func givenUp(o *observation) bool {
	return o.Interrupted || o.Error != "" || len(overload(o)) > 0
}

// absent is how many subjects of the run were never stopped. A recording of old does not
// know.
func absent(first history.Header, groups [][]*history.History) int {
	return max(0, first.Subjects-len(groups))
}

// parking asks that what was to be parked was there when the signal came.
// Otherwise a pass would not be earned; what is proved is proved all the same.
func parking(o *observation) (found []problem) {
	for _, p := range o.Parked {
		detail := ""
		switch {
		case p.Opened == 0:
			detail = unopened(p)
		case !o.Signal.Sent || o.held(p):
		case !p.Told():
			detail = o.unheld(p.Kind)
		case p.Ended == 0 || p.Ended >= o.Signal.Before:
			detail = fmt.Sprintf("%s was opened only %s after %s: repeat the run", p.URL, scenario.InWords(p.Opened-o.Signal.Before), o.moment())
		default:
			detail = fmt.Sprintf("%s ended %s before %s%s: name a path whose stream goes on, or raise the server's limit",
				p.URL, scenario.InWords(o.Signal.Before-p.Ended), o.moment(), how(p))
		}
		if detail == "" {
			continue
		}
		detail = o.parkKey(p) + ": " + detail
		if !slices.ContainsFunc(found, func(f problem) bool { return f.detail == detail }) {
			found = append(found, problem{detail: detail, soft: true})
		}
	}
	return append(found, o.unended()...)
}

// unheld says that no connection of a kind was there as the signal came, "" if one
// was. One is as good as many: it holds the exit, or it does not. That one in
// several is missing for a moment is what comes of a server that bounds the wait.
func (o *observation) unheld(kind string) string {
	if slices.ContainsFunc(o.Parked, func(p history.Parked) bool { return p.Kind == kind && o.held(p) }) {
		return ""
	}
	return fmt.Sprintf("no %s connection was open when %s arrived, because the server ends them too soon: "+
		"raise the server's limit for waiting for a request, or leave them out", kind, o.moment())
}

// unended finds those whose client can be told and whose end was not seen,
// although the process that held them had ended by itself: whether they were told
// nobody knows.
func (o *observation) unended() (found []problem) {
	if o.Operation != nil || !o.Exit.Seen || o.Exit.Killed {
		return nil
	}
	for _, kind := range []struct{ name, noun string }{{scenario.WebSocket, "WebSocket connection"}, {scenario.EventStream, "event stream"}} {
		held, open := 0, 0
		for _, p := range o.Parked {
			if p.Kind != kind.name || !o.held(p) {
				continue
			}
			if held++; p.Ended == 0 {
				open++
			}
		}
		if open > 0 {
			found = append(found, problem{soft: true, detail: fmt.Sprintf(
				"%d of %s %s still open when lastcall looked, after the exit: another process holds %s, or this machine was too busy",
				open, prose.Count(held, kind.noun), prose.Was(open), prose.Verb(open, "it", "them"))})
		}
	}
	return found
}

// unopened says why a connection could not be parked, and what to change.
func unopened(p history.Parked) string {
	switch p.Kind {
	case scenario.WebSocket:
		return fmt.Sprintf("%s %s: name a path that accepts WebSocket connections, or leave it out", p.URL, p.Error)
	case scenario.EventStream:
		return fmt.Sprintf("%s %s: name a path that answers in chunks and goes on, or leave it out", p.URL, p.Error)
	case scenario.Idle:
		return fmt.Sprintf("an idle connection could not be opened: %s: name a path whose answer leaves its connection open (--park idle=/path), or leave it out", p.Error)
	}
	return fmt.Sprintf("a silent connection could not be opened: %s: park fewer of them, or raise the limit of open files (ulimit -n)", p.Error)
}

// how says how a connection ended, where there is more to say.
func how(p history.Parked) string {
	switch {
	case p.Kind == scenario.WebSocket && p.Clean:
		return fmt.Sprintf(", with the code %d", p.Code)
	case p.Error != "":
		return ", cut off (" + p.Error + ")"
	}
	return ""
}

// parkKey is the key of the scenario that asks for a parked connection.
func (o *observation) parkKey(p history.Parked) string {
	wanted := o.Header.Scenario.Load.Parked
	i := slices.IndexFunc(wanted, func(w scenario.Park) bool { return w.Kind == p.Kind && w.URL == p.URL })
	key := "load.parked"
	if i >= 0 {
		key = fmt.Sprintf("%s[%d]", key, i)
	}
	if p.URL != "" {
		key += ".url"
	}
	return key
}

// contradictions compares the witnesses. A request that was dropped and never
// received is none: it died in a buffer. Nor is one that was answered and
// dropped: the answer died on its way. What was done twice is no contradiction
// either, but what no-duplicate looks for: whoever stands between us and the
// ledger may have sent it again.
func contradictions(o *observation) []problem {
	if o.Ledger.Truncated || o.Ledger.Present() && o.Signal.Sent && !slices.ContainsFunc(o.Ledger.Lines, marked) {
		return []problem{{detail: "the server's ledger lacks the mark of the signal, or lines before it, so it proves nothing: " +
			"open the file with O_APPEND and do not truncate it"}}
	}
	kept, receives := o.Ledger.Present(), slices.ContainsFunc(o.Ledger.Lines, func(l history.LedgerLine) bool { return l.Fact == history.Received })
	var unheard, impossible, unsent, repeated []result.Evidence
	for i := range o.Requests {
		r := &o.Requests[i]
		entry := o.entries[r.Seq]
		received := entry.Received
		heard := received
		if !receives { // a ledger need not say more than what was executed
			heard += entry.Executed + entry.Answered
		}
		neverSent := r.Outcome == history.Refused || r.Outcome == history.Unsent
		switch {
		case kept && r.Outcome == history.Completed && heard == 0:
			unheard = append(unheard, o.proof(r))
		case neverSent && heard > 0:
			impossible = append(impossible, o.proof(r))
		case neverSent && o.applied[r.Seq] > 0:
			unsent = append(unsent, o.proof(r))
		case received > int(r.Attempts) && !o.repeated(r):
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
		{unsent, "never sent according to the connection, and still applied"},
		{repeated, "received more often than sent"},
	} {
		if len(c.evidence) > 0 {
			detail := fmt.Sprintf("the witnesses contradict each other on %s (%s): %s", prose.Count(len(c.evidence), "request"), seqs(c.evidence), c.what)
			found = append(found, problem{detail: detail, evidence: c.evidence})
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

// lookups asks that the witnesses who were named have spoken. What the others
// have seen is proved all the same.
func lookups(o *observation) (found []problem) {
	a := o.Applied
	who := fmt.Sprintf("it is not known what was applied: %q ", strings.Join(a.Command, " "))
	switch {
	case a.Asked() && !a.Looked:
		found = append(found, problem{detail: join(": ", who+a.Error, lastWords(a.Stderr)), soft: true})
	case senseless(a):
		found = append(found, problem{soft: true, detail: fmt.Sprintf(
			"%sprinted %s, and no id among them: it must print ids only, one a line; the first is %q", who, prose.Count(a.Strange, "line"), a.Sample,
		)})
	}
	if o.Ledger.Path != "" && !o.Ledger.Truncated && !o.Ledger.Present() {
		found = append(found, problem{soft: true, detail: fmt.Sprintf(
			"the server wrote nothing to the ledger %s: it must append a line for each event, or leave out --ledger", o.Ledger.Path,
		)})
	}
	return found
}

// lastWords are the last few lines of what a command wrote to stderr.
func lastWords(lines []string) string {
	const most = 3
	var said []string
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			said = append(said, line)
		}
	}
	return strings.Join(said[max(len(said)-most, 0):], "; ")
}

// sequence asks that every signal of a sequence met somebody: what a server does
// with a second one nobody knows of a server that was gone before. What SIGKILL
// ended has had its time.
func sequence(o *observation) []problem {
	planned := o.Header.Scenario.Disruption.Planned()
	sent := 1 + len(o.Signal.Again)
	if !o.Signal.Sent || o.Operation != nil || !o.Exit.Seen || o.Exit.Killed || sent >= len(planned) {
		return nil
	}
	missed := planned[sent]
	detail := fmt.Sprintf("the %s signal of the sequence, %s, was never sent: the server had already exited after %s",
		ordinal(sent), missed.Name, scenario.InWords(o.Exit.At-o.Signal.Before))
	switch {
	case missed.After == 0: // as soon as can be
	case o.unloaded():
		detail += fmt.Sprintf(": send it sooner than %s after the one before (--signal)", scenario.InWords(missed.After))
	default:
		detail += fmt.Sprintf(": test an endpoint slower than %s, or send the signal sooner (--signal)", scenario.InWords(missed.After))
	}
	return []problem{{detail: detail, soft: true}}
}

// ordinals are as many as a sequence has signals.
var ordinals = [...]string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}

// ordinal names the place of the item with that index.
func ordinal(i int) string {
	if i < len(ordinals) {
		return ordinals[i]
	}
	return fmt.Sprintf("%d.", i+1)
}
