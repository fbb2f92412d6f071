package reports

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"lastcall/harness/result"
)

// The marks that a report puts between the columns of a timeline.
const (
	signalMark = "|"
	exitMark   = "#"
)

// mostColumns bounds a timeline that somebody else made, in columns.
const mostColumns = width - 10

// timeline draws the worst shutdown of a subject in one line of letters, with a
// legend of those that occur.
func timeline(w io.Writer, s result.Subject) {
	lines := timelineLines(s)
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "  %s:\n", lines[0])
	fmt.Fprintf(w, "    %s\n", lines[1])
	fmt.Fprintln(w, wrap(lines[2], "    "))
}

// timelineLines are the headline, the letters, and what they mean, or nothing.
func timelineLines(s result.Subject) []string {
	t := s.Timeline
	if t == nil || !(t.ColumnMS > 0) || len(t.Strip) > mostColumns { // made up: there is nothing to draw
		return nil
	}
	i := slices.IndexFunc(s.Details, func(d result.Detail) bool { return d.Shutdown == t.Shutdown })
	if i < 0 {
		return nil
	}
	d := s.Details[i]
	exit, exited := eventMS(d, "exit")
	line := strip(*t, exit, exited)
	return []string{
		fmt.Sprintf("%s %d, the worst. Each letter is %g ms, and the worst that ended in them", capital(occasion(s)), t.Shutdown, t.ColumnMS),
		strings.TrimRight(line, " "),
		strings.Join(letters(d, line, exit), ", "),
	}
}

// strip is the line: what happened in each column, with a mark where the signal
// was sent and one behind the column of the exit.
func strip(t result.Timeline, exit float64, exited bool) string {
	var b strings.Builder
	gone := math.Floor((exit - t.FromMS) / t.ColumnMS)
	for i, letter := range []byte(t.Strip) {
		if begin := t.FromMS + float64(i)*t.ColumnMS; math.Abs(begin) < t.ColumnMS/2 {
			b.WriteString(signalMark)
		}
		if slices.Contains(result.Marks(), letter) {
			b.WriteByte(letter)
		} else {
			b.WriteByte(result.MarkNothing)
		}
		if exited && float64(i) == gone {
			b.WriteString(exitMark)
		}
	}
	return b.String()
}

// letters explains the letters that occur, and counts those that matter.
func letters(d result.Detail, line string, exit float64) []string {
	signal := "the signal"
	if d.Operation != nil {
		signal = "the command"
	}
	var said []string
	for _, entry := range []struct{ mark, means string }{
		{string(result.MarkCompleted), "answered"},
		{string(result.MarkKept), "in flight, and answered"},
		{string(result.MarkDropped), fmt.Sprintf("%s hung up on", number(d.Requests.Dropped))},
		{string(result.MarkFailed), fmt.Sprintf("%s answered wrongly", number(d.Requests.Failed))},
		{string(result.MarkRejected), fmt.Sprintf("%s turned away", number(d.Requests.Rejected))},
		{string(result.MarkRefused), "refused"},
		{string(result.MarkUnsent), "unsent"},
		{signalMark, signal},
		{exitMark, "exit after " + seconds(exit/1000)},
	} {
		if strings.Contains(line, entry.mark) {
			said = append(said, entry.mark+" "+entry.means)
		}
	}
	return said
}

// eventMS is when something happened, from the signal, and whether it did.
func eventMS(d result.Detail, name string) (float64, bool) {
	for _, e := range d.Events {
		if e.Name == name {
			return e.MS, true
		}
	}
	return 0, false
}

func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
