package cli

import (
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/scenarios"
)

// TestPoliciesBoundTheirGrace: all but the default policy have the grace of a
// platform, which kills whoever outlives it; and the race at the close of the
// listener is excused where late-requests-answered is.
func TestPoliciesBoundTheirGrace(t *testing.T) {
	s, err := loadScenario(scenarios.Default)
	if err != nil {
		t.Fatal(err)
	}
	races := map[string]result.ProbeStatus{"strict": result.ProbeFail, "k8s": result.ProbeFail}
	for _, policy := range check.Policies() {
		plan, err := (&probeOptions{repeats: 1, parallel: 1}).basePlan(s, policy, chosen{})
		if err != nil {
			t.Fatal(err)
		}
		if plan.Bound == (policy.Name == "default") || plan.Severity(check.ExitsInGrace, false) != result.ProbeFail {
			t.Errorf("%s: bound %t", policy.Name, plan.Bound)
		}
		want, ok := races[policy.Name]
		if !ok {
			want = result.ProbeWarn
		}
		if got := plan.Severity(check.LateRequestsAnswered, true); got != want {
			t.Errorf("%s: a lost race comes to %s, want %s", policy.Name, got, want)
		}
	}
}
