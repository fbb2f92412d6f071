package cli

import (
	"strings"
	"testing"

	"lastcall/harness/scenario"
)

// TestWhatOnlyTheGateKnowsIsCheckedInTheFile asks that policies, rules and
// reports are refused where they stand in the file.
func TestWhatOnlyTheGateKnowsIsCheckedInTheFile(t *testing.T) {
	for _, c := range []struct{ name, text, at, what string }{
		{"unknown policy, near another", "name: x\npolicy: strct\n", "2:9", `policy "strct" is unknown: did you mean strict?`},
		{"unknown policy", "policy: zz\n", "1:9", `policy "zz" is unknown: use one of default, strict, k8s, docker, systemd`},
		{"unknown rule", "overrides:\n  rules:\n    exit-statu: off\n", "3:5", `overrides.rules has the unknown rule "exit-statu": did you mean exit-status?`},
		{"unknown rule that is needed", "needs: [no-failed, no-lost-akc]\n", "1:20", `needs[1] is the unknown rule "no-lost-akc": did you mean no-lost-ack?`},
		{
			"a rule is needed and off", "needs: [no-failed]\noverrides: {rules: {no-failed: off}}\n", "1:9",
			`needs[0] is no-failed, a rule that is off under the policy "default": turn it on`,
		},
		{"a rule is needed that the policy leaves out", "needs:\n- serves-through-lag\n", "2:3", `needs[0] is serves-through-lag, a rule that is off under the policy "default"`},
		{
			"a rule is needed that is about a signal", "needs: [exit-status]\ndisruption: {while: [a]}\n", "1:9",
			"needs[0] is exit-status, which has nothing to judge here: it is about a signal, and a command is run instead of one",
		},
		{"a rule is needed that is about a command", "needs: [stays-up]\n", "1:9", "needs[0] is stays-up, which has nothing to judge here: it is about a command"},
		{"unknown severity", "overrides:\n  rules:\n    exit-status: never\n", "3:18", `is "never", must be off, warn or fail`},
		{"a truth for a severity", "overrides: {rules: {no-failed: false}}\n", "1:32", `is "false", must be off, warn or fail`},
		{"exit code that cannot be", "overrides:\n  exit-codes:\n    - 0\n    - 256\n", "4:7", "overrides.exit-codes[1] is 256, must be from 0 to 255"},
		{"negative exit code", "overrides: {exit-codes: [-1]}\n", "1:26", "overrides.exit-codes[0] is -1, must be from 0 to 255"},
		{"negative sample", "overrides: {min-at-risk: -5}\n", "1:26", "overrides.min-at-risk is -5, must be at least 1"},
		{"all may be lost", "overrides: {max-loss: 100%}\n", "1:23", "overrides.max-loss is 100%, must be at least 0% and less than 100%"},
		{"unknown format", "reports:\n  - table\n  - jsn=x\n", "3:5", `reports[1] is "jsn=x": unknown format "jsn": did you mean json?`},
		{"format without its path", "reports: [json=]\n", "1:11", `reports[0] is "json=": the path after "=" is empty`},
		{"two reports in one place", "reports: [json=a, table=./a]\n", "1:10", "reports cannot all be written: json and table would both go to the file ./a"},
		{"delay above the timeout of the policy", "subject: {delay: 20s}\nload: {rate: 1}\npolicy: docker\n", "1:18", "load.timeout is 15s, must be more than the delay of 20s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := write(t, "gate.yaml", c.text)
			_, err := loadScenario(file)
			if err == nil {
				t.Fatal("it is accepted")
			}
			first, _, _ := strings.Cut(err.Error(), "\n")
			if !strings.HasPrefix(first, file+":"+c.at+": ") || !strings.Contains(first, c.what) {
				t.Errorf("said %q, want %s:%s: and %q", first, file, c.at, c.what)
			}
		})
	}
}

func TestTheGateLeavesToThePolicyWhatItDecides(t *testing.T) {
	s, err := loadScenario(write(t, "gate.yaml", "subject: {delay: 20s}\nload: {rate: 1}\npolicy: systemd\nreports: [table, junit=report.xml]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Disruption.Grace != (scenario.Duration{}) || s.Load.Timeout != (scenario.Duration{}) || s.Disruption.Target != "" {
		t.Errorf("%+v, timeout %s: --policy could not decide any more", s.Disruption, s.Load.Timeout)
	}
}
