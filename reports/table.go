package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

const width = 100 // columns, at most

// Table writes the comparison as a table of at most 100 columns, the outcomes
// of all requests in one line, and for every subject that did not pass, or only
// with warnings, what happened in plain sentences.
func (style Style) Table(w io.Writer, s result.Suite) error {
	out := new(strings.Builder)
	body := style.loaded
	if probesOnly(s) {
		body = style.probed
	}
	if err := body(out, s); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	for _, warning := range s.Warnings {
		fmt.Fprintf(out, "\n%s\n", wrap("warning: "+clean(warning), "  "))
	}
	fmt.Fprintf(out, "\n%s\n", wrap(clean(conditions(s)), "  "))
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// loaded writes what load came to: the comparison, all requests, and what happened.
func (style Style) loaded(w io.Writer, s result.Suite) error {
	if err := style.comparison(w, s); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", wrap(outcomes(s), "  "))
	for _, line := range untested(s) {
		fmt.Fprintln(w, wrap(line, "  "))
	}
	for _, subject := range s.Subjects {
		style.story(w, subject)
	}
	for _, subject := range s.Subjects {
		if len(subject.Probes) > 0 {
			fmt.Fprintln(w)
		}
		if err := style.probes(w, subject); err != nil {
			return err
		}
	}
	return nil
}

// probed writes what probes came to.
func (style Style) probed(w io.Writer, s result.Suite) error {
	if style.Matrix {
		style.matrix(w, s)
		return nil
	}
	for i, subject := range s.Subjects {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := style.probes(w, subject); err != nil {
			return err
		}
	}
	return nil
}

// grid lays out cells below each other, with a line under the header.
func grid(header []string, align []tw.Align, rows [][]string) (string, error) {
	return gridSpaced(header, align, rows, tw.Padding{}) // the table's own
}

// gridSpaced is grid with so much room around each cell.
func gridSpaced(header []string, align []tw.Align, rows [][]string, around tw.Padding) (string, error) {
	var text strings.Builder
	table := tablewriter.NewTable(&text,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Settings: tw.Settings{
				Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off},
				Lines:      tw.Lines{ShowHeaderLine: tw.On},
			},
		})),
		tablewriter.WithConfig(tablewriter.Config{
			Header: tw.CellConfig{
				Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
				Alignment:  tw.CellAlignment{PerColumn: align},
				Padding:    tw.CellPadding{Global: around},
			},
			Row: tw.CellConfig{
				Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone},
				Alignment:  tw.CellAlignment{PerColumn: align},
				Padding:    tw.CellPadding{Global: around},
			},
		}),
	)
	table.Header(header)
	if err := table.Bulk(rows); err != nil {
		return "", err
	}
	if err := table.Render(); err != nil {
		return "", err
	}
	var trimmed strings.Builder
	for line := range strings.Lines(text.String()) { // the last column is padded too
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return trimmed.String(), nil
}

// noun is what a row is about: ways to stop are compared, servers are tested.
func noun(s result.Suite) string {
	if slices.ContainsFunc(s.Subjects, func(s result.Subject) bool { return s.Kind != scenario.KindStrategy }) {
		return "server"
	}
	return "strategy"
}

// The colours of a terminal.
const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

// paint colours a word, where colours are wanted.
func (style Style) paint(color, word string) string {
	if !style.Color {
		return word
	}
	return color + word + plain
}

// verdict is a word before it is a colour.
func (style Style) verdict(v result.Verdict) string {
	word := strings.ToUpper(v.String())
	switch v {
	case result.Pass:
		return style.paint(green, word)
	case result.Fail:
		return style.paint(red, word)
	case result.Inconclusive:
	}
	return style.paint(yellow, word)
}

// exit says how the process ended and how long after the signal, the median of
// all shutdowns. One that should have stayed up, and did, is still up; where nobody
// listens any more, whoever it was is gone.
func exit(s result.Subject, most int) string {
	var how []string
	for _, e := range s.Exits {
		switch {
		case e.Killed:
			how = append(how, "killed")
		case e.Signal != "":
			how = append(how, clean(e.Signal))
		default:
			how = append(how, fmt.Sprintf("%d", e.Code))
		}
	}
	switch {
	case len(how) > 0:
	case slices.ContainsFunc(s.Details, func(d result.Detail) bool { return d.Operation != nil && d.Left.Looked && !d.Left.PortTaken }):
		return "gone"
	case operated(s):
		return "still up"
	default:
		return "not seen"
	}
	took := ", " + seconds(s.ExitSeconds.Median)
	return shorten(strings.Join(how, "/"), most-columns(took)) + took
}

// outcomes counts every request once.
func outcomes(s result.Suite) string {
	if s.Scenario.Disruption.Unloaded() {
		return "No load was sent: only the exit of each process is judged."
	}
	var c history.Counts
	for _, subject := range s.Subjects {
		c = c.Plus(subject.Requests)
	}
	return fmt.Sprintf("%s requests: %s completed, %s rejected, %s failed, %s refused, %s dropped, %s unsent.",
		number(c.Total), number(c.Completed), number(c.Rejected), number(c.Failed),
		number(c.Refused), number(c.Dropped), number(c.Unsent))
}

// withWarning is added to the verdict of who passed, though not without a word.
const withWarning = ", with a warning"

func besides(s result.Subject) bool { return s.Verdict == result.Pass && len(s.Story) > 0 }

func (style Style) story(w io.Writer, s result.Subject) {
	if len(s.Story) == 0 {
		return
	}
	label := style.verdict(s.Verdict)
	if besides(s) {
		label += withWarning
	}
	fmt.Fprintf(w, "\n%s: %s\n", shorten(clean(s.Name), width-40), label)
	for _, sentence := range s.Story {
		fmt.Fprintln(w, wrap(clean(sentence), "  "))
	}
	if s.Verdict == result.Fail {
		timeline(w, s)
	}
	if s.Verdict != result.Pass {
		lastWords(w, s)
	}
}
