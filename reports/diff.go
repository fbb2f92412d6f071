package reports

import (
	"fmt"
	"io"
	"slices"
	"time"

	"lastcall/harness/result"
)

// DiffRenderer writes one comparison of two reports.
type DiffRenderer = func(w io.Writer, d result.Diff) error

// DiffFormat is a named way to render a comparison.
type DiffFormat = FormatOf[result.Diff]

// DiffFormats returns every format of a comparison. The slice is fresh.
func DiffFormats(style Style) []DiffFormat {
	return sealed([]DiffFormat{
		{"table", "for people: what became worse, what became better, and what chance may explain", style.DiffTable, inertText},
		{"json", "for machines: " + result.DiffSchema, DiffJSON, inertJSON},
		{"markdown", "for CI: a job summary", DiffMarkdown, inertRefs},
	})
}

// DiffNames returns the names of all formats of a comparison.
func DiffNames() []string {
	return namesOf(DiffFormats(Style{}))
}

// DiffJSON writes the comparison as it is, indented, with a final newline.
func DiffJSON(w io.Writer, d result.Diff) error {
	return indented(w, "json diff", d)
}

// outcome says what a verdict on a change means.
func outcome(v result.Verdict) string {
	switch v {
	case result.Pass:
		return "NO REGRESSION"
	case result.Fail:
		return "REGRESSION"
	case result.Inconclusive:
	}
	return "CANNOT BE JUDGED"
}

// still says of a subject that did not regress that it fails all the same: what is no
// worse is not therefore good.
func still(s result.SubjectDiff) string {
	for _, c := range s.Changes {
		if c.Name == "verdict" && !c.Rule && c.New.Status == result.Fail.String() && s.Verdict == result.Pass {
			return ", and FAIL as before"
		}
	}
	return ""
}

// absent stands for what a report does not have.
const absent = "-"

// value is one side of a change in a cell, with its range where there is room.
func value(v result.Value, number func(int) string, ranges bool) string {
	switch {
	case v.Status != "":
		return shorten(clean(v.Status), len("not-exercised")) // the longest there is
	case v.Share != nil:
		return number(v.Share.Count) + " of " + number(v.Share.Of)
	case v.Seconds != nil && ranges:
		return span(*v.Seconds)
	case v.Seconds != nil:
		return seconds(v.Seconds.Median)
	}
	return absent
}

// span is a median and its range, in one unit: "138 ms (130-151)".
func span(s result.Spread) string {
	if s.Max < 0.9995 { // which is not yet 1.0 s
		return fmt.Sprintf("%.0f ms (%.0f-%.0f)", 1000*s.Median, 1000*s.Min, 1000*s.Max)
	}
	return fmt.Sprintf("%.1f s (%.1f-%.1f)", s.Median, s.Min, s.Max)
}

// chance is a probability in a cell, empty where nothing was tested.
func chance(p *float64) string {
	switch {
	case p == nil:
		return ""
	case *p < 0.0005:
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", *p)
}

// asBefore reports whether a rule came to the same as before, so that a table may
// leave it out. A figure is always shown: what is the same is worth knowing.
func asBefore(c result.Change) bool {
	if !c.Rule || c.Old.Status != c.New.Status {
		return false
	}
	return c.Direction == result.Same || c.Direction == result.CannotTell && c.Detail == ""
}

// origins say where the two sides come from.
func origins(d result.Diff) []string {
	var lines []string
	for _, side := range []struct {
		name string
		result.Origin
	}{{"Old", d.Old}, {"New", d.New}} {
		plural := "s"
		if side.Scenario.Shutdowns == 1 {
			plural = ""
		}
		name := side.name
		if side.Reports > 1 {
			name = fmt.Sprintf("%s: %d reports, the newest of which", name, side.Reports)
		}
		lines = append(lines, fmt.Sprintf("%s: %d shutdown%s each, policy %s, seed %d, made %s by lastcall %s.",
			name, side.Scenario.Shutdowns, plural, clean(side.Scenario.Policy), side.Seed,
			side.Started.UTC().Format(time.DateTime+" MST"), clean(side.Tool.Version)))
	}
	return lines
}

// legend says how a comparison is to be read.
const legend = "p is the probability that chance alone makes such a difference: once counted by requests, " +
	"once by shutdowns. If it is above 0.05 the change is ~: chance may explain it. " +
	"Rules with the same result are left out."

// explained are the changes that there is something to say about.
func explained(s result.SubjectDiff) []result.Change {
	return slices.DeleteFunc(slices.Clone(s.Changes), func(c result.Change) bool { return c.Detail == "" })
}
