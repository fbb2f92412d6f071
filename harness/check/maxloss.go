package check

import (
	"fmt"
	"maps"
	"strconv"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// MaxLoss is the name under which a finding tells whether the share of late
// losses is proved to be within what the policy allows.
const MaxLoss = "max-loss"

// maxLoss gates late losses by their share, in three values: proved to be within
// the limit (the 95 % upper bound is), proved to be above it (the lower bound
// is), or neither, and then it says how many more shutdowns would tell. Without
// a limit there is no finding.
//
// The bounds are per request. Those of one shutdown are correlated, so the
// finding also names the shutdowns that lost any; where it is a violation, they
// are added to those that failed.
func maxLoss(s result.Subject, intact []*observation, policy Policy, failed map[int]bool) []result.Finding {
	if policy.MaxLoss == 0 || len(intact) == 0 || intact[0].unloaded() {
		return nil
	}
	evidence := lateLosses(intact)
	lossy := make(map[int]bool)
	for _, e := range evidence {
		lossy[e.Shutdown] = true
	}
	f := result.Finding{
		Rule: MaxLoss, Count: len(evidence), Judged: s.Late.AtRisk(),
		Expected: fmt.Sprintf("at most %s of the late requests at risk are dropped, with 95%% confidence", percent(policy.MaxLoss)),
		Evidence: evidence, Reference: "Clopper and Pearson, Biometrika 26(4), 1934",
	}
	seen := fmt.Sprintf("%d of %s at risk %s dropped, in %d of %s", f.Count, count(f.Judged, "late request"), was(f.Count),
		len(lossy), count(len(intact), "shutdown"))
	var proved string
	f.Status, proved = weigh(f.Count, f.Judged, len(intact), policy.MaxLoss)
	f.Detail = seen + ": " + proved
	if f.Judged == 0 {
		f.Detail = proved
	}
	if f.Status == result.Violated {
		maps.Copy(failed, lossy)
	}
	return []result.Finding{f}
}

// lateLosses points at every late request that was dropped.
func lateLosses(intact []*observation) []result.Evidence {
	evidence := []result.Evidence{}
	for _, o := range intact {
		evidence = append(evidence, lateRequestsAnswered(o).evidence()...)
	}
	return evidence
}

// weigh says whether so many losses of n prove that the limit is kept, or that
// it is not.
func weigh(lost, n, shutdowns int, limit float64) (result.Status, string) {
	if n == 0 {
		return result.Unjudged, "no late request was at risk, so that no share of losses was measured: send more requests a second (--rate)"
	}
	upper, _ := UpperBound(lost, n)
	lower, _ := LowerBound(lost, n)
	allowed := percent(limit)
	switch {
	case upper <= limit:
		return result.Satisfied, fmt.Sprintf("at most %s of them are lost, with 95%% confidence, and %s is allowed", percent(upper), allowed)
	case lower > limit:
		return result.Violated, fmt.Sprintf("at least %s of them are lost, with 95%% confidence, and %s is allowed", percent(lower), allowed)
	}
	return result.Unjudged, fmt.Sprintf("between %s and %s of them are lost, with 95%% confidence on either side, and %s is allowed, so that nothing is proved; %s",
		percent(lower), percent(upper), allowed, moreShutdowns(lost, n, shutdowns, limit))
}

// moreShutdowns says how many more shutdowns would decide, if they lose at the
// same share as those so far.
func moreShutdowns(lost, n, shutdowns int, limit float64) string {
	all, ok := forecast{lost, n, shutdowns, limit}.needed()
	switch {
	case !ok:
		return "the share is so near to the limit that no reasonable number of shutdowns decides it"
	case all > history.MaxShutdowns:
		return fmt.Sprintf("it would take %d shutdowns like these: send more requests a second (--rate), or allow more", all)
	}
	return fmt.Sprintf("%s like these would tell (--shutdowns %d), or more requests a second (--rate)", count(all-shutdowns, "more shutdown"), all)
}

// percent renders a share with three digits that matter.
func percent(share float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(share, 'g', 3, 64), 64)
	if err != nil {
		rounded = share
	}
	return history.Share(rounded).String()
}
