package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/result"
)

// besides names every other required rule that was violated and that no sentence
// has told of, with how often.
func (t teller) besides(first result.Finding) []string {
	var also []string
	for _, f := range t.subject.Findings {
		if f.Status == result.Violated && f.Rule != first.Rule && f.Rule != NoLostAck { // alsoLost tells of that one
			also = append(also, fmt.Sprintf("%s (%d of %d)", f.Rule, t.violations(f), f.Judged))
		}
	}
	if len(also) == 0 {
		return nil
	}
	return []string{"Also broken: " + strings.Join(also, ", ") + "."}
}

// violations counts what a violated rule is violated by: what is excused counts
// only where the policy requires that, too.
func (t teller) violations(f result.Finding) (n int) {
	at := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Name == f.Rule })
	if at < 0 {
		return f.Count // the budget is no rule
	}
	for _, o := range t.intact {
		n += o.violations(Rules()[at])
	}
	return n
}

// violations counts those of one shutdown.
func (o *observation) violations(r Rule) (n int) {
	level, tally := o.policy.Levels[r.Name], r.judge(o)
	if level.Breach == Require {
		n += len(tally.breaches) + len(tally.other)
	}
	if level.Excused == Require {
		n += len(tally.excused)
	}
	return n
}
