package check

import (
	"fmt"

	"lastcall/harness/result"
)

// sampleName is the finding that too little was at risk. Like Integrity it is no
// rule: it says why a subject could not be judged, which its verdict says too.
const sampleName = "sample"

// verdict compares the verdicts. Under another policy a verdict is another
// question.
func (p pair) verdict() result.Change {
	c := result.Change{
		Name: DiffVerdict,
		Old:  result.Value{Status: p.old.Verdict.String()}, New: result.Value{Status: p.latest.Verdict.String()},
	}
	switch {
	case p.latest.Verdict == result.Inconclusive: // the reasons say why
	case p.old.Verdict == result.Inconclusive:
		c.Detail = "the old report could not judge it: " + whyUnjudged(p.old)
	case p.old.Verdict == p.latest.Verdict:
		c.Direction = result.Same
	case !p.samePolicy:
		c.Detail = "the two were judged by different policies"
	case p.latest.Verdict == result.Fail:
		c.Direction, c.Regression = result.Worse, true
		c.Detail = "it passed, and fails now"
	default:
		c.Direction = result.Better
		c.Detail = "it failed, and passes now"
	}
	return c
}

// rules compares every rule that either report has, in the order of Rules, and
// then those that this lastcall does not know.
func (p pair) rules() []result.Change {
	old, latest := findingsByRule(p.old), findingsByRule(p.latest)
	var names []string
	for _, r := range Rules() {
		names = append(names, r.Name)
	}
	for _, s := range []*result.Subject{p.old, p.latest} {
		for _, f := range s.Findings {
			names = append(names, f.Rule)
		}
	}
	var changes []result.Change
	seen := make(map[string]bool)
	for _, name := range names {
		before, now := old[name], latest[name]
		if seen[name] || before == nil && now == nil {
			continue
		}
		seen[name] = true
		changes = append(changes, p.rule(name, before, now))
	}
	return changes
}

// findingsByRule leaves out what is no rule. Where a rule has two findings, which
// no lastcall writes, the worse one counts.
func findingsByRule(s *result.Subject) map[string]*result.Finding {
	rules := make(map[string]*result.Finding)
	for i := range s.Findings {
		f := &s.Findings[i]
		if f.Rule == Integrity || f.Rule == sampleName {
			continue
		}
		if known := rules[f.Rule]; known == nil || known.Status < f.Status {
			rules[f.Rule] = f
		}
	}
	return rules
}

// rule compares one rule. To violate it is worse, and no longer to violate it is
// better, whatever the numbers: a violation needs no second. Short of that, and
// where it is warned about, chance has its part, since most warnings are of races:
// there it is Fisher's exact test of the shutdowns in which the rule was breached.
func (p pair) rule(name string, old, latest *result.Finding) result.Change {
	c := result.Change{Name: name, Rule: true, Old: ruleValue(old), New: ruleValue(latest)}
	switch {
	case old == nil:
		c.Detail = "the old report was not judged by this rule; now: " + latest.Detail
		return c
	case latest == nil:
		c.Detail = "the new report was not judged by this rule"
		return c
	case old.Status == result.NotExercised && latest.Status == result.NotExercised:
		return c
	case latest.Status == result.Violated && old.Status != result.Violated && p.follows(name):
		c.Direction = result.Same // of the failure that is known
		c.Detail = "a server that loses what is in flight also cuts off what it has just received, by chance: " + latest.Detail
		return c
	case !judged(old) || !judged(latest):
		c.Detail = hadNothing(old, latest)
		return c
	}
	before, now := touched(old, p.old), touched(latest, p.latest)
	var toward result.Direction
	toward, c.PShutdowns = byFisher(before, now)
	was, is := old.Status == result.Violated, latest.Status == result.Violated
	switch {
	case was != is && !p.samePolicy && (old.Count > 0) == (latest.Count > 0):
		c.Detail = "the two were judged by different policies"
		return c
	case is && !was:
		c.Direction, c.Regression = result.Worse, true
	case was && !is:
		c.Direction = result.Better
	case old.Count == 0 && latest.Count == 0:
		c.Direction = result.Same
	case toward == result.CannotTell && old.Status == latest.Status:
		c.Direction = result.Same // of the status
	default:
		c.Direction = toward
	}
	switch c.Direction {
	case result.Same:
	case result.Worse:
		c.Detail = latest.Detail
	case result.Better:
		c.Detail = "was: " + old.Detail
		if c.PShutdowns != nil && !significant(*c.PShutdowns) {
			c.Detail += "; so few shutdowns may miss it by chance (--shutdowns)"
		}
	case result.CannotTell:
		c.Detail = fmt.Sprintf("breached in %d of %d shutdowns, was in %d of %d: it may be chance%s",
			now.Count, now.Of, before.Count, before.Of, advice(before.Of, now.Of))
	}
	return c
}

func ruleValue(f *result.Finding) result.Value {
	if f == nil {
		return result.Value{}
	}
	return result.Value{Status: f.Status.String(), Share: &result.Share{Count: f.Count, Of: f.Judged}}
}

// follows reports whether a rule's violation comes with that of another which was
// violated before and still is.
func (p pair) follows(name string) bool {
	return comesWith(name, violated(p.old)) && comesWith(name, violated(p.latest))
}

// judged reports whether a rule met something to judge, and could.
func judged(f *result.Finding) bool {
	switch f.Status {
	case result.Satisfied, result.Warned, result.Violated:
		return true
	case result.Unjudged, result.NotExercised:
	}
	return false
}

func hadNothing(old, latest *result.Finding) string {
	if judged(old) || !judged(latest) {
		return fmt.Sprintf("%s in the new report: %s", latest.Status, latest.Detail)
	}
	return fmt.Sprintf("%s in the old report; now: %s", old.Status, latest.Detail)
}

// touched is in how many of the intact shutdowns the rule was breached.
func touched(f *result.Finding, s *result.Subject) result.Share {
	shutdowns := make(map[int]bool)
	for _, e := range f.Evidence {
		shutdowns[e.Shutdown] = true
	}
	return result.Share{Count: min(len(shutdowns), s.ShutdownsIntact), Of: s.ShutdownsIntact}
}
