package reports

import (
	"fmt"
	"io"
	"regexp"
	"slices"

	"lastcall/harness/result"
)

// words are the last lines on the subject's stderr, from the last shutdown that
// has some, and that shutdown. So many are kept as package process keeps.
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
// firstWords of them are its first: many a runtime says what is wrong before it
// says where.
const (
	mostWords  = 9
	firstWords = 2
)

// mostRows is about how many rows of the table one of these lines may take: the
// reason stands at a line's end.
const mostRows = 3

// lastWords shows what the subject wrote to stderr.
func lastWords(w io.Writer, s result.Subject) {
	lines, shutdown := words(s)
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "  The last lines of its stderr, in %s %d:\n", occasion(s), shutdown)
	for _, line := range gist(lines, mostWords, firstWords) {
		const bar = "    | "
		line = clean(line)
		if columns(line) <= width-len(bar) {
			fmt.Fprintf(w, "%s%s\n", bar, line)
			continue
		}
		fmt.Fprintln(w, wrap(shorten(line, mostRows*(width-len(bar))), bar))
	}
}

// said is one or more lines that say the same.
type said struct {
	line  string
	times int
}

// gist returns about so many lines of what was written: some of the first, the
// first that names an error, and the last ones. What says the same over and over
// stands in it once, and what is left out is counted.
func gist(lines []string, most, first int) (all []string) {
	records := collapse(lines)
	rows := 0
	for _, r := range records {
		rows += r.rows()
	}
	keep := func(i int) bool { return true }
	if rows > most {
		keep = chosen(records, most, first)
	}
	skipped := 0
	for i, r := range records {
		if !keep(i) {
			skipped += r.times
			continue
		}
		if skipped > 0 {
			all, skipped = append(all, omitted(skipped)), 0
		}
		all = append(all, r.line)
		if r.times > 1 {
			all = append(all, fmt.Sprintf("… and %s more like it", number(r.times-1)))
		}
	}
	return all
}

func omitted(n int) string {
	if n == 1 {
		return "… 1 line …"
	}
	return fmt.Sprintf("… %s lines …", number(n))
}

func (s said) rows() int { return min(s.times, 2) }

// chosen are the first records, the first that names an error, and as many of the
// last as there is room for.
func chosen(records []said, most, first int) func(i int) bool {
	kept := make(map[int]bool)
	take := func(i int) {
		if !kept[i] {
			kept[i] = true
			most -= records[i].rows()
		}
	}
	for i := range min(first, len(records)) {
		take(i)
	}
	if i := slices.IndexFunc(records, func(s said) bool { return complaint.MatchString(s.line) }); i >= 0 {
		take(i)
	}
	for i := len(records) - 1; i >= 0 && most > 0; i-- {
		take(i)
	}
	return func(i int) bool { return kept[i] }
}

// complaint matches a line that says what is wrong.
var complaint = regexp.MustCompile(`(?i)error|exception|panic|fatal|cannot|can't|denied|not found|no such|failed`)

// Complaint is the one line of what was written that says what is wrong, as far as
// that can be told: the first that names an error, or else the last.
func Complaint(lines []string) string {
	for _, line := range lines {
		if complaint.MatchString(line) {
			return clean(line)
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return clean(lines[len(lines)-1])
}

// collapse joins lines that differ only in their numbers, as those of a log of
// requests do. What has no number in it is kept as it is, such as a brace.
func collapse(lines []string) (records []said) {
	at := make(map[string]int) // by the line without its numbers
	for _, line := range lines {
		shape := numeral.ReplaceAllString(line, "0")
		i, ok := at[shape]
		if !ok || !numeral.MatchString(line) {
			at[shape] = len(records)
			records = append(records, said{line, 1})
			continue
		}
		records[i].times++
	}
	return records
}

var numeral = regexp.MustCompile(`\d+(\.\d+)*`)
