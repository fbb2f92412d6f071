package scenario_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/scenario"
)

func TestEveryGraceThatMayBeHasATimeoutThatMayBe(t *testing.T) {
	s := scenario.Default()
	s.Disruption.Grace.Duration = scenario.MaxDuration
	s = scenario.Complete(s)
	if err := scenario.Validate(s); err != nil || s.Load.Timeout.Duration != scenario.MaxDuration {
		t.Errorf("timeout %s: %v", s.Load.Timeout, err)
	}
}

// TestInvalidSaysWhereToPoint asks for what a file's reader needs besides the
// field: the name in a mapping, or the other fields of a mistake.
func TestInvalidSaysWhereToPoint(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*scenario.Scenario)
		want  scenario.Invalid
	}{
		{
			"a name in the environment", func(s *scenario.Scenario) { s.Subject.Env = map[string]string{"A": "", "B=C": ""} },
			scenario.Invalid{Field: "subject.env", Key: "B=C"},
		},
		{
			"a value in the environment", func(s *scenario.Scenario) { s.Subject.Env = map[string]string{"A": "\x00"} },
			scenario.Invalid{Field: "subject.env", Key: "A"},
		},
		{
			"a word of a command", func(s *scenario.Scenario) { s.Subject.Command = []string{"a", "b", "\x00"} },
			scenario.Invalid{Field: "subject.command[2]"},
		},
		{
			"a program", func(s *scenario.Scenario) { s.Disruption.While = []string{" "} },
			scenario.Invalid{Field: "disruption.while[0]"},
		},
		{
			"a header", func(s *scenario.Scenario) {
				s.Load.Requests = []scenario.Target{{URL: "/"}, {URL: "/", Header: map[string]string{"A": "b", "Upgrade": "c"}}}
			},
			scenario.Invalid{Field: "load.requests[1].header", Key: "Upgrade"},
		},
		{
			"a header in two spellings", func(s *scenario.Scenario) {
				s.Load.Requests = []scenario.Target{{URL: "/", Header: map[string]string{"X-Id": "1", "x-id": "2", "a": "3"}}}
			},
			scenario.Invalid{Field: "load.requests[0].header", Key: "x-id"},
		},
		{
			"too many open requests", func(s *scenario.Scenario) { s.Load.MaxOpen = 1 },
			scenario.Invalid{Field: "load.rate", Of: []string{"load.rate", "subject.delay", "load.max-open"}},
		},
		{
			"a timeout below the delay", func(s *scenario.Scenario) { s.Load.Timeout = scenario.Millis(1) },
			scenario.Invalid{Field: "load.timeout", Of: []string{"load.timeout", "subject.delay", "disruption.grace"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scenario.Complete(scenario.Default())
			c.spoil(&s)
			got, ok := errors.AsType[*scenario.Invalid](scenario.Validate(s))
			if !ok {
				t.Fatal("it is accepted")
			}
			if got.Problem == "" {
				t.Error("no problem is named")
			}
			got.Problem = ""
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Errorf("mistake (-want +got):\n%s", diff)
			}
		})
	}
}
