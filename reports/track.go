package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter/tw"

	"lastcall/harness/result"
)

// TrackFormats returns every format of a track record: the matrix of a self-test,
// in which every strategy that carries a bug must be caught for it, and every other
// must pass. The slice is fresh.
func TrackFormats(style Style) []MatrixFormat {
	return sealed([]MatrixFormat{
		{"table", "for people: every bug, where it shows, and whether it was caught", style.TrackTable, inertText},
		{"json", "for machines: " + result.MatrixSchema, MatrixJSON, inertJSON},
		{"markdown", "for a page: every bug, where it shows, and by which rule", TrackMarkdown, inertRefs},
	})
}

var trackHeader = []string{"strategy", "bug", "scenario", "must fail by", "verdict", "shutdowns", "breaches"}

// TrackTable writes the track record: one line for each strategy that carries a bug,
// the matrix of the right ones, and a last line that says what it comes to.
func (style Style) TrackTable(w io.Writer, m result.Matrix) error {
	left, right := tw.AlignLeft, tw.AlignRight
	var rows [][]string
	for _, row := range m.Rows {
		for _, c := range caught(row) {
			rows = append(rows, []string{
				clean(row.Subject), orAbsent(row.Bug), clean(c.Scenario), strings.Join(c.Expected, ", "),
				style.tracked(c), fmt.Sprintf("%d of %d", c.Failed, c.Shutdowns), brief(c.Count),
			})
		}
	}
	out := new(strings.Builder)
	if len(rows) > 0 {
		text, err := grid(trackHeader, []tw.Align{left, left, left, left, left, right, right}, rows)
		if err != nil {
			return fmt.Errorf("write track record: %w", err)
		}
		fmt.Fprintf(out, "The faulty strategies. Each must fail by the rule in the table, and by no other:\n\n%s", text)
		fmt.Fprintf(out, "\n%s\n", wrap("Shutdowns: how many failed. Breaches: how often the first rule was broken, in requests, shutdowns or connections.", "  "))
		style.surprises(out, faultyOf(m))
	}
	if sound := soundOf(m); len(sound.Rows) > 0 {
		fmt.Fprint(out, "\nThe right strategies. Each must pass every scenario that shows a bug:\n\n")
		if err := style.MatrixTable(out, sound); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n%s\n", style.toll(m))
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write track record: %w", err)
	}
	return nil
}

// tracked is a cell's verdict, or what it should have been.
func (style Style) tracked(c result.Cell) string {
	switch {
	case c.Verdict == result.Inconclusive:
		return style.verdict(c.Verdict)
	case c.Surprise == "":
		return style.paint(green, strings.ToUpper(c.Verdict.String()))
	case c.Verdict == result.Pass:
		return style.paint(red, "MISSED")
	}
	return style.paint(red, "OTHER REASON")
}

// toll counts what was caught and what passed.
func (style Style) toll(m result.Matrix) string {
	met := func(rows []result.Row) (n, of int) {
		for _, row := range rows {
			of++
			asExpected := len(row.Cells) > 0 && len(row.Cells) >= row.Due
			for _, c := range row.Cells {
				asExpected = asExpected && c.Surprise == ""
			}
			if asExpected {
				n++
			}
		}
		return n, of
	}
	faulty, ofFaulty := met(faultyOf(m).Rows)
	sound, ofSound := met(soundOf(m).Rows)
	color := map[result.Overall]string{result.SuitePass: green, result.SuiteFail: red}[m.Status]
	if color == "" {
		color = yellow
	}
	return fmt.Sprintf("%s: %d of %d faulty strategies failed by the expected rule, %d of %d right strategies ended as expected.",
		style.paint(color, strings.ToUpper(m.Status.String())), faulty, ofFaulty, sound, ofSound)
}

// caught returns the cells of a strategy that carries a bug.
func caught(row result.Row) []result.Cell {
	if row.Breaks == "" {
		return nil
	}
	return row.Cells
}

// faultyOf and soundOf divide a matrix by who carries a bug.
func faultyOf(m result.Matrix) result.Matrix { return rowsOf(m, true) }
func soundOf(m result.Matrix) result.Matrix  { return rowsOf(m, false) }

func rowsOf(m result.Matrix, faulty bool) result.Matrix {
	rows := []result.Row{}
	for _, row := range m.Rows {
		if (row.Breaks != "") == faulty {
			rows = append(rows, row)
		}
	}
	m.Rows = rows
	return m
}

func orAbsent(text string) string {
	if text == "" {
		return absent
	}
	return clean(text)
}

// TrackMarkdown writes the track record as a page: the bugs, what each right strategy
// came to, and what it comes to together.
func TrackMarkdown(w io.Writer, m result.Matrix) error {
	out := new(strings.Builder)
	fmt.Fprintf(out, "## lastcall selftest\n\n%s\n\n%s", Style{}.toll(m), Bugs(m))
	if sound := soundOf(m); len(sound.Rows) > 0 {
		fmt.Fprintln(out)
		matrixTable(out, sound)
	}
	Style{}.surprises(out, m)
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write track record: %w", err)
	}
	return nil
}

// Bugs is a table of Markdown: the bugs, where they show, and by which rule. Nothing
// of one run stands in it.
func Bugs(m result.Matrix) string {
	out := new(strings.Builder)
	fmt.Fprint(out, "| faulty strategy | bug | scenario that shows it | rule that must fail, and no other |\n| :--- | :--- | :--- | :--- |\n")
	for _, row := range faultyOf(m).Rows {
		bug := row.Bug
		if row.Title != "" {
			bug += ": " + row.Title
		}
		for _, c := range row.Cells {
			fmt.Fprintf(out, "| %s | %s | %s | %s |\n", markdown(row.Subject), markdown(bug), markdown(c.Scenario), markdown(strings.Join(c.Expected, ", ")))
		}
	}
	return out.String()
}
