package truth

import (
	"strings"
	"testing"

	"lastcall/harness/result"
)

func TestFaults(t *testing.T) {
	wrongRow := Expect{Verdicts: []result.Verdict{result.Fail}, Rules: []string{inFlight, late}, Story: []string{"Empty", "blank"}, Never: []string{"killed"}}
	for _, c := range []struct {
		name string
		Expect
		busy bool
		got  Outcome
		want []string // fragments, one for each fault
	}{
		{"a pass that is deserved", pass, false, Outcome{Verdict: result.Pass}, nil},
		{"no report", pass, false, Outcome{Error: "it does not start"}, []string{"does not start"}},
		{"a right server fails", pass, false, Outcome{Verdict: result.Fail}, []string{"verdict fail, want pass"}},
		{"a right server fails beside burners", pass, true, Outcome{Verdict: result.Fail}, []string{"want inconclusive or pass"}},
		{"a right server is in doubt", pass, false, Outcome{}, []string{"verdict inconclusive"}},
		{"a right server is in doubt beside burners", pass, true, Outcome{}, nil},
		{
			"a row that is never in doubt",
			Expect{Verdicts: []result.Verdict{result.Fail}, Busy: []result.Verdict{result.Fail}, Rules: []string{late}},
			true,
			Outcome{},
			[]string{"verdict inconclusive, want fail"},
		},
		{"a wrong server passes beside burners", wrongRow, true, Outcome{Verdict: result.Pass}, []string{"verdict pass, want inconclusive or fail"}},
		{
			"all is said", wrongRow, false,
			Outcome{Verdict: result.Fail, Violated: []string{"exit-status", late}, Story: "An empty answer."},
			nil,
		},
		{
			"nothing is said", wrongRow, false,
			Outcome{Verdict: result.Fail, Violated: []string{"exit-status"}, Story: "It was killed."},
			[]string{"violated exit-status, want in-flight-completes or late-requests-answered", "does not say Empty or blank", "says killed"},
		},
		{"a pass explains nothing", Expect{Verdicts: pass.Verdicts, Story: []string{"why"}}, false, Outcome{Verdict: result.Pass}, nil},
		{"doubt beside burners explains nothing", wrongRow, true, Outcome{Story: "killed"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.faults(c.busy, c.got)
			if len(got) != len(c.want) {
				t.Fatalf("faults %q, want %q", got, c.want)
			}
			for i, fragment := range c.want {
				if !strings.Contains(got[i], fragment) {
					t.Errorf("fault %q does not say %q", got[i], fragment)
				}
			}
		})
	}
}
