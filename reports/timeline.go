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

// mostColumns bounds a timeline from outside, in columns.
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
		fmt.Sprintf("%s %d, the worst, from left to right; each letter stands for %g ms", capital(occasion(s)), t.Shutdown, t.ColumnMS),
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
	for _, entry := range []struct {
		mark, means string
		n           int // of what must not go unsaid, though others hide it
	}{
		{string(result.MarkCompleted), "completed", 0},
		{string(result.MarkKept), "in flight, and completed", 0},
		{string(result.MarkDropped), "dropped", d.Requests.Dropped},
		{string(result.MarkFailed), "failed", d.Requests.Failed},
		{string(result.MarkRejected), "rejected", d.Requests.Rejected},
		{string(result.MarkRefused), "refused", 0},
		{string(result.MarkUnsent), "unsent", 0},
		{signalMark, signal, 0},
		{exitMark, "exit after " + seconds(exit/1000), 0},
	} {
		means := entry.means
		if entry.n > 0 {
			means = number(entry.n) + " " + means
		}
		switch shown := strings.Contains(line, entry.mark); {
		case shown:
			said = append(said, entry.mark+" "+means)
		case entry.n > 0:
			said = append(said, "("+means+", among others)")
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
