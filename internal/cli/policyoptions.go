package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"lastcall/harness/check"
	"lastcall/harness/scenario"
)

// policyOptions are the flags of every command that judges. What is given
// overrides the scenario's.
type policyOptions struct {
	name      string
	minAtRisk int
	maxLoss   scenario.Share
	exitCodes []int
	rules     []string // NAME=SEVERITY
}

func (o *policyOptions) register(f *pflag.FlagSet) {
	o.registerRules(f)
	f.Var(shareValue{&o.maxLoss}, "max-loss", "allow this `share` of requests to be late and dropped, with 95% confidence (1% takes 299 shutdowns without a loss)")
	f.Var(numberValue{&o.minAtRisk, "20"}, "min-at-risk", "how many requests must be at risk for a pass (default: the policy's)")
}

// registerRules registers what is asked of the server.
func (o *policyOptions) registerRules(f *pflag.FlagSet) {
	o.name = "default"
	f.StringVar(&o.name, "policy", o.name, "`name` of the policy: default, strict, k8s, docker or systemd")
	f.StringArrayVar(&o.rules, "rule", nil, "`name=severity` of a rule: fail, warn or off; may be repeated")
	f.IntSliceVar(&o.exitCodes, "exit-code", nil, "an exit `code` that is as good as 0; may be repeated")
}

// apply changes the scenario's policy and overrides by the flags given.
func (o *policyOptions) apply(s *scenario.Scenario, f *pflag.FlagSet) error {
	if f.Changed("policy") {
		s.Policy = o.name
	}
	if f.Changed("min-at-risk") {
		if o.minAtRisk < 1 {
			return usagef("--min-at-risk is %d, must be at least 1: a pass needs evidence", o.minAtRisk)
		}
		s.Overrides.MinAtRisk = o.minAtRisk
	}
	if f.Changed("max-loss") {
		if o.maxLoss == 0 {
			return usagef("--max-loss is 0%%, must be more: no number of shutdowns proves that none is ever lost (with --rule %s=fail each loss fails)", check.LateRequestsAnswered)
		}
		s.Overrides.MaxLoss = o.maxLoss
	}
	if f.Changed("exit-code") {
		s.Overrides.ExitCodes = o.exitCodes
	}
	if len(o.rules) == 0 {
		return nil
	}
	rules := maps.Clone(s.Overrides.Rules) // the scenario's own is not ours to change
	if rules == nil {
		rules = make(map[string]string)
	}
	for _, text := range o.rules {
		name, severity, ok := strings.Cut(text, "=")
		if known := check.RuleNames(); !slices.Contains(known, name) {
			return usagef("--rule %q: unknown rule %q: %s", text, name, hint(name, known))
		}
		if _, err := check.ParseSeverity(severity); !ok || err != nil {
			return usagef("--rule %q: must be as in %s=warn, with fail, warn or off", text, name)
		}
		rules[name] = severity
	}
	s.Overrides.Rules = rules
	return nil
}

// resolvePolicy returns the scenario's policy, and the scenario with what it
// leaves to the policy. The error is in terms of the flag where one was given.
func resolvePolicy(s scenario.Scenario, f *pflag.FlagSet) (check.Policy, scenario.Scenario, error) {
	if _, ok := check.PolicyByName(s.Policy); !ok {
		where := "--policy"
		if !f.Changed("policy") {
			where = "the scenario's policy"
		}
		return check.Policy{}, s, usagef("%s: unknown policy %q: %s", where, s.Policy, hint(s.Policy, check.PolicyNames()))
	}
	policy, s, err := check.Resolve(s)
	if err != nil {
		return policy, s, flagOf(err, f)
	}
	return policy, s, nil
}
