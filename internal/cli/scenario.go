package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lastcall/harness/check"
	"lastcall/harness/scenario"
	"lastcall/internal/samples"
	"lastcall/reports"
	"lastcall/scenarios"
)

// loadScenario reads a scenario by name or from a file, and sees to it that it
// can be judged and reported: the loader knows neither policies nor formats.
func loadScenario(nameOrFile string) (scenario.Scenario, error) {
	s, err := scenarios.Load(nameOrFile, scenarioChecks()...)
	if unknown, ok := errors.AsType[*scenarios.UnknownKey](err); ok && slices.Contains(check.RuleNames(), unknown.Key) {
		unknown.Elsewhere = []string{"overrides.rules." + unknown.Key} // the loader knows no rules
	}
	return s, err
}

func scenarioChecks() []scenarios.Check {
	return []scenarios.Check{knownNames, expectable, judgeable, reportable}
}

// expectable refuses expectations of what there is not.
func expectable(s scenario.Scenario) error {
	verdicts := append([]string{check.ExpectPass}, check.RuleNames()...)
	for _, verdict := range slices.Sorted(maps.Keys(s.Expect)) {
		if !slices.Contains(verdicts, verdict) {
			return &scenario.Invalid{
				Field: "expect", Key: verdict, Problem: fmt.Sprintf("has %q, which is neither %s nor a rule: %s", verdict, check.ExpectPass, hint(verdict, verdicts)),
			}
		}
		for i, name := range s.Expect[verdict] {
			if !slices.Contains(samples.Names(), name) {
				return &scenario.Invalid{
					Field: fmt.Sprintf("expect.%s[%d]", verdict, i), Problem: fmt.Sprintf("is the unknown strategy %q: %s", name, hint(name, samples.Names())),
				}
			}
			if verdict != check.ExpectPass && slices.Contains(s.Expect[check.ExpectPass], name) {
				return &scenario.Invalid{
					Field: fmt.Sprintf("expect.%s[%d]", verdict, i), Problem: fmt.Sprintf("is %q, which is expected to pass, too", name),
				}
			}
		}
	}
	return nil
}

// knownNames refuses a policy and rules that there are not, with the nearest
// that there is.
func knownNames(s scenario.Scenario) error {
	if _, ok := check.PolicyByName(s.Policy); !ok {
		return &scenario.Invalid{Field: "policy", Problem: fmt.Sprintf("%q is unknown: %s", s.Policy, hint(s.Policy, check.PolicyNames()))}
	}
	known := check.RuleNames()
	for _, rule := range slices.Sorted(maps.Keys(s.Overrides.Rules)) {
		if !slices.Contains(known, rule) {
			return &scenario.Invalid{
				Field: "overrides.rules", Key: rule, Problem: fmt.Sprintf("has the unknown rule %q: %s", rule, hint(rule, known)),
			}
		}
	}
	for i, rule := range s.Needs {
		if !slices.Contains(known, rule) {
			return &scenario.Invalid{
				Field: fmt.Sprintf("needs[%d]", i), Problem: fmt.Sprintf("is the unknown rule %q: %s", rule, hint(rule, known)),
			}
		}
	}
	return nil
}

// judgeable refuses what the policy cannot be changed to, and what is wrong only
// with what the policy decides.
func judgeable(s scenario.Scenario) error {
	for i, code := range s.Overrides.ExitCodes { // one by one, to know which
		one := scenario.Scenario{Policy: s.Policy, Overrides: scenario.Overrides{ExitCodes: []int{code}}}
		if _, _, err := check.Resolve(one); err != nil {
			return &scenario.Invalid{Field: fmt.Sprintf("overrides.exit-codes[%d]", i), Problem: fmt.Sprintf("is %d, must be from 0 to 255", code)}
		}
	}
	_, resolved, err := check.Resolve(s)
	if err != nil {
		return err
	}
	return scenario.Validate(scenario.Complete(resolved))
}

// reportable refuses reports of which there is no format, and two in one place.
func reportable(s scenario.Scenario) error {
	var o outputOptions
	for i, text := range s.Reports {
		if err := (reportsValue{&o.reports, reports.Names()}).Set(text); err != nil {
			return &scenario.Invalid{Field: fmt.Sprintf("reports[%d]", i), Problem: fmt.Sprintf("is %q: %s", text, err)}
		}
	}
	if err := o.Validate(); err != nil {
		return &scenario.Invalid{Field: "reports", Problem: "cannot all be written: " + strings.TrimPrefix(err.Error(), "--report: ")}
	}
	return nil
}
