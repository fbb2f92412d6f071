package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/result"
	"lastcall/internal/prose"
)

// find turns the tallies of all intact shutdowns into a finding.
func (r Rule) find(level Level, tallies []tally) result.Finding {
	var all tally
	evidence := []result.Evidence{} // by shutdown
	touched := 0
	for _, t := range tallies {
		all = all.plus(t)
		evidence = append(evidence, t.evidence()...)
		if t.count() > 0 {
			touched++
		}
	}
	return result.Finding{
		Rule: r.Name, Expected: r.Asks, Reference: r.Reference,
		Status: level.status(all), Count: all.count(), Judged: all.judged + len(all.other),
		Detail: r.detail(all, touched, len(tallies)), Evidence: evidence,
	}
}

// detail says what was seen, in how many of the shutdowns.
func (r Rule) detail(all tally, touched, shutdowns int) string {
	n := len(all.breaches) + len(all.excused) + len(all.doubts)
	if all.judged == 0 && all.count() == 0 {
		return join(": ", "there were no "+r.Unit+" to judge", all.said)
	}
	if all.count() == 0 {
		return fmt.Sprintf("%d %s judged, no violation", all.judged, grammar(all.judged, r.Unit))
	}
	where := fmt.Sprintf(", in %d of %s", touched, prose.Plural(shutdowns, "shutdown"))
	if n == 0 {
		return all.said + where
	}
	if mild := len(all.excused); r.Mild != "" && mild > 0 {
		detail := r.did(mild, all.judged, r.Mild)
		if n -= mild; n > 0 {
			detail = join("; ", r.did(n, all.judged, r.Breach), detail)
		}
		return join(": ", detail, all.said)
	}
	detail := r.did(n, all.judged, r.Breach)
	if r.Unit != "shutdowns" {
		detail += where
	}
	return join("; ", join("; ", join(": ", detail, all.said), r.excuse(n, len(all.excused))), all.doubt(n))
}

// did says how many of all did something.
func (r Rule) did(n, judged int, what string) string {
	return fmt.Sprintf("%d of %d %s %s", n, judged, r.Unit, grammar(n, what))
}

// doubt says of how many breaches it cannot be told whether they are any, and why.
func (t tally) doubt(breaches int) string {
	switch n := len(t.doubts); {
	case n == 0:
		return ""
	case n == breaches:
		return "in doubt: " + t.unsure
	default:
		return fmt.Sprintf("%d of them in doubt: %s", n, t.unsure)
	}
}

// excuse says how many of so many breaches are excused, and why.
func (r Rule) excuse(breaches, excused int) string {
	switch {
	case excused == 0:
		return ""
	case breaches == 1:
		return "excused: " + r.Excuses
	case excused == breaches:
		return "all of them excused: " + r.Excuses
	}
	return fmt.Sprintf("%d of them excused: %s", excused, r.Excuses)
}

// join puts what there is of two parts together.
func join(between, a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + between + b
}

var singular = strings.NewReplacer("requests", "request", "WebSocket connections and event streams", "WebSocket connection or event stream", "answers", "answer", "writes", "write", "shutdowns", "shutdown", "were ", "was ")

// grammar makes words that speak of many speak of one, where it is one.
func grammar(n int, many string) string {
	if n != 1 {
		return many
	}
	return singular.Replace(many)
}

// tally is what one rule found in one shutdown, or in all of them.
type tally struct {
	judged   int // of what there was to judge
	breaches []result.Evidence
	excused  []result.Evidence
	other    []result.Evidence // breaches of another kind than those that are judged and counted; said tells of them
	doubts   []result.Evidence // what may be a breach, or excused
	unsure   string            // why that cannot be told
	said     string            // what a breach looked like where its number says too little, or why there was nothing to judge
}

// count is how many breaches there are, of whatever kind.
func (t tally) count() int { return len(t.breaches) + len(t.excused) + len(t.doubts) + len(t.other) }

// broken reports whether there is a breach that nothing excuses.
func (t tally) broken() bool { return len(t.breaches)+len(t.other) > 0 }

// evidence points at all of them.
func (t tally) evidence() []result.Evidence {
	return slices.Concat(t.breaches, t.doubts, t.excused, t.other)
}

// plus adds the tally of a further shutdown. What the first had to say stands
// for the others, which are mostly the same with other PIDs; but a breach is
// heard before what is excused.
func (t tally) plus(u tally) tally {
	if t.said == "" || u.said != "" && !t.broken() && u.broken() {
		t.said = u.said
	}
	t.judged += u.judged
	t.unsure = cmp.Or(t.unsure, u.unsure)
	t.doubts = append(t.doubts, u.doubts...)
	t.breaches = append(t.breaches, u.breaches...)
	t.excused = append(t.excused, u.excused...)
	t.other = append(t.other, u.other...)
	return t
}

// doubted takes every breach for one that may be none, and says why.
func (t tally) doubted(why string) tally {
	if !t.broken() {
		return t
	}
	t.judged += len(t.other)
	t.doubts = slices.Concat(t.doubts, t.breaches, t.other)
	t.breaches, t.other, t.unsure = nil, nil, why
	return t
}

// status weighs breaches and excused breaches by the policy.
func (l Level) status(t tally) result.Status {
	worst := Off
	if t.broken() {
		worst = l.Breach
	}
	if len(t.excused) > 0 {
		worst = max(worst, l.Excused)
	}
	switch {
	case worst == Require:
		return result.Violated
	case len(t.doubts) > 0 && l.Breach == Require:
		return result.Unjudged
	case len(t.doubts) > 0 && l.Breach == Warn:
		return result.Warned
	case worst == Warn:
		return result.Warned
	case t.judged+len(t.other) == 0:
		return result.NotExercised
	}
	return result.Satisfied
}
