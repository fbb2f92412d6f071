package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"lastcall/harness/result"
)

// marks are what stands for a status in the matrix, one column each.
var marks = map[result.ProbeStatus]string{
	result.ProbePass: "+", result.ProbeWarn: "!", result.ProbeFail: "X", result.ProbeInconclusive: "?", result.ProbeSkip: "-",
}

// matrix writes subjects by probes, as the Autobahn test suite shows its cases: a
// row for each probe, a column for each subject. Where there are too many subjects
// for one table the next begins below.
func (style Style) matrix(w io.Writer, s result.Suite) {
	rows := matrixRows(s)
	widest := len("probe")
	for _, row := range rows {
		widest = max(widest, columns(row))
	}
	widest = min(widest, probeColumns)
	const cell = 4 // columns of a subject: its number, and room
	most := (matrixWidth - widest - 2) / cell
	for first := 0; first < len(s.Subjects); first += most {
		if first > 0 {
			fmt.Fprintln(w)
		}
		subjects := s.Subjects[first:min(first+most, len(s.Subjects))]
		fmt.Fprintf(w, " %-*s", widest, "probe")
		for i := range subjects {
			fmt.Fprintf(w, "%*d", cell, first+i+1)
		}
		fmt.Fprintf(w, "\n%s\n", strings.Repeat("─", 1+widest+cell*len(subjects)))
		for _, row := range rows {
			name := shorten(row, widest)
			fmt.Fprintf(w, " %s%s", name, strings.Repeat(" ", widest-columns(name)))
			for _, subject := range subjects {
				fmt.Fprint(w, strings.Repeat(" ", cell-1)+style.mark(subject, row))
			}
			fmt.Fprintln(w)
		}
	}
	style.legend(w, s)
}

// matrixRows are the names of all probes, in the order of the first subject that
// has them.
func matrixRows(s result.Suite) (rows []string) {
	for _, subject := range s.Subjects {
		for _, p := range subject.Probes {
			if name := clean(probeName(p)); !slices.Contains(rows, name) {
				rows = append(rows, name)
			}
		}
	}
	return rows
}

// mark is what a subject's probe came to, or a blank where it was not probed so.
func (style Style) mark(s result.Subject, name string) string {
	for _, p := range s.Probes {
		if clean(probeName(p)) != name {
			continue
		}
		mark, ok := marks[p.Status]
		if !ok {
			mark = "?" // of a later version: never green
		}
		return style.paint(statusColor(p.Status), mark)
	}
	return " "
}

// statusColor is the colour of a probe's status.
func statusColor(s result.ProbeStatus) string {
	switch s {
	case result.ProbePass:
		return green
	case result.ProbeFail:
		return red
	case result.ProbeSkip:
		return plain
	case result.ProbeWarn, result.ProbeInconclusive:
	}
	return yellow
}

// legend says what the marks and the numbers mean.
func (style Style) legend(w io.Writer, s result.Suite) {
	var meanings []string
	for _, status := range []result.ProbeStatus{result.ProbePass, result.ProbeWarn, result.ProbeFail, result.ProbeInconclusive, result.ProbeSkip} {
		meanings = append(meanings, style.paint(statusColor(status), marks[status])+" "+status.String())
	}
	fmt.Fprintf(w, "\n  %s\n\n", strings.Join(meanings, "   "))
	for i, subject := range s.Subjects {
		fmt.Fprintf(w, "%4d  %s: %s, %s\n", i+1, shorten(clean(subject.Name), 24), style.passed(subject), probeCounts(subject))
	}
}
