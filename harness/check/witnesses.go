package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

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
