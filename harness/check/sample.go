package check

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// sample asks that enough was at risk for a pass to mean something.
func sample(scenario history.Scenario, s result.Subject, policy Policy) []result.Finding {
	if s.ShutdownsIntact == 0 {
		return nil // integrity has said why
	}
	finding := result.Finding{
		Rule: "sample", Status: result.Unjudged, Count: s.AtRisk, Judged: s.ShutdownsIntact,
		Expected: fmt.Sprintf("requests in flight at the signal, and at least %d at risk over all shutdowns", policy.MinAtRisk),
		Evidence: []result.Evidence{}, Reference: "every verdict is earned",
	}
	switch {
	case !slices.ContainsFunc(s.Findings, earned):
		finding.Detail = fmt.Sprintf("no rule of the policy %q judged anything", policy.Name)
	case s.InFlight.Total == 0:
		finding.Detail = "no request was in flight at the signal, so nothing was put to the test: " + enough(scenario, s, policy)
	case s.AtRisk < policy.MinAtRisk:
		finding.Detail = fmt.Sprintf("only %s at risk, %d are needed: %s",
			count(s.AtRisk, "request")+" "+was(s.AtRisk), policy.MinAtRisk, enough(scenario, s, policy))
	default:
		return nil
	}
	return []result.Finding{finding}
}

// enough says what would put enough at risk. By Little's law rate times delay
// requests are in flight at any time.
func enough(scenario history.Scenario, s result.Subject, policy Policy) string {
	each := math.Ceil(float64(policy.MinAtRisk)/float64(s.ShutdownsIntact)) * 1.5 // some will be elsewhere
	var advice []string
	if rate := scenario.Load.Rate; rate > 0 {
		delay := roundUp(time.Duration(each / float64(rate) * float64(time.Second)))
		if delay > scenario.Subject.Delay.Duration {
			advice = append(advice, fmt.Sprintf("let the handler take %s (--delay)", delay))
		}
	}
	if rate := math.Ceil(each / scenario.Subject.Delay.Seconds()); rate <= history.MaxRate && rate > float64(scenario.Load.Rate) {
		advice = append(advice, fmt.Sprintf("send %.0f requests a second (--rate)", rate))
	}
	if s.AtRisk > 0 {
		shutdowns := int(math.Ceil(float64(policy.MinAtRisk) * 1.5 * float64(s.ShutdownsIntact) / float64(s.AtRisk)))
		advice = append(advice, fmt.Sprintf("try %d times (--shutdowns)", shutdowns))
	}
	if len(advice) == 0 {
		return "repeat it (--shutdowns): the signal met an empty server"
	}
	return strings.Join(advice, ", or ")
}

// roundUp rounds to milliseconds, or to tenths of a second where it is long.
func roundUp(d time.Duration) time.Duration {
	unit := time.Millisecond
	if d > time.Second {
		unit = 100 * time.Millisecond
	}
	return (d + unit - 1).Truncate(unit)
}

// earned reports whether a rule judged anything: a policy without rules must not
// pass.
func earned(f result.Finding) bool {
	switch f.Status {
	case result.Satisfied, result.Warned, result.Violated:
		return true
	case result.Unjudged, result.NotExercised:
	}
	return false
}
