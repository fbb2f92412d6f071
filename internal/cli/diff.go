package cli

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lastcall/harness/diff"
	"lastcall/harness/result"
	"lastcall/reports"
)

const diffLong = `Compare two JSON reports: what became worse, what became better, and ~ where
chance may explain the difference.

Figures differ from run to run. They count as worse or better only if an
exact test says so at 5%, once with the requests as the trials and once with
the shutdowns. The requests of one shutdown share their fate, so two shutdowns on
each side are never enough. Rules are compared by the shutdowns that violated them:
a rule that breaks now and then does so in both reports.

A subject regressed if a required rule is violated in significantly more of its
shutdowns, or if significantly more requests or shutdowns were lost. A rule that
is violated about as often as before is not a regression. A rule that is violated now and was not
before, perhaps by chance, cannot be judged: with three shutdowns on each side it
must be violated in all of them. Choose the number of shutdowns before the run: if
you add shutdowns until a difference shows, you find one where there is none.

diff exits with 0 when every subject could be judged, and with 3 when one could
not: it is missing or new, or the new run was inconclusive. With --gate it exits
with 1 if one regressed.`

// diffOptions are the flags of diff.
type diffOptions struct{ output outputOptions }

func (o *diffOptions) register(f *pflag.FlagSet) {
	f.SortFlags = false
	names := reports.DiffNames()
	f.Var(reportsValue{&o.output.reports, names}, "report", strings.Join(names, ", ")+": to standard output or =PATH; may be repeated")
	f.BoolVar(&o.output.gate, "gate", false, "exit 1 if any subject regressed")
	f.BoolVar(&o.output.quiet, "quiet", false, "no table unless --report asks for it")
	registerNoColor(f, &o.output.noColor)
}

func newDiff(s streams) *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff OLD.json NEW.json",
		Short: "Compare two JSON reports: what became worse, what became better",
		Long:  diffLong,
		Example: `  lastcall compare --report json=old.json
  lastcall compare --report json=new.json
  lastcall diff old.json new.json
  lastcall diff old.json new.json --gate --report markdown=diff.md`,
		Args: twoReports,
		RunE: func(_ *cobra.Command, args []string) error { return diffReports(s, &o, args[0], args[1]) },
	}
	o.register(cmd.Flags())
	return cmd
}

func twoReports(cmd *cobra.Command, args []string) error {
	if len(args) != 2 {
		return usagef("diff needs two JSON reports, an old one and a new one, got %d: see %s --help", len(args), cmd.CommandPath())
	}
	return nil
}

func diffReports(s streams, o *diffOptions, oldPath, newPath string) error {
	old, err := readSuite(oldPath)
	if err != nil {
		return err
	}
	latest, err := readSuite(newPath)
	if err != nil {
		return err
	}
	compared, err := diff.Compare(old, latest)
	if err != nil {
		return &usageError{err}
	}
	if err := keepsInputs(o.output.reports, oldPath, newPath); err != nil {
		return err
	}
	out, err := openOutput(&o.output, s)
	if err != nil {
		return err
	}
	out.summarizeAs(func(w io.Writer) error { return reports.DiffMarkdown(w, compared) })
	if err := out.writeDiff(compared); err != nil {
		return err
	}
	return diffExit(compared, o.output.gate)
}

// keepsInputs refuses to write a comparison over a report: it could not be
// compared again.
func keepsInputs(asked []reportRequest, inputs ...string) error {
	for _, r := range asked {
		to, err := os.Stat(r.path)
		if r.path == "" || err != nil || !to.Mode().IsRegular() {
			continue
		}
		for _, input := range inputs {
			if from, err := os.Stat(input); err == nil && os.SameFile(from, to) {
				return usagef("--report %s=%s would replace a report of the comparison: name another file", r.format, r.path)
			}
		}
	}
	return nil
}

// writeDiff renders every report of a comparison.
func (out *output) writeDiff(d result.Diff) error {
	return out.writeAll(func(w io.Writer, name string, style reports.Style) error {
		for _, f := range reports.DiffFormats(style) {
			if f.Name == name {
				return f.Render(w, d)
			}
		}
		return nil
	})
}

// diffExit turns a comparison into an exit: what is worse comes before what
// cannot be told.
func diffExit(d result.Diff, gate bool) error {
	switch {
	case gate && d.Regressed():
		return &exitError{code: exitFail}
	case !d.Judged():
		return &exitError{code: exitInconclusive}
	}
	return nil
}
