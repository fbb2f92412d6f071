package cli

import (
	"bytes"
	"html"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/shlex"
	"github.com/spf13/pflag"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/reports"
	"lastcall/scenarios"
)

// TestToRepeatIt: the command that a report names makes the same plan, whatever flags the
// comparison had.
func TestToRepeatIt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	choices := map[string][]string{
		"rate": {"7", "900"}, "delay": {"0s", "20ms"}, "shutdowns": {"1", "12"}, "seed": {"5"}, "signal": {"INT", "SIGTERM,2s,SIGTERM"},
		"signal-target": {"group", "leader"}, "grace": {"3s", "1m"}, "lag": {"500ms"}, "timeout": {"20s"}, "connections": {"fresh"},
		"method": {"POST"}, "policy": {"k8s", "strict"}, "rule": {check.ExitStatus + "=off"}, "exit-code": {"143"},
		"max-loss": {"1%"}, "min-at-risk": {"3"},
	}
	compared := 0
	for _, name := range scenarios.Names() {
		for range 20 {
			args := []string{"--scenario", name}
			for flag, values := range choices {
				if random.IntN(3) == 0 {
					args = append(args, "--"+flag, values[random.IntN(len(values))])
				}
			}
			s, policy, seed, err := planned(args)
			if err != nil {
				continue // these do not go together
			}
			compared++
			again, samePolicy, sameSeed, err := planned(repeated(t, s, seed))
			if err != nil {
				t.Fatalf("%q is repeated by %q: %v", args, repeated(t, s, seed), err)
			}
			if diff := cmp.Diff(s, again); diff != "" || seed != sameSeed {
				t.Errorf("%q is repeated by %q:\n%s", args, repeated(t, s, seed), diff)
			}
			if diff := cmp.Diff(policy, samePolicy); diff != "" {
				t.Errorf("%q is judged again by another policy:\n%s", args, diff)
			}
		}
	}
	if compared < 100 {
		t.Errorf("only %d plans were compared", compared)
	}
}

// TestToRepeatProbes: so does the command that a report of probes names.
func TestToRepeatProbes(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"--signal", "INT", "--signal-target", "group", "--grace", "3s"},
		{"--signal", "SIGTERM,2s,SIGTERM", "--policy", "k8s", "--lag", "500ms"},
		{"--policy", "strict", "--rule", check.ExitStatus + "=off", "--rule", check.NoSurvivors + "=warn", "--exit-code", "143", "--exit-code", "7"},
	} {
		probed := func(args []string) (scenario.Scenario, check.Policy) {
			o, f := &probeOptions{runOptions: *newRunOptions(), repeats: 3, parallel: 4}, pflag.NewFlagSet("probe", pflag.ContinueOnError)
			o.register(f)
			if err := f.Parse(args); err != nil {
				t.Fatalf("%q: %v", args, err)
			}
			s, policy, err := o.scenarioOf(f, chosen{strategies: []string{"naive"}})
			if err != nil {
				t.Fatalf("%q: %v", args, err)
			}
			return s, policy
		}
		s, policy := probed(args)
		again := repeatedOf(t, "probe", result.Suite{Scenario: s, Subjects: []result.Subject{{
			Name: "naive", Kind: scenario.KindStrategy, Probes: []result.Probe{{Probe: "http1/in-handler", Repeats: 3}},
		}}})
		same, samePolicy := probed(again)
		if diff := cmp.Diff(s, same); diff != "" {
			t.Errorf("%q is repeated by %q:\n%s", args, again, diff)
		}
		if diff := cmp.Diff(policy, samePolicy); diff != "" {
			t.Errorf("%q is judged again by another policy:\n%s", args, diff)
		}
	}
}

// planned is what a comparison with these flags would do.
func planned(args []string) (scenario.Scenario, check.Policy, uint64, error) {
	o, f := newRunOptions(), pflag.NewFlagSet("compare", pflag.ContinueOnError)
	o.register(f)
	if err := f.Parse(args); err != nil {
		return scenario.Scenario{}, check.Policy{}, 0, err
	}
	s, policy, err := o.resolve(f)
	return s, policy, o.seed, err
}

// repeated returns the flags of the command that the Markdown report of a comparison names.
func repeated(t *testing.T, s scenario.Scenario, seed uint64) []string {
	t.Helper()
	return repeatedOf(t, "compare", result.Suite{Scenario: s, Seed: seed, Subjects: []result.Subject{{Name: "naive", Kind: scenario.KindStrategy}}})
}

// repeatedOf returns the flags of the command that the Markdown report of a suite names.
func repeatedOf(t *testing.T, verb string, suite result.Suite) []string {
	t.Helper()
	var text bytes.Buffer
	if err := reports.Markdown(&text, suite); err != nil {
		t.Fatal(err)
	}
	_, command, ok := strings.Cut(text.String(), "lastcall "+verb+" naive ")
	if !ok {
		t.Fatalf("the report names no command:\n%s", &text)
	}
	command, _, _ = strings.Cut(command, "\n")
	words, err := shlex.Split(html.UnescapeString(command))
	if err != nil {
		t.Fatal(err)
	}
	return words
}
