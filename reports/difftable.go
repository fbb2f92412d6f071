package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter/tw"

	"lastcall/harness/result"
)

// diffRoom is how much room a row of a comparison gives to what has no bound of
// its own.
type diffRoom struct {
	name   int // columns of a subject's name, or a rule's
	ranges bool
	number func(int) string
}

// diffRooms are tried in turn until the table is not too wide.
var diffRooms = []diffRoom{
	{name: 25, ranges: true, number: number},
	{name: 25, ranges: true, number: brief},
	{name: 16, ranges: false, number: brief},
}

// DiffTable writes the comparison as a table of at most 100 columns: the figures
// of each subject, and the rules that came to something else. Below it stands
// what can be said about them in words.
func (style Style) DiffTable(w io.Writer, d result.Diff) error {
	out := new(strings.Builder)
	if err := style.changes(out, d); err != nil {
		return fmt.Errorf("write diff table: %w", err)
	}
	for _, s := range d.Subjects {
		style.diffStory(out, s)
	}
	if len(d.Subjects) == 0 {
		fmt.Fprintf(out, "\n%s: neither report has a subject.\n", style.outcome(d.Verdict))
	}
	for _, warning := range d.Warnings {
		fmt.Fprintf(out, "\n%s\n", wrap("warning: "+clean(warning), "  "))
	}
	fmt.Fprintf(out, "\n%s\n", wrap(legend, "  "))
	for _, line := range origins(d) {
		fmt.Fprintln(out, wrap(line, "  "))
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write diff table: %w", err)
	}
	return nil
}

// changes writes the table in the first room that keeps it within the width.
func (style Style) changes(w io.Writer, d result.Diff) error {
	left, right := tw.AlignLeft, tw.AlignRight
	header := []string{"\nsubject", "\nold", "\nnew", "p by\nrequests", "\nshutdowns", "\nchange"}
	for i, r := range diffRooms {
		var rows [][]string
		for _, s := range d.Subjects {
			rows = append(rows, style.diffRows(s, r)...)
		}
		text, err := grid(header, []tw.Align{left, left, left, right, right, left}, rows)
		if err != nil {
			return err
		}
		if i == len(diffRooms)-1 || widest(text) <= width {
			_, err := io.WriteString(w, text)
			return err
		}
	}
	return nil
}

// diffRows are the verdict, which carries the subject's name, and below it the
// figures, and the rules that changed.
func (style Style) diffRows(s result.SubjectDiff, r diffRoom) [][]string {
	name := shorten(clean(s.Name), r.name)
	switch {
	case !s.InOld:
		return [][]string{{name, absent, "new", "", "", style.direction(result.CannotTell)}}
	case !s.InNew:
		return [][]string{{name, "gone", absent, "", "", style.direction(result.CannotTell)}}
	}
	var rows [][]string
	for i, c := range s.Changes {
		if asBefore(c) {
			continue
		}
		old, latest := value(c.Old, r.number, r.ranges), value(c.New, r.number, r.ranges)
		label := "  " + shorten(clean(c.Name), r.name-2)
		if i == 0 { // the verdict
			label, old, latest = name, strings.ToUpper(old), strings.ToUpper(latest)
		}
		rows = append(rows, []string{label, old, latest, chance(c.PRequests), chance(c.PShutdowns), style.direction(c.Direction)})
	}
	return rows
}

// diffStory says in words what the table has no room for.
func (style Style) diffStory(w io.Writer, s result.SubjectDiff) {
	fmt.Fprintf(w, "\n%s: %s%s\n", shorten(clean(s.Name), width-40), style.outcome(s.Verdict), still(s))
	for _, reason := range s.Reasons {
		fmt.Fprintln(w, wrap(clean(reason), "  "))
	}
	for _, c := range explained(s) {
		word := c.Direction.String()
		line := Labelled(word, len("better"), clean(c.Name)+": "+clean(c.Detail))
		// Only now, since the label is padded by what it holds.
		fmt.Fprintln(w, strings.Replace(line, word, style.direction(c.Direction), 1))
	}
}

// direction is a word, or "~", before it is a colour.
func (style Style) direction(d result.Direction) string {
	switch d {
	case result.Worse:
		return style.paint(red, d.String())
	case result.Better:
		return style.paint(green, d.String())
	case result.CannotTell:
		return style.paint(yellow, d.String())
	case result.Same:
	}
	return d.String()
}

// outcome is a verdict on a change, in words before it is a colour.
func (style Style) outcome(v result.Verdict) string {
	switch v {
	case result.Pass:
		return style.paint(green, outcome(v))
	case result.Fail:
		return style.paint(red, outcome(v))
	case result.Inconclusive:
	}
	return style.paint(yellow, outcome(v))
}
