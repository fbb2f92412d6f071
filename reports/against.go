package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"lastcall/harness/result"
)

// baselineRule is the finding that says what became of a subject since the
// baseline.
const baselineRule = "baseline"

// Against returns every format for a run that is gated by what it made of an
// earlier one. The table, the Markdown and the page show what was measured, and the
// comparison. JUnit and GitHub have no room for two answers: they show the one
// that the exit code gives (see against). JSON and the drawing are as measured; JSON
// is what the next comparison reads.
func Against(style Style, d result.Diff) []Format {
	formats := All(style)
	for i, f := range formats {
		switch f.Name {
		case "table":
			formats[i].Render = func(w io.Writer, s result.Suite) error {
				if err := style.Table(w, s); err != nil {
					return err
				}
				return style.Comparison(w, d)
			}
		case "markdown":
			formats[i].Render = func(w io.Writer, s result.Suite) error { return MarkdownAgainst(w, s, d) }
		case "html":
			formats[i].Render = func(w io.Writer, s result.Suite) error { return style.html(w, s, &d) }
		case "junit", "github":
			formats[i].Render = func(w io.Writer, s result.Suite) error { return f.Render(w, against(s, d)) }
		}
	}
	return sealed(formats) // those that were put in place of others are not yet
}

// Comparison writes the table of a comparison with a baseline under a headline of
// its own. It is inert, as a format is.
func (style Style) Comparison(w io.Writer, d result.Diff) error {
	var text strings.Builder
	text.WriteString("\nAgainst the baseline:\n\n")
	if err := style.DiffTable(&text, d); err != nil {
		return err
	}
	if _, err := io.WriteString(w, inertText(text.String())); err != nil {
		return fmt.Errorf("write diff table: %w", err)
	}
	return nil
}

// MarkdownAgainst writes a job summary of what was measured and of the
// comparison with a baseline, which decides.
func MarkdownAgainst(w io.Writer, s result.Suite, d result.Diff) error {
	if err := Markdown(w, s); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nAgainst the baseline: **%s**. The exit code says the same.\n\n", outcome(d.Verdict))
	if err != nil {
		return fmt.Errorf("write markdown report: %w", err)
	}
	return DiffMarkdown(w, d)
}

// against is the suite as the comparison judges it. What is violated now and was
// before is a warning; a regression is a violation of its own; and what cannot be
// told is not judged. A suite that was not green before may so become green, but
// none does that regressed or could not be judged.
func against(s result.Suite, d result.Diff) result.Suite {
	s.Subjects, s.Warnings = slices.Clone(s.Subjects), slices.Clone(s.Warnings)
	for _, sd := range d.Subjects {
		i := slices.IndexFunc(s.Subjects, func(one result.Subject) bool { return one.Name == sd.Name })
		if i < 0 { // it is gone
			s.Subjects = append(s.Subjects, result.Subject{Name: sd.Name, Kind: "command", Findings: []result.Finding{sinceThen(sd)}})
			continue
		}
		s.Subjects[i] = subjectAgainst(s.Subjects[i], sd)
	}
	for _, warning := range d.Warnings {
		s.Warnings = append(s.Warnings, "against the baseline: "+warning)
	}
	switch d.Verdict {
	case result.Pass:
		s.Status = result.SuitePass
	case result.Fail:
		s.Status = result.SuiteFail
	case result.Inconclusive:
		s.Status = result.SuiteInconclusive
	}
	return s
}

func subjectAgainst(s result.Subject, d result.SubjectDiff) result.Subject {
	findings := []result.Finding{sinceThen(d)}
	for _, f := range s.Findings {
		findings = append(findings, findingAgainst(f, d))
	}
	if d.Verdict == result.Pass && s.Verdict != result.Pass {
		s.Story = slices.Concat([]string{"No regression, and " + strings.ToUpper(s.Verdict.String()) + ": the findings here are known from the baseline."}, s.Story)
	}
	s.Verdict, s.Findings = d.Verdict, findings
	return s
}

// findingAgainst is a finding in the light of what it was before.
func findingAgainst(f result.Finding, d result.SubjectDiff) result.Finding {
	i := slices.IndexFunc(d.Changes, func(c result.Change) bool { return c.Rule && c.Name == f.Rule })
	known := i >= 0 && (d.Changes[i].Old.Status == result.Violated.String() || d.Changes[i].Direction == result.Same)
	switch {
	case f.Status == result.Unjudged && d.Verdict == result.Pass:
		f.Status, f.Detail = result.Warned, "could not be judged, which is not a regression: "+f.Detail
	case f.Status != result.Violated, i >= 0 && d.Changes[i].Regression:
	case known:
		f.Status, f.Detail = result.Warned, "known from the baseline: "+f.Detail
	default:
		f.Status, f.Detail = result.Unjudged, "violated, and the baseline does not say whether it was violated before: "+f.Detail
	}
	return f
}

// sinceThen is the comparison of one subject as a finding.
func sinceThen(d result.SubjectDiff) result.Finding {
	f := result.Finding{Rule: baselineRule, Expected: "nothing is worse than in the baseline", Reference: "lastcall diff --help"}
	switch d.Verdict {
	case result.Pass:
		f.Status, f.Detail = result.Satisfied, "no regression"+still(d)
	case result.Fail:
		f.Status, f.Detail = result.Violated, "regression: "+strings.Join(regressions(d), "; ")
	case result.Inconclusive:
		f.Detail = "the comparison cannot be judged: " + strings.Join(d.Reasons, " ")
	}
	return f
}

// regressions say what a gate fails on.
func regressions(d result.SubjectDiff) []string {
	var texts []string
	for _, c := range d.Changes {
		switch {
		case !c.Regression:
		case c.Detail != "":
			texts = append(texts, c.Name+": "+c.Detail)
		default:
			texts = append(texts, fmt.Sprintf("%s: %s, was %s", c.Name, value(c.New, number, true), value(c.Old, number, true)))
		}
	}
	return texts
}
