package cli

import (
	"context"
	"io"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/reports"
)

// baseline is an earlier result that a run is measured against: what failed then
// may fail now, but nothing may be worse.
type baseline struct{ suite result.Suite }

// openBaseline reads the earlier result, before anything starts.
func openBaseline(path string, o *outputOptions) (*baseline, error) {
	suite, err := readSuite(path)
	if err != nil {
		return nil, usagef("--baseline %w", err)
	}
	if err := keepsInputs(o.reports, path); err != nil {
		return nil, err
	}
	return &baseline{suite}, nil
}

// conclude compares first, for the comparison decides: it is in every report
// but the JSON, and in the exit code. What was interrupted is compared with
// nothing.
func (b *baseline) conclude(ctx context.Context, out *output, latest result.Suite) error {
	if ctx.Err() != nil || latest.Status == result.SuiteInterrupted {
		return conclude(ctx, out, latest, true)
	}
	compared, err := check.Compare(b.suite, latest)
	if err != nil {
		_ = conclude(ctx, out, latest, true) // what was measured is worth its reports; the error says more than their exit
		return err
	}
	out.formats = func(style reports.Style) []reports.Format { return reports.Against(style, compared) }
	out.summarizeAs(func(w io.Writer) error { return reports.MarkdownAgainst(w, latest, compared) })
	if err := out.write(latest); err != nil {
		return err
	}
	if !out.prints("table", "markdown") { // nobody would see why it passes or fails
		style := reports.Style{Color: colored(out.noColor, out.stderr)}
		if err := style.Comparison(out.stderr, compared); err != nil {
			return err
		}
	}
	return diffExit(compared, true)
}
