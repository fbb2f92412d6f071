package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lastcall/harness/check"
	"lastcall/reports"
	"lastcall/scenarios"
	"lastcall/targets"
)

const selftestLong = `Prove that lastcall still detects the known bugs.

Each faulty strategy has a bug that real servers had. Each is put through the
scenario that shows its bug, and must fail by the expected rule, and by no other.
Each right strategy is put through the same scenarios, and must pass. There are two
controls: no strategy may pass kill, and only drain may pass behind-a-balancer.

If one shutdown did not show enough, or too few requests were at risk, or this
machine was too busy, it is tried again with as many shutdowns as the scenario has,
at most twice. A right strategy that fails is not tried again.

With names, only these strategies are tested.

selftest exits with 0 if all is as expected, with 1 if a bug was missed or a right
strategy failed, and with 3 if something could not be judged.`

func newSelftest(s streams) *cobra.Command {
	o := newRunOptions()
	cmd := &cobra.Command{
		Use:   "selftest [STRATEGY...]",
		Short: "Prove that every faulty strategy fails and every right strategy passes",
		Long:  selftestLong,
		Example: `  lastcall selftest
  lastcall selftest naive close --seed 7
  lastcall selftest --report markdown=track-record.md`,
		ValidArgsFunction: completeStrategies,
		RunE:              func(cmd *cobra.Command, args []string) error { return selftest(cmd.Context(), s, o, args) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Uint64Var(&o.seed, "seed", o.seed, "`number` that decides at which instant each server is stopped")
	f.StringVar(&o.record, "record", "", "write the history of each shutdown into this new `directory`")
	names := reports.MatrixNames()
	f.Var(reportsValue{&o.output.reports, names}, "report", strings.Join(names, ", ")+": to standard output or =PATH; may be repeated")
	f.BoolVar(&o.output.quiet, "quiet", false, "no progress; a table only with --report table")
	registerNoColor(f, &o.output.noColor)
	return cmd
}

func selftest(ctx context.Context, s streams, o *runOptions, names []string) error {
	strategies, err := strategiesOf(names)
	if err != nil {
		return err
	}
	return survey{
		strategies: strategies, scenarios: columns(), seed: o.seed, shutdowns: 1,
		takes: tracked, strict: true, record: o.record, quiet: o.output.quiet, err: s.err,
	}.conclude(ctx, s, &o.output, reports.TrackFormats, check.AsExpected)
}

// showing returns the scenarios that show a bug.
func showing() []string {
	return slices.DeleteFunc(columns(), func(name string) bool {
		return !slices.ContainsFunc(targets.All(), func(s targets.Strategy) bool { return s.Shows == name })
	})
}

// columns returns the catalogue's scenarios, the ordinary one first.
func columns() []string {
	names := slices.DeleteFunc(scenarios.Names(), func(name string) bool { return name == scenarios.Default })
	return append([]string{scenarios.Default}, names...)
}

// controls are scenarios that show no bug of a faulty strategy's, and the right
// strategies that are put through them: one that nobody passes, and one in which only
// those pass that drain.
var controls = map[string][]string{
	"kill":              {"signal-notify"},
	"behind-a-balancer": {"signal-notify", "drain"},
}

// tracked reports whether a strategy's track record has a scenario: of one that
// carries a bug it is the one that shows it, of a right one each of these, and the
// controls.
func tracked(s targets.Strategy, scenario string) bool {
	if s.Faulty {
		return s.Shows == scenario
	}
	return slices.Contains(showing(), scenario) || slices.Contains(controls[scenario], s.Name)
}
