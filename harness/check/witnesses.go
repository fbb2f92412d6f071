package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

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
			detail := fmt.Sprintf("the witnesses contradict each other on %s (%s): %s", count(len(c.evidence), "request"), seqs(c.evidence), c.what)
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
			"%sprinted %s, and no id among them: it must print ids only, one a line; the first is %q", who, count(a.Strange, "line"), a.Sample,
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
