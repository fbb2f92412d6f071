package harness_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness"
	"lastcall/harness/history"
)

func TestEveryGraceThatMayBeHasATimeoutThatMayBe(t *testing.T) {
	s := harness.DefaultScenario()
	s.Disruption.Grace.Duration = harness.MaxDuration
	s = harness.Complete(s)
	if err := harness.Validate(s); err != nil || s.Load.Timeout.Duration != harness.MaxDuration {
		t.Errorf("timeout %s: %v", s.Load.Timeout, err)
	}
}

// TestInvalidSaysWhereToPoint asks for what a file's reader needs besides the
// field: the name in a mapping, or the other fields of a mistake.
func TestInvalidSaysWhereToPoint(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*harness.Scenario)
		want  harness.Invalid
	}{
		{
			"a name in the environment", func(s *harness.Scenario) { s.Subject.Env = map[string]string{"A": "", "B=C": ""} },
			harness.Invalid{Field: "subject.env", Key: "B=C"},
		},
		{
			"a value in the environment", func(s *harness.Scenario) { s.Subject.Env = map[string]string{"A": "\x00"} },
			harness.Invalid{Field: "subject.env", Key: "A"},
		},
		{
			"a word of a command", func(s *harness.Scenario) { s.Subject.Command = []string{"a", "b", "\x00"} },
			harness.Invalid{Field: "subject.command[2]"},
		},
		{
			"a program", func(s *harness.Scenario) { s.Disruption.While = []string{" "} },
			harness.Invalid{Field: "disruption.while[0]"},
		},
		{
			"a header", func(s *harness.Scenario) {
				s.Load.Requests = []history.Target{{URL: "/"}, {URL: "/", Header: map[string]string{"A": "b", "Upgrade": "c"}}}
			},
			harness.Invalid{Field: "load.requests[1].header", Key: "Upgrade"},
		},
		{
			"a header in two spellings", func(s *harness.Scenario) {
				s.Load.Requests = []history.Target{{URL: "/", Header: map[string]string{"X-Id": "1", "x-id": "2", "a": "3"}}}
			},
			harness.Invalid{Field: "load.requests[0].header", Key: "x-id"},
		},
		{
			"too many open requests", func(s *harness.Scenario) { s.Load.MaxOpen = 1 },
			harness.Invalid{Field: "load.rate", Of: []string{"load.rate", "subject.delay", "load.max-open"}},
		},
		{
			"a timeout below the delay", func(s *harness.Scenario) { s.Load.Timeout = history.Millis(1) },
			harness.Invalid{Field: "load.timeout", Of: []string{"load.timeout", "subject.delay", "disruption.grace"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := harness.Complete(harness.DefaultScenario())
			c.spoil(&s)
			got, ok := errors.AsType[*harness.Invalid](harness.Validate(s))
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
