package reports

import (
	"fmt"
	"io"

	"lastcall/harness/result"
)

// words are the last lines on the subject's stderr, from the last shutdown that
// has some, and that shutdown.
func words(s result.Subject) (lines []string, shutdown int) {
	for i := len(s.Details) - 1; i >= 0; i-- {
		if d := s.Details[i]; len(d.Stderr) > 0 {
			return d.Stderr, d.Shutdown
		}
	}
	return nil, 0
}

// mostWords is how many of a subject's last lines are shown: a request log would
// push everything else off the screen. All that was kept is in the JSON report.
const mostWords = 8

// mostRows is about how many rows of the table one of these lines may take: the
// reason stands at a line's end.
const mostRows = 3

// lastWords shows the end of the subject's stderr.
func lastWords(w io.Writer, s result.Subject) {
	lines, shutdown := words(s)
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "  Its last words on stderr, in %s %d:\n", occasion(s), shutdown)
	for _, line := range lines[max(0, len(lines)-mostWords):] {
		const bar = "    | "
		line = clean(line)
		if columns(line) <= width-len(bar) {
			fmt.Fprintf(w, "%s%s\n", bar, line)
			continue
		}
		fmt.Fprintln(w, wrap(shorten(line, mostRows*(width-len(bar))), bar))
	}
}
