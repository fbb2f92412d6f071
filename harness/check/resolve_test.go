package check

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lastcall/harness/scenario"
)

// TestResolveFillsIn: what a scenario leaves to its policy is the platform's, and
// what it says is its own.
func TestResolveFillsIn(t *testing.T) {
	own := scenario.Disruption{Signal: "SIGINT", Target: scenario.Owner, Grace: scenario.Seconds(7), Lag: scenario.Seconds(5)}
	reload := scenario.Disruption{Signal: "SIGTERM", While: []string{"nginx", "-s", "reload"}}
	tests := []struct {
		name   string
		policy string
		given  scenario.Disruption
		grace  time.Duration
		lag    time.Duration
		target string
	}{
		{"default", "default", scenario.Disruption{}, 10 * time.Second, 0, scenario.Leader},
		{"strict", "strict", scenario.Disruption{}, 10 * time.Second, 0, scenario.Leader},
		{"k8s", "k8s", scenario.Disruption{}, 30 * time.Second, 2 * time.Second, scenario.Leader},
		{"docker", "docker", scenario.Disruption{}, 10 * time.Second, 0, scenario.Leader},
		{"systemd", "systemd", scenario.Disruption{}, 90 * time.Second, 0, scenario.Group},
		{"default, and the scenario says it all", "default", own, 7 * time.Second, 5 * time.Second, scenario.Owner},
		{"k8s, and the scenario says it all", "k8s", own, 7 * time.Second, 5 * time.Second, scenario.Owner},
		{"systemd, and the scenario says it all", "systemd", own, 7 * time.Second, 5 * time.Second, scenario.Owner},
		{"k8s, and the scenario says the grace", "k8s", scenario.Disruption{Grace: scenario.Seconds(60)}, 60 * time.Second, 2 * time.Second, scenario.Leader},
		{"k8s, and the scenario says the lag", "k8s", scenario.Disruption{Lag: scenario.Millis(1)}, 30 * time.Second, time.Millisecond, scenario.Leader},
		// A balancer does not take a server out that stays up.
		{"k8s, and a command instead of a signal", "k8s", reload, 30 * time.Second, 0, scenario.Leader},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			given := scenario.Scenario{Name: "mine", Policy: tt.policy, Disruption: tt.given}
			p, s, err := Resolve(given)
			if err != nil || p.Name != tt.policy {
				t.Fatalf("policy %q, %v", p.Name, err)
			}
			want := given
			want.Disruption.Grace.Duration, want.Disruption.Lag.Duration, want.Disruption.Target = tt.grace, tt.lag, tt.target
			if diff := differs(want, s); diff != "" {
				t.Errorf("scenario (-want +got):\n%s", diff)
			}
			unchanged, _ := PolicyByName(tt.policy)
			if diff := differs(unchanged, p); diff != "" {
				t.Errorf("nothing overrides the policy, and it is changed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOverrides changes one thing of a policy at a time.
func TestOverrides(t *testing.T) {
	tests := []struct {
		name   string
		policy string
		given  scenario.Overrides
		want   func(*Policy) // what is changed
	}{
		{"min-at-risk", "default", scenario.Overrides{MinAtRisk: 1}, func(p *Policy) { p.MinAtRisk = 1 }},
		{"more than the policy's", "strict", scenario.Overrides{MinAtRisk: 500}, func(p *Policy) { p.MinAtRisk = 500 }},
		{
			// The bound decides then, and the rule only tells.
			"max-loss", "default",
			scenario.Overrides{MaxLoss: 0.001},
			func(p *Policy) {
				p.MaxLoss = 0.001
				p.Levels[LateRequestsAnswered] = Level{Warn, Warn}
			},
		},
		{
			"max-loss under strict", "strict",
			scenario.Overrides{MaxLoss: 0.5},
			func(p *Policy) {
				p.MaxLoss = 0.5
				p.Levels[LateRequestsAnswered] = Level{Warn, Warn}
			},
		},
		{
			"max-loss, and the rule is asked for all the same", "default",
			scenario.Overrides{MaxLoss: 0.001, Rules: map[string]string{LateRequestsAnswered: "fail"}},
			func(p *Policy) {
				p.MaxLoss = 0.001
				p.Levels[LateRequestsAnswered] = Level{Require, Require}
			},
		},
		{"exit codes", "default", scenario.Overrides{ExitCodes: []int{0, 3, 255}}, func(p *Policy) { p.ExitCodes = []int{0, 3, 255} }},
		{"exit codes beside the policy's", "k8s", scenario.Overrides{ExitCodes: []int{3}}, func(p *Policy) { p.ExitCodes = []int{143, 3} }},
		{"a rule off", "default", scenario.Overrides{Rules: map[string]string{NoSurvivors: "off"}}, func(p *Policy) { p.Levels[NoSurvivors] = Level{Off, Off} }},
		{"a rule warns", "k8s", scenario.Overrides{Rules: map[string]string{ServesThroughLag: "warn"}}, func(p *Policy) { p.Levels[ServesThroughLag] = Level{Warn, Warn} }},
		{
			"a rule fails, and what it excuses too", "default",
			scenario.Overrides{Rules: map[string]string{ExitStatus: "fail"}},
			func(p *Policy) { p.Levels[ExitStatus] = Level{Require, Require} },
		},
		{
			"a rule that the policy has turned off", "default",
			scenario.Overrides{Rules: map[string]string{ReadyFlipsFirst: "fail"}},
			func(p *Policy) { p.Levels[ReadyFlipsFirst] = Level{Require, Require} },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := policy(t, tt.policy)
			tt.want(&want)
			got, _, err := Resolve(scenario.Scenario{Policy: tt.policy, Overrides: tt.given})
			if err != nil {
				t.Fatal(err)
			}
			if diff := differs(want, got); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryRuleCanBeOverridden by name, with every severity.
func TestEveryRuleCanBeOverridden(t *testing.T) {
	for _, rule := range RuleNames() {
		for name, severity := range map[string]Severity{"off": Off, "warn": Warn, "fail": Require} {
			p, _, err := Resolve(scenario.Scenario{Policy: "default", Overrides: scenario.Overrides{Rules: map[string]string{rule: name}}})
			if err != nil || p.Levels[rule] != (Level{severity, severity}) {
				t.Errorf("%s %s: %v, %v", rule, name, p.Levels[rule], err)
			}
			if severity.String() != name {
				t.Errorf("severity %s is written as %s", name, severity)
			}
		}
	}
	if got := Severity(3).String(); got != "severity(3)" {
		t.Errorf("a severity outside the set is called %q", got)
	}
}

// TestOverrideMistakes: each says in which field it is, and what would be right.
func TestOverrideMistakes(t *testing.T) {
	rules := func(rule, severity string) scenario.Overrides {
		return scenario.Overrides{Rules: map[string]string{rule: severity}}
	}
	tests := []struct {
		name  string
		given scenario.Overrides
		want  scenario.Invalid
	}{
		{"min-at-risk below zero", scenario.Overrides{MinAtRisk: -1}, scenario.Invalid{Field: "overrides.min-at-risk", Problem: "is -1, must be at least 1"}},
		{"all may be lost", scenario.Overrides{MaxLoss: 1}, scenario.Invalid{Field: "overrides.max-loss", Problem: "is 100%, must be at least 0% and less than 100%"}},
		{"less than none may be lost", scenario.Overrides{MaxLoss: -0.1}, scenario.Invalid{Field: "overrides.max-loss", Problem: "is -10%, must be at least 0% and less than 100%"}},
		{"a share that is no number", scenario.Overrides{MaxLoss: scenario.Share(math.NaN())}, scenario.Invalid{Field: "overrides.max-loss", Problem: "is NaN%, must be at least 0% and less than 100%"}},
		{"an exit code below zero", scenario.Overrides{ExitCodes: []int{3, -1}}, scenario.Invalid{Field: "overrides.exit-codes", Problem: "has -1, must be from 0 to 255"}},
		{"an exit code that does not exist", scenario.Overrides{ExitCodes: []int{256}}, scenario.Invalid{Field: "overrides.exit-codes", Problem: "has 256, must be from 0 to 255"}},
		{"a severity that does not exist", rules(ExitStatus, "maybe"), scenario.Invalid{Field: "overrides.rules.exit-status", Problem: `is "maybe", must be off, warn or fail`}},
		{"a severity in capitals", rules(ExitStatus, "FAIL"), scenario.Invalid{Field: "overrides.rules.exit-status", Problem: `is "FAIL", must be off, warn or fail`}},
		{"a severity that is missing", rules(ExitStatus, ""), scenario.Invalid{Field: "overrides.rules.exit-status", Problem: `is "", must be off, warn or fail`}},
		{
			"a rule that does not exist", rules("exit-code", "off"),
			scenario.Invalid{Field: "overrides.rules", Problem: `has the unknown rule "exit-code", must be one of signal-delivered, stays-up, in-flight-completes, exits-in-grace, ` +
				`serves-through-lag, late-requests-answered, no-failed, no-lost-ack, no-duplicate, no-unanswered-execution, closes-cleanly, announces-close, ready-flips-first, ` +
				`exit-status, no-survivors`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Resolve(scenario.Scenario{Policy: "default", Overrides: tt.given})
			invalid, ok := errors.AsType[*scenario.Invalid](err)
			if !ok || !reflect.DeepEqual(*invalid, tt.want) {
				t.Errorf("got %v, want %v", err, &tt.want)
			}
		})
	}
}

// TestTheFirstMistakeIsTheSame, whatever order a map has.
func TestTheFirstMistakeIsTheSame(t *testing.T) {
	for range 20 {
		_, _, err := Resolve(scenario.Scenario{Policy: "default", Overrides: scenario.Overrides{Rules: map[string]string{
			"a": "off", "b": "off", "c": "off", ExitStatus: "never",
		}}})
		if err == nil || !strings.HasPrefix(err.Error(), `overrides.rules has the unknown rule "a"`) {
			t.Fatalf("got %v, want the one about a", err)
		}
	}
}

func TestUnknownPolicy(t *testing.T) {
	for _, name := range []string{"", "lenient", "Default"} {
		_, _, err := Resolve(scenario.Scenario{Policy: name})
		invalid, ok := errors.AsType[*scenario.Invalid](err)
		want := scenario.Invalid{Field: "policy", Problem: `"` + name + `" is unknown, must be one of default, strict, k8s, docker, systemd`}
		if !ok || !reflect.DeepEqual(*invalid, want) {
			t.Errorf("got %v, want %v", err, &want)
		}
	}
}

// TestOverridesStayWithTheirScenario: nobody else's policy changes.
func TestOverridesStayWithTheirScenario(t *testing.T) {
	given := scenario.Scenario{Policy: "k8s", Overrides: scenario.Overrides{
		MinAtRisk: 1, MaxLoss: 0.5, ExitCodes: []int{9}, Rules: map[string]string{ExitStatus: "off"},
	}}
	before := policy(t, "k8s")
	if _, _, err := Resolve(given); err != nil {
		t.Fatal(err)
	}
	if diff := differs(before, policy(t, "k8s")); diff != "" {
		t.Errorf("the policy of others is changed:\n%s", diff)
	}
}

// TestPoliciesAreExplained: who has to live with one is told why.
func TestPoliciesAreExplained(t *testing.T) {
	for _, p := range Policies() {
		if len(p.Why) < 3 || p.Grace <= 0 || !slices.Contains([]string{scenario.Leader, scenario.Group, scenario.Owner}, p.Target) {
			t.Errorf("policy %s is not explained, or fills in nonsense: %q, grace %v, target %q", p.Name, p.Why, p.Grace, p.Target)
		}
		if p.Levels[InFlightCompletes] != (Level{Require, Require}) || p.Levels[SignalDelivered] != (Level{Require, Require}) {
			t.Errorf("policy %s does not require what lastcall is for: %v", p.Name, p.Levels)
		}
	}
}
