package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/harness/stats"
	"lastcall/internal/prose"
)

// MaxLoss is the name under which a finding tells whether the share of late
// losses is proved to be within what the policy allows.
const MaxLoss = "max-loss"

// lossSpan is the time within which late losses are counted against all that was
// sent: the worst half second of a shutdown. It is shorter than the warm-up, so that
// a server which closes at once has as much to be measured by as one that serves on.
const lossSpan = 500 * time.Millisecond

// maxLoss gates late losses by their share, in three values: proved to be within
// the limit (the 95% upper bound is), proved to be above it (the lower bound
// is), or neither, and then it says how many shutdowns would tell. Without
// a limit there is no finding.
//
// A shutdown is one trial, and its share that of its worst half second. Neither
// how long a server lingers nor how many it turns away meanwhile changes that
// share. The mean over shutdowns is what the limit is held against. Where the
// finding is a violation, the shutdowns that lost any are added to those that
// failed.
func maxLoss(intact []*observation, policy Policy, failed map[int]bool) []result.Finding {
	if policy.MaxLoss == 0 || len(intact) == 0 || intact[0].unloaded() {
		return nil
	}
	f := result.Finding{
		Rule: MaxLoss, Evidence: []result.Evidence{},
		Expected: fmt.Sprintf("on average over shutdowns, at most %s of the requests of the worst half second are late and dropped, with 95%% confidence",
			percent(policy.MaxLoss)),
		Reference: "Gaffke, Mathematical Methods of Statistics 14(4), 2005; Clopper and Pearson, Biometrika 26(4), 1934",
	}
	lossy := make(map[int]bool)
	var shares []float64
	elsewhere := 0
	for _, o := range intact {
		worst, ok := o.worstSpan()
		if !ok {
			continue
		}
		shares = append(shares, worst.share())
		f.Evidence = append(f.Evidence, worst.lost...)
		f.Judged += worst.sent
		elsewhere += worst.elsewhere
		if len(worst.lost) > 0 {
			lossy[o.Header.Shutdown] = true
		}
	}
	f.Count = len(f.Evidence)
	if len(shares) == 0 {
		f.Detail = "no request was sent late, so no share of losses was measured: send more requests a second (--rate)"
		return []result.Finding{f}
	}
	var proved string
	f.Status, proved = weigh(stats.SharesOf(shares), policy.MaxLoss)
	f.Detail = fmt.Sprintf("%d of %s of the worst half second %s late and dropped, in %d of %s%s: %s", f.Count, prose.Plural(f.Judged, "request"),
		prose.Was(f.Count), len(lossy), prose.Plural(len(shares), "shutdown"), beyond(elsewhere), proved)
	if f.Status == result.Violated {
		maps.Copy(failed, lossy)
	}
	return []result.Finding{f}
}

func beyond(elsewhere int) string {
	if elsewhere == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d at other times)", elsewhere)
}

// span is what was sent and what was lost within one lossSpan.
type span struct {
	sent      int
	lost      []result.Evidence // late and dropped
	elsewhere int               // late losses outside of it
}

func (s span) share() float64 { return float64(len(s.lost)) / float64(s.sent) }

// worstSpan is that in which most requests were sent that came late and were
// dropped, whatever the excuse; of several that with most requests. What became of
// the others does not matter: a server that serves on and one that refuses have
// as many. It reports false if no request was sent late at all.
func (o *observation) worstSpan() (worst span, ok bool) {
	late := make(map[uint32]bool)
	for _, e := range lateRequestsAnswered(o).evidence() {
		late[*e.Seq] = true
	}
	var sent []*history.Request
	for i := range o.Requests {
		if r := &o.Requests[i]; r.Outcome != history.Unsent && r.Outcome != history.Pending {
			sent = append(sent, r)
			ok = ok || o.windows[i].Exposed() && o.windows[i] != history.InFlight || o.windows[i] == history.After
		}
	}
	slices.SortStableFunc(sent, func(a, b *history.Request) int { return cmp.Compare(a.Started, b.Started) })
	begin, first, lost, most := 0, 0, 0, 0
	for next, r := range sent {
		if late[r.Seq] {
			lost++
		}
		for ; r.Started-sent[first].Started >= lossSpan; first++ {
			if late[sent[first].Seq] {
				lost--
			}
		}
		if within := next + 1 - first; lost > most || lost == most && within > worst.sent {
			begin, most, worst.sent = first, lost, within
		}
	}
	for _, r := range sent[begin : begin+worst.sent] {
		if late[r.Seq] {
			worst.lost = append(worst.lost, o.proof(r))
		}
	}
	worst.elsewhere = max(0, len(late)-len(worst.lost))
	return worst, ok
}

// weigh says whether the shares of the shutdowns prove that the limit is kept, or
// that it is not.
func weigh(t stats.Shares, limit float64) (result.Status, string) {
	allowed := percent(limit)
	switch {
	case t.AtMost(limit):
		return result.Satisfied, fmt.Sprintf("on average at most %s are dropped, with 95%% confidence, and %s is allowed", percent(t.Upper()), allowed)
	case t.Above(limit):
		return result.Violated, fmt.Sprintf("on average at least %s are dropped, with 95%% confidence, and %s is allowed", percent(t.Lower()), allowed)
	}
	return result.Unjudged, fmt.Sprintf("on average between %s and %s are dropped, with 95%% confidence on either side, and %s is allowed, so nothing is proved; %s",
		percent(t.Lower()), percent(t.Upper()), allowed, moreShutdowns(t, limit))
}

// moreShutdowns says how many shutdowns would decide, if they lose as those so
// far.
func moreShutdowns(t stats.Shares, limit float64) string {
	all, ok := t.Needed(limit)
	switch {
	case !ok:
		return "the share is too near the limit for any reasonable number of shutdowns"
	case all > scenario.MaxShutdowns:
		return fmt.Sprintf("it would take %d shutdowns like these, and a run has at most %d: allow a higher share (--max-loss)", all, scenario.MaxShutdowns)
	}
	return fmt.Sprintf("a run of %s like these would decide it: choose their number before the run (--shutdowns %d)", prose.Count(all, "shutdown"), all)
}

// percent renders a share with three digits that matter.
func percent(share float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(share, 'g', 3, 64), 64)
	if err != nil {
		rounded = share
	}
	return scenario.Share(rounded).String()
}

// tooMany tells of a share of late losses that is proved to be too large.
func (t explainer) tooMany(f result.Finding) []string {
	remedy := "Go on serving with Connection: close for a while before you close, so that clients stop using their connections."
	if t.announced() {
		remedy = announcedAlready
	}
	return []string{prose.Sentence(f.Detail), remedy}
}

// bounds say what the true shares may be. In each of them a shutdown is one trial:
// see trials.atMost.
func bounds(s result.Subject, intact []*observation) result.Bounds {
	var inFlight, late, atRisk []float64
	for _, o := range intact {
		had := o.counts(history.InFlight)
		add := func(shares []float64, lost, of int) []float64 {
			if of == 0 {
				return shares
			}
			return append(shares, float64(lost)/float64(of))
		}
		inFlight = add(inFlight, had.Total-had.Completed, had.Total)
		atRisk = add(atRisk, o.losses(), o.atRisk())
		if worst, ok := o.worstSpan(); ok {
			late = add(late, len(worst.lost), worst.sent)
		}
	}
	return result.Bounds{
		PerRequest: meanBound(atRisk), PerShutdown: upperBound(s.ShutdownsFailed, s.ShutdownsIntact),
		InFlightLost: meanBound(inFlight), LateLost: meanBound(late),
	}
}

// losses are the requests at risk that got no answer, or a wrong one, or were in
// flight and turned away. A server that promised to stay up also loses those that it
// refuses.
func (o *observation) losses() int {
	had, came := o.counts(history.InFlight), o.counts(history.Late).Plus(o.counts(history.Edge))
	lost := had.Dropped + had.Failed + had.Rejected + came.Dropped + came.Failed
	if staysUpThrough(o.Header.Scenario) {
		lost += had.Refused + came.Refused
	}
	return lost
}

// atRisk is how many requests a shutdown could lose.
func (o *observation) atRisk() int {
	had, came := o.counts(history.InFlight), o.counts(history.Late).Plus(o.counts(history.Edge))
	n := had.AtRisk() + came.AtRisk()
	if staysUpThrough(o.Header.Scenario) {
		n += had.Refused + came.Refused
	}
	return n
}

// meanBound is the upper bound of the mean of the shares, and nil without any.
func meanBound(shares []float64) *float64 {
	if len(shares) == 0 {
		return nil
	}
	bound := stats.SharesOf(shares).Upper()
	return &bound
}

func upperBound(k, n int) *float64 {
	if bound, ok := stats.UpperBound(k, n); ok {
		return &bound
	}
	return nil
}
