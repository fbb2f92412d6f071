package check

import (
	"maps"
	"strings"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// policed is one history seen by one rule under every policy. A policy that is
// not named has the rule turned off: it must say nothing of it.
type policed struct {
	name          string
	history       *builder
	want          map[string]result.Status // by policy
	verdicts      map[string]result.Verdict
	judged, count int
	detail        string
	evidence      func(*history.Request) bool // nil: of the shutdown, or none
}

// under returns the same for those policies, or for all if none is named.
func under[T any](what T, policies ...string) map[string]T {
	if len(policies) == 0 {
		policies = PolicyNames()
	}
	all := make(map[string]T)
	for _, p := range policies {
		all[p] = what
	}
	return all
}

// but returns the same, except under some policies.
func but[T any](most, some map[string]T) map[string]T {
	all := maps.Clone(most)
	maps.Copy(all, some)
	return all
}

// run judges the case's history by every policy there is.
func (tt policed) run(t *testing.T, rule string) {
	t.Run(tt.name, func(t *testing.T) {
		for _, policyName := range PolicyNames() {
			h := tt.history.done()
			s := judge(t, policyName, []*history.History{h})
			if want := tt.verdicts[policyName]; s.Verdict != want {
				t.Errorf("%s: verdict %v, want %v: %+v", policyName, s.Verdict, want, s.Findings)
			}
			status, on := tt.want[policyName]
			if !on {
				if found := findings(s, rule); len(found) > 0 {
					t.Errorf("%s does not ask for it, and says %+v", policyName, found)
				}
				continue
			}
			tt.check(t, policyName, finding(t, s, rule), status, h)
		}
	})
}

func (tt policed) check(t *testing.T, policyName string, f result.Finding, status result.Status, h *history.History) {
	t.Helper()
	count := tt.count
	if status == result.Satisfied {
		count = 0 // under a policy to which it is no breach
	}
	if f.Status != status || f.Judged != tt.judged || f.Count != count {
		t.Errorf("%s: %v, %d of %d, want %v, %d of %d", policyName, f.Status, f.Count, f.Judged, status, count, tt.judged)
	}
	if status != result.Satisfied && !strings.Contains(f.Detail, tt.detail) {
		t.Errorf("%s: detail %q does not say %q", policyName, f.Detail, tt.detail)
	}
	if r := ruleByName(t, f.Rule); f.Expected != r.Asks || f.Reference != r.Reference {
		t.Errorf("%s: expected %q by %q is not what the rule asks", policyName, f.Expected, f.Reference)
	}
	if count > 0 {
		wantEvidence(t, f, h, tt.evidence)
	}
}
