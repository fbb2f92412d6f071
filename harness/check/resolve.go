package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lastcall/harness/scenario"
)

// Resolve returns the scenario's policy with the scenario's overrides, and the
// scenario with what it left to the policy filled in. The error is a
// *scenario.Invalid.
func Resolve(s scenario.Scenario) (Policy, scenario.Scenario, error) {
	p, ok := PolicyByName(s.Policy)
	if !ok {
		return p, s, &scenario.Invalid{
			Field: "policy", Problem: fmt.Sprintf("%q is unknown, must be one of %s", s.Policy, strings.Join(PolicyNames(), ", ")),
		}
	}
	if err := p.override(s.Overrides); err != nil {
		return p, s, err
	}
	if err := p.judges(s); err != nil {
		return p, s, err
	}
	d := &s.Disruption
	if d.Grace.Duration == 0 {
		d.Grace.Duration = p.Grace
	}
	if d.Lag.Duration == 0 && len(d.While) == 0 && !d.Unloaded() {
		d.Lag.Duration = p.Lag
	}
	if d.Target == "" {
		d.Target = p.Target
	}
	return p, s, nil
}

// judges refuses a scenario that needs a rule by which nothing would be judged.
func (p *Policy) judges(s scenario.Scenario) error {
	for i, name := range s.Needs {
		problem := ""
		j := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Name == name })
		switch {
		case j < 0:
			problem = fmt.Sprintf("is the unknown rule %q, must be one of %s", name, strings.Join(RuleNames(), ", "))
		case !Rules()[j].applies(s.Disruption):
			problem = fmt.Sprintf("is %s, which has nothing to judge here: %s", name, Rules()[j].when)
		case !p.Uses(name):
			problem = fmt.Sprintf("is %s, a rule that is off under the policy %q: turn it on (--rule %s=fail, or overrides.rules), or leave it out here", name, p.Name, name)
		default:
			continue
		}
		return &scenario.Invalid{Field: fmt.Sprintf("needs[%d]", i), Problem: problem}
	}
	return nil
}

// override applies what a scenario changes of its policy.
func (p *Policy) override(o scenario.Overrides) error {
	invalid := func(field, problem string, args ...any) error {
		return &scenario.Invalid{Field: "overrides." + field, Problem: fmt.Sprintf(problem, args...)}
	}
	if o.MinAtRisk < 0 {
		return invalid("min-at-risk", "is %d, must be at least 1", o.MinAtRisk)
	}
	if o.MinAtRisk > 0 {
		p.MinAtRisk = o.MinAtRisk
	}
	if !(o.MaxLoss >= 0 && o.MaxLoss < 1) { // nor is it no number at all
		return invalid("max-loss", "is %s, must be at least 0%% and less than 100%%", o.MaxLoss)
	}
	p.MaxLoss = float64(o.MaxLoss)
	if p.MaxLoss > 0 { // the bound decides, and the rule only tells
		p.Levels[LateRequestsAnswered] = Level{Warn, Warn}
	}
	for _, code := range o.ExitCodes {
		if code < 0 || code > 255 {
			return invalid("exit-codes", "has %d, must be from 0 to 255", code)
		}
	}
	p.ExitCodes = append(p.ExitCodes, o.ExitCodes...)
	known := RuleNames()
	for _, rule := range slices.Sorted(maps.Keys(o.Rules)) {
		if !slices.Contains(known, rule) {
			return invalid("rules", "has the unknown rule %q, must be one of %s", rule, strings.Join(known, ", "))
		}
		severity, err := ParseSeverity(o.Rules[rule])
		if err != nil {
			return invalid("rules."+rule, "%s", err)
		}
		p.Levels[rule] = Level{severity, severity}
	}
	return nil
}
