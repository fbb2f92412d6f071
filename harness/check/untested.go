package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/result"
)

// keepWitness is how a server's writes can be put to the test.
const keepWitness = "keep a ledger, or name --applied"

// remiss are the rules that a reader may take for tested where something was
// missing that they could give: with what, and in which shutdowns the rule would
// have meant something. A load of GETs only, for example, has lost no write.
var remiss = []struct {
	rule, give string
	means      func(*observation) bool
}{
	{ServesThroughLag, "set --lag", func(o *observation) bool {
		return !o.unloaded() && o.Header.Scenario.Disruption.Lag.Duration == 0
	}},
	{ReadyFlipsFirst, "name its readiness check: --ready", func(o *observation) bool {
		return !o.unloaded() && o.Readiness.Polls == 0
	}},
	{NoLostAck, keepWitness, unwitnessed},
	{NoDuplicate, keepWitness, unwitnessed},
	{NoUnansweredExecution, keepWitness, unwitnessed},
}

// unwitnessed reports whether there were writes, and nobody can tell what became
// of them.
func unwitnessed(o *observation) bool {
	return len(o.Requests) > 0 && !o.harmless() && o.unknown != ""
}

// untested names the rules that the policy requires, and that would mean something
// for what was done, of a subject that passes without having been put to the test
// by them; and what it takes. Those that take the same come together.
func untested(s result.Subject, intact []*observation, policy Policy) (said []string) {
	if s.Verdict != result.Pass {
		return nil
	}
	var gifts []string
	rules := make(map[string][]string) // by gift
	for _, r := range remiss {
		missed := slices.ContainsFunc(s.Findings, func(f result.Finding) bool { return f.Rule == r.rule && f.Status == result.NotExercised })
		if !missed || policy.Levels[r.rule].Breach != Require || !slices.ContainsFunc(intact, r.means) {
			continue
		}
		if rules[r.give] == nil {
			gifts = append(gifts, r.give)
		}
		rules[r.give] = append(rules[r.give], r.rule)
	}
	for _, give := range gifts {
		said = append(said, fmt.Sprintf("%s (%s)", strings.Join(rules[give], ", "), give))
	}
	return said
}

// needed asks that the rules for whose sake a scenario is run have judged
// something. Where they have not, nobody has looked, and a pass would only say
// that nothing else was wrong.
func needed(needs []string, ruled []result.Finding, intact int) (findings []result.Finding) {
	if intact == 0 {
		return nil // integrity has said why
	}
	for _, rule := range Rules() {
		i := slices.IndexFunc(ruled, func(f result.Finding) bool { return f.Rule == rule.Name })
		if !slices.Contains(needs, rule.Name) || i >= 0 && earned(ruled[i]) {
			continue
		}
		detail := fmt.Sprintf("this scenario needs %s, which is off", rule.Name) // judged again under another policy
		if i >= 0 {
			detail = fmt.Sprintf("this scenario needs %s, and %s", rule.Name, ruled[i].Detail)
		}
		if rule.Needs != "" {
			detail += ". It takes " + rule.Needs
		}
		findings = append(findings, result.Finding{
			Rule: Sample, Status: result.Unjudged, Count: 0, Judged: 0,
			Expected: "something that " + rule.Name + " can judge", Detail: detail,
			Evidence: []result.Evidence{}, Reference: "every verdict is earned",
		})
	}
	return findings
}
