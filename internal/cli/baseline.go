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
type baseline struct {
	suite  result.Suite
	stdout io.Writer
	style  reports.Style
	shown  bool // the table is shown, and so is the comparison
}

// openBaseline reads the earlier result, before anything starts.
func openBaseline(path string, o *outputOptions, s streams) (*baseline, error) {
	suite, err := readSuite(path)
	if err != nil {
		return nil, usagef("--baseline %w", err)
	}
	if err := keepsInputs(o.reports, path); err != nil {
		return nil, err
	}
	b := &baseline{suite: suite, stdout: s.out, style: reports.Style{Color: colored(o.noColor, s.out)}}
	for _, r := range o.requests() {
		b.shown = b.shown || r.path == "" && r.format == "table"
	}
	return b, nil
}

// conclude writes the reports, which say what was found, and exits by what has
// become worse since.
func (b *baseline) conclude(ctx context.Context, out *output, latest result.Suite) error {
	concluded := conclude(ctx, out, latest, true)
	if ctx.Err() != nil || latest.Status == result.SuiteInterrupted {
		return concluded
	}
	if _, isVerdict := concluded.(*exitError); concluded != nil && !isVerdict { //nolint:errorlint // conclude returns it bare
		return concluded // the reports could not be written
	}
	compared, err := check.Compare(b.suite, latest)
	if err != nil {
		return err
	}
	if b.shown {
		if _, err := io.WriteString(b.stdout, "\nAgainst the baseline:\n\n"); err != nil {
			return err
		}
		if err := b.style.DiffTable(b.stdout, compared); err != nil {
			return err
		}
	}
	return diffExit(compared, true)
}
