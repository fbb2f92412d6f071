package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// doubt tells why nothing was concluded. A reason that is the same in several
// shutdowns is told once.
func (t teller) doubt() []string {
	var reasons []string
	shutdowns := make(map[string][]int) // by reason, where it is one of single shutdowns
	for _, f := range t.subject.Findings {
		if f.Status != result.Unjudged {
			continue
		}
		reason := f.Detail
		if f.Rule == Integrity && len(f.Evidence) > 0 {
			n := f.Evidence[0].Shutdown
			reason = strings.TrimPrefix(reason, inShutdown(n))
			if !slices.Contains(shutdowns[reason], n) {
				shutdowns[reason] = append(shutdowns[reason], n)
			}
		}
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	said := []string{}
	for _, reason := range reasons {
		where := ""
		switch in := shutdowns[reason]; len(in) {
		case 0:
		case 1:
			where = inShutdown(in[0])
		default:
			where = fmt.Sprintf("in %d of %s: ", len(in), count(t.subject.Shutdowns, "shutdown"))
		}
		said = append(said, sentence(where+reason))
	}
	const most = 3
	if len(said) > most {
		said = append(said[:most-1], fmt.Sprintf("And %d more reasons; --report json names them all.", len(said)-most+1))
	}
	return said
}

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
