package check

import (
	"cmp"
	"fmt"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/prose"
)

// UnlikeBefore is the name under which findings tell of answers that differ from
// those before the signal, and do not prove a failure.
const UnlikeBefore = "unlike-before"

// unlike names the answers that differ from those before the signal, where that
// proves no failure: see history.History.CompareAnswers, which has made the others
// failed. Among the requests in flight they bar a pass. Later ones, and answers
// that came sooner than any before, are remarks.
func unlike(intact []*observation) []result.Finding {
	var doubts, late, sooner differing
	for _, o := range intact {
		doubts.judged += o.counts(history.InFlight).Completed
		late.judged += o.counts(history.Late).Completed
		for _, d := range o.Differences() {
			r, w := &o.Requests[d.Request], o.windows[d.Request]
			switch {
			case d.Sooner && d.Kind == history.Alike:
				sooner.add(o, r, d)
			case d.Kind == history.Alike || r.Outcome != history.Completed:
			case w == history.InFlight:
				doubts.add(o, r, d)
			default:
				late.add(o, r, d)
			}
		}
	}
	sooner.judged = doubts.judged + late.judged
	var found []result.Finding
	if len(doubts.evidence) > 0 {
		found = append(found, doubts.finding(result.Unjudged, "in flight"))
	}
	if len(late.evidence) > 0 {
		found = append(found, late.finding(result.Warned, "sent later"))
	}
	if n := len(sooner.evidence); n > 0 {
		f := sooner.finding(result.Warned, "")
		f.Detail = fmt.Sprintf("%s came in less than half of the time that the quickest answer before the signal took: "+
			"check that the work was done (--expect-body)", prose.Count(n, "answer"))
		found = append(found, f)
	}
	return found
}

// differing are answers that differ, and how.
type differing struct {
	judged   int // answers that were compared
	evidence []result.Evidence
	kinds    map[history.Unlikeness]int
	few      bool // one at least was compared with too few answers
}

func (d *differing) add(o *observation, r *history.Request, difference history.Difference) {
	if d.kinds == nil {
		d.kinds = make(map[history.Unlikeness]int)
	}
	d.evidence = append(d.evidence, o.proof(r))
	d.kinds[difference.Kind]++
	d.few = d.few || difference.Before < history.EnoughAnswers
}

func (d *differing) finding(status result.Status, which string) result.Finding {
	n := len(d.evidence)
	detail := fmt.Sprintf("%d of the answers to requests %s differ from all before the signal (%s): ", n, which, describeUnlike(d.kinds))
	if n == 1 {
		detail = fmt.Sprintf("the answer to 1 request %s differs from all before the signal (%s): ", which, describeUnlike(d.kinds))
	}
	if d.few {
		detail += fmt.Sprintf("fewer than %d answers came before the signal, too few to tell whether that is wrong; let the warm-up last longer, or ", history.EnoughAnswers)
	} else {
		detail += "this can be right or wrong; "
	}
	return result.Finding{
		Rule: UnlikeBefore, Status: status, Count: n, Judged: d.judged,
		Expected: "answers like those before the signal",
		Detail:   detail + "say what a whole body looks like (--expect-body)",
		Evidence: d.evidence, Reference: "every verdict is earned",
	}
}

// describeUnlike lists the differences, the clearest first.
func describeUnlike(kinds map[history.Unlikeness]int) string {
	return prose.List(
		prose.Of(kinds[history.Empty], "empty"),
		prose.Of(kinds[history.EndedEarly], "ended early"),
		prose.Of(kinds[history.MuchShorter], "less than half as long"),
		prose.Of(kinds[history.NewStatus], "of a new status"),
		prose.Of(kinds[history.OtherLength], "of another length"),
	)
}

// unlikeAnswers are the failed answers of a window that were unlike those before.
type unlikeAnswers struct {
	kinds    map[history.Unlikeness]int
	statuses map[uint16]int
	n        int
	line     string // of one of them
}

func (t explainer) unlikeIn(window history.Window) unlikeAnswers {
	all := unlikeAnswers{kinds: make(map[history.Unlikeness]int), statuses: make(map[uint16]int)}
	for _, o := range t.intact {
		for _, d := range o.Differences() {
			r := &o.Requests[d.Request]
			if o.windows[d.Request] == window && r.Outcome == history.Failed && r.Reason == history.UnlikeBefore {
				all.n++
				all.kinds[d.Kind]++
				all.statuses[r.Status]++
				all.line = cmp.Or(all.line, o.line(r.Seq))
			}
		}
	}
	return all
}

// status is the one that most of them had.
func (u unlikeAnswers) status() uint16 { return commonest(u.statuses)[0] }

// describe says what was wrong with them, as "answered 200 with an empty body".
func (u unlikeAnswers) describe() string {
	how := map[history.Unlikeness]string{
		history.Empty: " with an empty body, unlike every answer before the signal", history.EndedEarly: " with a body that ended sooner than any before the signal",
		history.MuchShorter: " with a body less than half as long as any before the signal", history.NewStatus: ", unlike every answer before the signal",
	}
	for _, kind := range []history.Unlikeness{history.Empty, history.EndedEarly, history.MuchShorter, history.NewStatus} {
		if u.kinds[kind]*2 >= u.n {
			return fmt.Sprintf("answered %d%s", u.status(), how[kind])
		}
	}
	return fmt.Sprintf("answered %d, unlike all before the signal (%s)", u.status(), describeUnlike(u.kinds))
}

// abandoned tells of requests that were answered as if they had been served. What
// the answers looked like was seen. That a cancelled context was behind it was
// not; but for an empty 200 nothing else is as common.
func (t explainer) abandoned(c history.Counts, u unlikeAnswers) []string {
	after := "the signal"
	if t.staysUp() {
		after = "the command"
	}
	rest := c
	rest.Failed -= u.n
	what := fmt.Sprintf("%d of %s in flight %s %s%s. This is typical of handlers whose context was cancelled by %s.",
		u.n, prose.Plural(c.Total, "request"), prose.Was(u.n), u.describe(), t.overShutdowns(), after)
	if u.kinds[history.NewStatus]*2 >= u.n {
		what = fmt.Sprintf("%d of %s in flight %s %s%s.", u.n, prose.Plural(c.Total, "request"), prose.Was(u.n), u.describe(), t.overShutdowns())
	}
	if u.line != "" {
		what += fmt.Sprintf(" One of them said %s.", quoted(u.line))
	}
	said := []string{what}
	if rest.Total > u.n {
		said = append(said, fmt.Sprintf("Of the others, %s.", strings.ReplaceAll(describeInFlight(rest), ", ", "; ")))
	}
	if u.kinds[history.NewStatus]*2 >= u.n {
		return append(said, fmt.Sprintf("If status %d is right, say so (--expect-status). Otherwise answer the requests in flight as before.", u.status()))
	}
	remedy := "Do not let handlers inherit a context that the signal cancels. In Go, let the signal start Server.Shutdown and nothing else, " +
		"or give http.Server a BaseContext without the signal's cancellation (`lastcall explain with-cancel-detached` shows it)."
	if u.kinds[history.Empty]*2 >= u.n {
		said = append(said, "A client cannot tell such an answer from a good one. net/http writes it for a handler that returns without writing anything.")
	}
	return append(said, remedy)
}
