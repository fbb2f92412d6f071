package cli

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/reports"
	"lastcall/targets"
)

// withAll are the flags that mean something with --all: what is done to whom, the
// scenarios say.
var withAll = []string{"all", "shutdowns", "seed", "record", "report", "quiet", "no-color", "gate"}

// compareAll puts strategies through every scenario of the catalogue.
func compareAll(ctx context.Context, s streams, o *runOptions, flags *pflag.FlagSet, names []string) error {
	sv := survey{scenarios: columns(), seed: o.seed, shutdowns: 1, record: o.record, quiet: o.output.quiet, err: s.err}
	if err := onlyWithAll(flags); err != nil {
		return err
	}
	if flags.Changed("shutdowns") {
		if o.shutdowns < 1 || o.shutdowns > scenario.MaxShutdowns {
			return usagef("--shutdowns is %d, must be from 1 to %d", o.shutdowns, scenario.MaxShutdowns)
		}
		sv.shutdowns = o.shutdowns
	}
	var err error
	if sv.strategies, err = strategiesOf(names); err != nil {
		return err
	}
	status := check.AllJudged
	if o.output.gate {
		status = check.AsExpected
	}
	return sv.conclude(ctx, s, &o.output, reports.MatrixFormats, status)
}

func onlyWithAll(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if err == nil && !slices.Contains(withAll, f.Name) {
			err = usagef("--%s does not go with --all, because each scenario has its own: leave one of them out", f.Name)
		}
	})
	return err
}

// strategiesOf returns the strategies of these names, or all.
func strategiesOf(names []string) ([]targets.Strategy, error) {
	if len(names) == 0 {
		return targets.All(), nil
	}
	var all []targets.Strategy
	for _, name := range names {
		strategy, err := findStrategy(name)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(s targets.Strategy) bool { return s.Name == name }) {
			return nil, usagef("strategy %q is named twice", name)
		}
		all = append(all, strategy)
	}
	return all, nil
}

// conclude runs the survey, writes its reports and turns its status into an exit.
func (s survey) conclude(ctx context.Context, st streams, o *outputOptions, formats func(reports.Style) []reports.MatrixFormat, status func(result.Matrix) result.Overall) error {
	if err := onlyFormats(o, formats(reports.Style{})); err != nil {
		return err
	}
	out, err := openOutput(o, st)
	if err != nil {
		return err
	}
	defer out.discard()
	ctx, stop := interruptible(ctx)
	defer stop()
	out.ctx = ctx
	m, failed := s.run(ctx)
	if len(m.Rows) == 0 {
		return failed // nothing was started
	}
	m.Status = status(m)
	if ctx.Err() != nil {
		m.Status = result.SuiteInterrupted
	}
	written := out.writeAll(func(w io.Writer, name string, style reports.Style) error {
		all := formats(style)
		return all[slices.IndexFunc(all, func(f reports.MatrixFormat) bool { return f.Name == name })].Render(w, m)
	})
	if err := afterWriting(ctx, written); err != nil {
		return err
	}
	if failed != nil {
		return failed // what was measured until then has been reported
	}
	return exitOfStatus(m.Status)
}

// onlyFormats refuses reports that there are not of a matrix.
func onlyFormats(o *outputOptions, formats []reports.MatrixFormat) error {
	var names []string
	for _, f := range formats {
		names = append(names, f.Name)
	}
	for _, r := range o.reports {
		if !slices.Contains(names, r.format) {
			return usagef("--report %s: a matrix has no such report, only %s", r.format, strings.Join(names, ", "))
		}
	}
	return nil
}
