package cli

import (
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"lastcall/harness/subject"
	"lastcall/targets"
)

// TestStrategiesKnowTheLag of the scenario, but for a lag in the environment: one
// that drains would else close too early for a policy of more than its own two
// seconds.
func TestStrategiesKnowTheLag(t *testing.T) {
	for _, c := range []struct {
		flags []string
		env   string
		want  []string
	}{
		{nil, "", nil},
		{[]string{"--policy", "k8s"}, "", []string{"LASTCALL_LAG=2s"}},
		{[]string{"--policy", "k8s", "--lag", "4s"}, "", []string{"LASTCALL_LAG=4s"}},
		{[]string{"--lag", "300ms"}, "", []string{"LASTCALL_LAG=300ms"}},
		{[]string{"--lag", "4s"}, "1s", nil},
	} {
		t.Setenv(targets.EnvLag, c.env)
		o, flags := newRunOptions(), pflag.NewFlagSet("compare", pflag.ContinueOnError)
		o.register(flags)
		if err := flags.Parse(c.flags); err != nil {
			t.Fatal(err)
		}
		plan, _, err := o.plan(flags, []string{"drain"})
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := plan.Subjects[0].(subject.Strategy); !ok || !slices.Equal(s.Env, c.want) {
			t.Errorf("%q with %q in the environment: %+v, want %q", c.flags, c.env, plan.Subjects[0], c.want)
		}
	}
}
