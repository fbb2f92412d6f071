package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lastcall/harness/history"
)

// saidWrong tells what wrong answers said and when they came: those of a window and
// of an outcome, or, if there are none in it, of any request that met the shutdown.
func (t teller) saidWrong(w history.Window, outcome history.Outcome) string {
	counts := make(map[uint16]int)
	lines := make(map[uint16]string)
	var first, last time.Duration
	collect := func(is func(history.Window) bool) {
		for _, o := range t.intact {
			for i := range o.Requests {
				r := &o.Requests[i]
				if r.Outcome != outcome || !is(o.windows[i]) {
					continue
				}
				after := max(0, r.End-o.Signal.Before)
				if len(counts) == 0 {
					first = after
				}
				first, last = min(first, after), max(last, after)
				counts[r.Status]++
				if line := o.line(r.Seq); line != "" && lines[r.Status] == "" {
					lines[r.Status] = line
				}
			}
		}
	}
	if collect(func(x history.Window) bool { return x == w || w == history.Late && x == history.Edge }); len(counts) == 0 {
		collect(history.Window.Exposed)
	}
	var said []string
	for _, status := range commonest(counts) {
		one := fmt.Sprintf("%d with %d", counts[status], status)
		if lines[status] != "" {
			one += fmt.Sprintf(" (%s)", quoted(lines[status]))
		}
		said = append(said, one)
	}
	moment := "the signal"
	if t.staysUp() {
		moment = "the command's beginning"
	}
	return fmt.Sprintf("Their answers came %s: %s.", between(first, last, moment), strings.Join(said, ", "))
}

// quoted is a line between quotes that do not occur in it, if there are such.
func quoted(line string) string {
	if strings.Contains(line, `"`) {
		return fmt.Sprintf("%#q", line)
	}
	return fmt.Sprintf("%q", line)
}

// line is the first line of a wrong answer, "" if it was not kept.
func (o *observation) line(seq uint32) string {
	i := slices.IndexFunc(o.Answers, func(a history.Answer) bool { return a.Seq == seq })
	if i < 0 {
		return ""
	}
	return o.Answers[i].Line
}
