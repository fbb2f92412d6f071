package check

import (
	"cmp"
	"slices"

	"lastcall/harness/result"
)

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
