package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/internal/samples"
	"lastcall/targets"
)

const compareLong = `Compare strategies: ways for a server to stop.

Each strategy is a real process that runs the same web service. It gets load,
is told to stop while requests are in flight, and every request is accounted for.
The strategies take turns, so that other work on the machine affects all of
them alike.

The verdicts are the result: compare exits with 0 when every strategy could be
judged, and with 3 when one could not. With --gate it exits with 1 if one fails.

With --all, each strategy is put through every scenario of the catalogue, once,
and more often where once shows too little. This takes about six minutes.`

func newCompare(s streams) *cobra.Command {
	o := newRunOptions()
	cmd := &cobra.Command{
		Use:   "compare [STRATEGY...]",
		Short: "Compare strategies: what each completes, and what it drops",
		Long:  compareLong,
		Example: `  lastcall compare
  lastcall compare naive signal-notify --rate 2000 --delay 5ms
  lastcall compare signal-notify --shutdowns 20 --connections reused --policy strict --gate
  lastcall compare --report json=result.json --record histories
  lastcall compare --all`,
		ValidArgsFunction: completeStrategies,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.all {
				return compareAll(cmd.Context(), s, o, cmd.Flags(), args)
			}
			if len(args) == 0 {
				args = targets.Default()
			}
			return compare(cmd.Context(), s, o, cmd.Flags(), args)
		},
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "all strategies, or those named, in every scenario: one symbol and one number each")
	o.register(cmd.Flags())
	// The flag exists: it was registered just above.
	_ = cmd.RegisterFlagCompletionFunc("scenario", completeScenarios)
	return cmd
}

// compare runs, judges and renders.
func compare(ctx context.Context, s streams, o *runOptions, flags *pflag.FlagSet, names []string) error {
	plan, policy, err := o.plan(flags, names)
	if err != nil {
		return err
	}
	e := experiment{
		plan: plan, policy: policy, output: &o.output, record: o.record,
		conclude: func(ctx context.Context, out *output, suite result.Suite) error {
			return conclude(ctx, out, suite, o.output.gate)
		},
	}
	return inFlags(e.run(ctx, s), flags)
}

// plan makes a plan of the flags, or says what is wrong with them.
func (o *runOptions) plan(flags *pflag.FlagSet, names []string) (run.Plan, check.Policy, error) {
	scenario, policy, err := o.resolve(flags)
	if err != nil {
		return run.Plan{}, policy, err
	}
	if len(scenario.Disruption.While) > 0 || len(scenario.Subject.Command) > 0 {
		return run.Plan{}, policy, usagef("--scenario %s is for your own server: run it with lastcall test -f %s", o.scenario, o.scenario)
	}
	if err := o.output.adopt(scenario.Reports); err != nil {
		return run.Plan{}, policy, err
	}
	plan, err := samples.Plan(scenario, policy, names, samples.Lag(samples.KnownLag(scenario)))
	if err != nil {
		return plan, policy, &usageError{err}
	}
	plan.Seed = o.seed
	return plan, policy, nil
}
