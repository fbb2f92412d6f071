package diff

import (
	"fmt"

	"lastcall/harness/check"
	"lastcall/harness/result"
)

// verdict compares the verdicts. Under another policy a verdict is another
// question.
func (p pair) verdict() result.Change {
	c := result.Change{
		Name: Verdict,
		Old:  result.Value{Status: p.old.Verdict.String()}, New: result.Value{Status: p.latest.Verdict.String()},
	}
	switch {
	case p.latest.Verdict == result.Inconclusive: // the reasons say why
	case p.old.Verdict == result.Inconclusive:
		c.Detail = "the old report could not judge it: " + whyUnjudged(p.old)
	case p.old.Verdict == p.latest.Verdict:
		c.Direction = result.Same
	case !p.samePolicy:
		c.Detail = "the two runs were judged by different policies"
	case p.latest.Verdict == result.Fail: // see follow
		c.Detail = "it passed, and fails now"
	default:
		c.Detail = "it failed, and passes now"
	}
	return c
}

// follow gives the change of the verdict the direction of what it comes from, if that
// is proved: a verdict rests on one breach, and has no proof of its own.
func follow(verdict *result.Change, causes []result.Change) {
	toward := result.Worse
	switch {
	case verdict.Direction != result.CannotTell:
		return
	case verdict.Old.Status == result.Pass.String() && verdict.New.Status == result.Fail.String():
	case verdict.Old.Status == result.Fail.String() && verdict.New.Status == result.Pass.String():
		toward = result.Better
	default:
		return
	}
	for _, c := range causes {
		touches := c.Name == ShutdownsFailed || c.Rule && (c.New.Status == result.Violated.String() || c.Old.Status == result.Violated.String() ||
			c.New.Status == result.ProbeFail.String() || c.Old.Status == result.ProbeFail.String())
		if touches && c.Direction == toward {
			verdict.Direction, verdict.Regression = toward, toward == result.Worse
			return
		}
	}
	if verdict.Detail != "" {
		verdict.Detail += ": it may be chance"
	}
}

// rules compares every rule that either report has, in the order of Rules, and
// then those that this lastcall does not know.
func (p pair) rules() []result.Change {
	old, latest := findingsByRule(p.old), findingsByRule(p.latest)
	var names []string
	for _, r := range check.Rules() {
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
		if f.Rule == check.Integrity || f.Rule == check.Sample {
			continue
		}
		if known := rules[f.Rule]; known == nil || known.Status < f.Status {
			rules[f.Rule] = f
		}
	}
	return rules
}

// rule compares one rule by Fisher's exact test of the shutdowns that violated it:
// one that a server breaks now and then breaks now and then, whichever of two reports
// saw it. Where it is violated in neither it is the shutdowns in which it was breached
// that are compared. The status of max-loss is a proof already.
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
		c.Detail = "a server that drops requests in flight also drops, by chance, requests that it has just received: " + latest.Detail
		return c
	case !judged(old) || !judged(latest):
		c.Detail = hadNothing(old, latest)
		return c
	}
	was, is := old.Status == result.Violated, latest.Status == result.Violated
	if was != is && !p.samePolicy && (old.Count > 0) == (latest.Count > 0) {
		c.Detail = "the two runs were judged by different policies"
		return c
	}
	before, now := breached(old, p.old, was || is), breached(latest, p.latest, was || is)
	c.Direction, c.PShutdowns = byFisher(before, now)
	switch {
	case name == check.MaxLoss && was != is:
		c.Direction = result.Better
		if is {
			c.Direction = result.Worse
		}
	case old.Status == latest.Status && (c.Direction == result.CannotTell || old.Count+latest.Count == 0):
		c.Direction = result.Same // of the status
	}
	c.Regression = is && c.Direction == result.Worse
	switch c.Direction {
	case result.Same:
	case result.Worse:
		c.Detail = latest.Detail
	case result.Better:
		c.Detail = "was: " + old.Detail
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
	return check.ComesWith(name, check.Violated(p.old)) && check.ComesWith(name, check.Violated(p.latest))
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

// breached is in how many of the intact shutdowns the rule was breached. Where it is
// violations that are compared, a warning is none.
func breached(f *result.Finding, s *result.Subject, violations bool) result.Share {
	shutdowns := make(map[int]bool)
	for _, e := range f.Evidence {
		shutdowns[e.Shutdown] = true
	}
	if violations && f.Status != result.Violated {
		clear(shutdowns)
	}
	return result.Share{Count: min(len(shutdowns), s.ShutdownsIntact), Of: s.ShutdownsIntact}
}
