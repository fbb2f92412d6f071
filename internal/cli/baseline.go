package cli

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"lastcall/harness/diff"
	"lastcall/harness/result"
	"lastcall/reports"
)

// baseline are earlier results that a run is measured against: what failed then
// may fail now, but nothing may be worse.
type baseline struct{ suites []result.Suite }

// openBaseline reads the earlier results, before anything starts. A path is a report,
// or a directory, whose reports are all of its *.json files that call themselves one.
func openBaseline(paths []string, o *outputOptions) (*baseline, error) {
	var b baseline
	var files []string
	for _, path := range paths {
		found, err := baselineFiles(path)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	for i, file := range files {
		suite, err := readSuite(file)
		if err != nil {
			return nil, usagef("--baseline %w", err)
		}
		for j, known := range b.suites {
			if known.Seed == suite.Seed && known.Started.Equal(suite.Started) {
				return nil, usagef("--baseline: %s and %s are the same run, so its shutdowns would count twice: name one of them (in a directory, move one away)",
					files[j], files[i])
			}
		}
		b.suites = append(b.suites, suite)
	}
	if err := keepsInputs(o.reports, files...); err != nil {
		return nil, err
	}
	return &b, nil
}

// baselineFiles are the reports that a path stands for.
func baselineFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil // readSuite says what is wrong with it
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, usagef("--baseline %s: %w", path, plain(err))
	}
	var files []string
	for _, entry := range entries {
		file := filepath.Join(path, entry.Name())
		if filepath.Ext(file) == ".json" && regular(file) && !otherJSON(file) {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return nil, usagef("--baseline %s: the directory holds no report: name a directory with files written by --report json=FILE.json", path)
	}
	return files, nil
}

// regular reports whether a file is a regular one, or could be: reading it says what is
// wrong with a link that leads nowhere.
func regular(file string) bool {
	info, err := os.Stat(file)
	return err != nil || info.Mode().IsRegular()
}

// otherJSON reports whether a file is whole JSON that names another schema than a
// suite's, or none: it lies beside the reports. What cannot be read is no such file, and
// reading it says why.
func otherJSON(file string) bool {
	text, err := readBounded(file, maxSuite)
	if err != nil {
		return false
	}
	var head struct {
		Schema string `json:"schema"`
	}
	return json.Valid(text) && (json.Unmarshal(text, &head) != nil || head.Schema != result.Schema)
}

// conclude compares first, for the comparison decides: it is in every report
// but the JSON, and in the exit code. What was interrupted is compared with
// nothing.
func (b *baseline) conclude(ctx context.Context, out *output, latest result.Suite) error {
	if ctx.Err() != nil || latest.Status == result.SuiteInterrupted {
		return conclude(ctx, out, latest, true)
	}
	compared, err := diff.CompareWithAll(b.suites, latest)
	if err != nil {
		_ = conclude(ctx, out, latest, true) // what was measured is worth its reports; the error says more than their exit
		return err
	}
	out.formats = func(style reports.Style) []reports.Format { return reports.Against(style, compared) }
	out.summarizeAs(func(w io.Writer) error { return reports.MarkdownAgainst(w, latest, compared) })
	if err := afterWriting(ctx, out.write(latest)); err != nil {
		return err
	}
	if !out.prints("table", "markdown") { // else no output would say why it passes or fails
		style := reports.Style{Color: colored(out.noColor, out.stderr)}
		if err := style.Comparison(out.stderr, compared); err != nil {
			return err
		}
	}
	return diffExit(compared, true)
}
