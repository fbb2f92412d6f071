package reports

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"lastcall/harness/result"
)

// DiffMarkdown writes a job summary for GitHub: what became of each subject and
// why, and the table of the terminal. Nothing is shortened in it: a page has room.
// What came from a server is text in it, and never markup.
func DiffMarkdown(w io.Writer, d result.Diff) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "## lastcall diff\n\n")
	for _, s := range d.Subjects {
		diffVerdicts(out, s)
	}
	if len(d.Subjects) == 0 {
		fmt.Fprintf(out, "- **%s** neither report has a subject.\n", outcome(d.Verdict))
	}
	diffTableMarkdown(out, d)
	for _, warning := range d.Warnings {
		fmt.Fprintf(out, "\nWarning: %s\n", markdown(warning))
	}
	fmt.Fprintf(out, "\n%s\n\n", markdown(legend))
	for _, line := range origins(d) {
		fmt.Fprintf(out, "- %s\n", markdown(line))
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write markdown diff: %w", err)
	}
	return nil
}

// diffVerdicts are one line a subject, and below it what there is to say.
func diffVerdicts(w io.Writer, s result.SubjectDiff) {
	fmt.Fprintf(w, "- **%s**%s %s\n", outcome(s.Verdict), still(s), markdown(s.Name))
	for _, reason := range s.Reasons {
		fmt.Fprintf(w, "  - %s\n", markdown(reason))
	}
	for _, c := range explained(s) {
		fmt.Fprintf(w, "  - %s %s: %s\n", markdown(c.Direction.String()), markdown(c.Name), markdown(c.Detail))
	}
}

func diffTableMarkdown(w io.Writer, d result.Diff) {
	if len(d.Subjects) == 0 {
		return
	}
	fmt.Fprint(w, "\n| subject | what | old | new | p by requests | p by shutdowns | change |\n"+
		"| :--- | :--- | :--- | :--- | ---: | ---: | :--- |\n")
	for _, s := range d.Subjects {
		for _, c := range s.Changes {
			if asBefore(c) {
				continue
			}
			cells := []string{
				s.Name, c.Name, value(c.Old, number, true), value(c.New, number, true),
				chance(c.PRequests), chance(c.PShutdowns), c.Direction.String(),
			}
			for i, cell := range cells {
				cells[i] = markdown(cell)
			}
			fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
		}
	}
}
