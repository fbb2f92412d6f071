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
