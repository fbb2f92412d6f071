package check

import (
	"fmt"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// uncertain asks whether so many losses are excused as races that they may not
// have been ones. Without a ledger a request that was hung up on a few
// milliseconds after its sending may have crossed the close unread, or may have
// been in the hands of a quick handler. One here and there is what a race looks
// like; more than one in every third shutdown is not, and nothing is proved then.
func uncertain(intact []*observation) []result.Finding {
	var evidence []result.Evidence
	shutdowns := 0
	for _, o := range intact {
		found := o.unproved()
		evidence = append(evidence, found...)
		if len(found) > 0 {
			shutdowns++
		}
	}
	if len(evidence) <= max(1, len(intact)/3) {
		return nil
	}
	return []result.Finding{{
		Rule: sampleName, Status: result.Unjudged, Count: len(evidence), Judged: len(intact),
		Expected: "losses of which it can be told whether the server had the request",
		Detail: fmt.Sprintf("%s hung up on within %s of being sent, in %d of %s: they may have crossed the close of an idle connection, "+
			"or have been in the hands of a quick handler, and nobody can tell which without the server's ledger; "+
			"ask for a URL that takes longer to answer (--url), or let the server keep a ledger (LASTCALL_LEDGER)",
			count(len(evidence), "request")+" "+was(len(evidence)), history.LedgerGuard, shutdowns, count(len(intact), "shutdown")),
		Evidence: evidence, Reference: "every verdict is earned",
	}}
}

// unproved points at the losses that are excused although they came later than
// a request lies unread on this machine.
func (o *observation) unproved() []result.Evidence {
	if o.Ledger.Present() {
		return nil
	}
	var found []result.Evidence
	o.each(history.Late, func(r *history.Request) {
		if r.Outcome == history.Dropped && r.End-r.Sent > o.guard && o.unavoidable(r) {
			found = append(found, o.proof(r))
		}
	})
	return found
}
