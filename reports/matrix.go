package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter/tw"

	"lastcall/harness/result"
)

// MatrixRenderer writes one matrix.
type MatrixRenderer = func(w io.Writer, m result.Matrix) error

// MatrixFormat is a named way to render a matrix.
type MatrixFormat = FormatOf[result.Matrix]

// MatrixFormats returns every format of a comparison over scenarios. The slice is
// fresh.
func MatrixFormats(style Style) []MatrixFormat {
	return sealed([]MatrixFormat{
		{"table", "for people: one symbol and one number for each strategy in each scenario", style.MatrixTable, inertText},
		{"json", "for machines: " + result.MatrixSchema, MatrixJSON, inertJSON},
		{"markdown", "for CI: a job summary", MatrixMarkdown, inertRefs},
	})
}

// MatrixNames returns the names of all formats of a matrix.
func MatrixNames() []string {
	return namesOf(MatrixFormats(Style{}))
}

// MatrixJSON writes the matrix as it is, indented, with a final newline.
func MatrixJSON(w io.Writer, m result.Matrix) error {
	return indented(w, "json matrix", m)
}

// matrixLegend explains a cell.
func matrixLegend(m result.Matrix) []string {
	legend := []string{
		"✓ PASS; the number counts requests that were dropped in races that no HTTP/1.1 server can win.",
		"✗ FAIL; the number counts breaches of the first rule, which explains the others: requests, or shutdowns if the rule is about the process, or connections that were cut.",
		"? could not be judged.  ! not as the scenario expects.  - was not run.",
	}
	if slices.Contains(m.Scenarios, "kill") {
		legend = append(legend, "kill is the control, which no strategy passes: no process can handle SIGKILL.")
	}
	return legend
}

// matrixWidth is how many columns a matrix may have: more than other tables, for
// more stands side by side in it.
const matrixWidth = 120

// MatrixTable writes one row a subject and one column a scenario, at most 120
// columns wide for the catalogue; below it a legend, and what surprises.
func (style Style) MatrixTable(w io.Writer, m result.Matrix) error {
	header, align := []string{"strategy"}, []tw.Align{tw.AlignLeft}
	for _, name := range m.Scenarios {
		header, align = append(header, hyphenated(clean(name))), append(align, tw.AlignRight)
	}
	var rows [][]string
	for _, row := range m.Rows {
		cells := []string{shorten(clean(row.Subject), 24)}
		for _, name := range m.Scenarios {
			cells = append(cells, style.cell(row, name))
		}
		rows = append(rows, cells)
	}
	text, err := grid(bottom(header), align, rows)
	if err == nil && widest(text) > matrixWidth {
		text, err = gridSpaced(header, align, rows, tw.Padding{Left: " ", Overwrite: true})
	}
	if err != nil {
		return fmt.Errorf("write matrix: %w", err)
	}
	out := new(strings.Builder)
	fmt.Fprintf(out, "%s\n", text)
	for _, line := range matrixLegend(m) {
		fmt.Fprintln(out, wrap(line, "  "))
	}
	style.surprises(out, m)
	fmt.Fprintf(out, "\n%s\n", wrap(fmt.Sprintf("%s; seed %d, %s. Details of a cell: lastcall compare STRATEGY --scenario SCENARIO; "+
		"explanations: lastcall explain NAME.", fmt.Sprintf("%d shutdowns", shutdownsOf(m)), m.Seed, seconds(m.Seconds)), "  "))
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write matrix: %w", err)
	}
	return nil
}

// cell is one symbol and one number.
func (style Style) cell(row result.Row, scenario string) string {
	c, ok := row.Cell(scenario)
	if !ok {
		return "-"
	}
	mark := ""
	if c.Surprise != "" {
		mark = "!"
	}
	switch c.Verdict {
	case result.Pass:
		return style.paint(green, "✓ "+brief(c.Count)+mark)
	case result.Fail:
		return style.paint(red, "✗ "+brief(c.Count)+mark)
	case result.Inconclusive:
	}
	return style.paint(yellow, "?"+mark)
}

// surprises tells of every cell that is not as expected.
func (style Style) surprises(w io.Writer, m result.Matrix) {
	for _, row := range m.Rows {
		for _, c := range row.Cells {
			if c.Surprise == "" {
				continue
			}
			text := fmt.Sprintf("%s in %s: %s.", clean(row.Subject), clean(c.Scenario), clean(c.Surprise))
			if c.Why != "" {
				text += " " + clean(c.Why)
			}
			fmt.Fprintf(w, "\n%s\n", wrap("! "+text, "  "))
		}
	}
}

func shutdownsOf(m result.Matrix) (n int) {
	for _, row := range m.Rows {
		for _, c := range row.Cells {
			n += c.Shutdowns
		}
	}
	return n
}

// hyphenated breaks a name at its hyphens into lines hardly longer than its longest
// part, so that a column is no wider than it has to be.
func hyphenated(name string) string {
	parts := strings.SplitAfter(name, "-")
	longest := 0
	for _, part := range parts {
		longest = max(longest, columns(part)+1)
	}
	lines := []string{""}
	for _, part := range parts {
		last := len(lines) - 1
		if lines[last] != "" && columns(lines[last]+part) > longest {
			lines = append(lines, part)
			continue
		}
		lines[last] += part
	}
	return strings.Join(lines, "\n")
}

// bottom lets headers of fewer lines stand on the last of them.
func bottom(header []string) []string {
	most := 0
	for _, h := range header {
		most = max(most, strings.Count(h, "\n"))
	}
	for i, h := range header {
		header[i] = strings.Repeat("\n", most-strings.Count(h, "\n")) + h
	}
	return header
}

// MatrixMarkdown writes the matrix as a table of Markdown, with the legend.
func MatrixMarkdown(w io.Writer, m result.Matrix) error {
	out := new(strings.Builder)
	fmt.Fprint(out, "## lastcall: strategies in every scenario\n\n")
	matrixTable(out, m)
	fmt.Fprintln(out)
	for _, line := range matrixLegend(m) {
		fmt.Fprintf(out, "- %s\n", line)
	}
	Style{}.surprises(out, m)
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write markdown matrix: %w", err)
	}
	return nil
}

// matrixTable is the matrix as a table of Markdown.
func matrixTable(out io.Writer, m result.Matrix) {
	fmt.Fprint(out, "| strategy |")
	for _, name := range m.Scenarios {
		fmt.Fprintf(out, " %s |", markdown(name))
	}
	fmt.Fprintf(out, "\n| :--- |%s\n", strings.Repeat(" ---: |", len(m.Scenarios)))
	for _, row := range m.Rows {
		fmt.Fprintf(out, "| %s |", markdown(row.Subject))
		for _, name := range m.Scenarios {
			fmt.Fprintf(out, " %s |", Style{}.cell(row, name))
		}
		fmt.Fprintln(out)
	}
}
