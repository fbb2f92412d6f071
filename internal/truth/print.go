package truth

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"lastcall/harness/result"
)

// count is what the runs of one row in one mode came to.
type count struct {
	verdicts [3]int // by result.Verdict
	faulty   int
	runs     int
	seconds  float64
	why      string // the first fault
}

func (c *count) add(one Result) {
	c.runs++
	c.seconds += one.Seconds
	c.verdicts[one.Verdict]++
	if len(one.Faults) > 0 {
		c.faulty++
		if c.why == "" {
			c.why = strings.ReplaceAll(strings.Join(one.Faults, "; "), "\n", " ")
		}
	}
}

func (c *count) String() string {
	if c == nil {
		return "-"
	}
	var parts []string
	for _, v := range []result.Verdict{result.Pass, result.Fail, result.Inconclusive} {
		if n := c.verdicts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(parts, ", ")
}

// printRun prints a line for one run, and of a wrong one also what lastcall said: the
// histories of a run that failed elsewhere cannot be asked.
func printRun(w io.Writer, row Row, one Result) {
	mark := "ok   "
	switch {
	case len(one.Faults) > 0 && row.Open != "":
		mark = "open "
	case len(one.Faults) > 0:
		mark = "WRONG"
	}
	why := strings.Join(one.Faults, "; ")
	if one.Doubts > 0 {
		why = fmt.Sprintf("inconclusive %d times before; %s", one.Doubts, why)
	}
	fmt.Fprintf(w, "%s %-32s %-7s run %d  %-12s %5.1f s  %s\n", mark, one.Row, one.Mode, one.Run, one.Verdict, one.Seconds, why)
	if mark != "WRONG" {
		return
	}
	if len(one.Violated) > 0 {
		fmt.Fprintf(w, "      violated: %s\n", strings.Join(one.Violated, ", "))
	}
	for line := range strings.Lines(one.Story) {
		fmt.Fprintf(w, "      %s\n", strings.TrimRight(line, "\n"))
	}
	fmt.Fprintf(w, "      again: %s\n", one.Command)
}

// printTable prints how often each row came to which verdict, by mode.
func printTable(w io.Writer, rows []Row, all []Result, format string) error {
	modes, counts := tally(all)
	head := append([]string{"server", "deserves"}, modes...)
	head = append(head, "s", "wrong")
	var lines [][]string
	for _, row := range rows {
		line := []string{row.Name, either(row.Verdicts)}
		total := &count{}
		for _, m := range modes {
			c := counts[row.Name+" "+m]
			line = append(line, c.String())
			total.merge(c)
		}
		if total.runs > 0 {
			lines = append(lines, append(line, fmt.Sprintf("%.1f", total.seconds/float64(total.runs)), total.wrong()))
		}
	}
	lines = append(lines, sums(rows, modes, counts)...)
	if format == "markdown" {
		return printMarkdown(w, head, lines)
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range append([][]string{head}, lines...) {
		fmt.Fprintln(out, strings.TrimRight(strings.Join(line, "\t"), "\t"))
	}
	return out.Flush()
}

func printMarkdown(w io.Writer, head []string, lines [][]string) error {
	out := &strings.Builder{}
	fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, line := range lines {
		fmt.Fprintf(out, "| %s |\n", strings.Join(line, " | "))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (c *count) merge(other *count) {
	if other == nil {
		return
	}
	for v, n := range other.verdicts {
		c.verdicts[v] += n
	}
	c.runs += other.runs
	c.faulty += other.faulty
	c.seconds += other.seconds
	if c.why == "" {
		c.why = other.why
	}
}

func (c *count) wrong() string {
	if c.faulty == 0 {
		return ""
	}
	return fmt.Sprintf("%d: %s", c.faulty, c.why)
}

// tally counts by row and mode. Quiet comes first of the modes, then busy and the
// quota, then the users by name.
func tally(all []Result) (modes []string, counts map[string]*count) {
	counts = map[string]*count{}
	for _, one := range all {
		mode := string(one.Mode)
		if !slices.Contains(modes, mode) {
			modes = append(modes, mode)
		}
		at := one.Row + " " + mode
		if counts[at] == nil {
			counts[at] = &count{}
		}
		counts[at].add(one)
	}
	order := func(mode string) string {
		switch Mode(mode) {
		case Quiet:
			return "0"
		case Busy:
			return "1"
		case Quota:
			return "2"
		}
		return "3" + mode
	}
	slices.SortFunc(modes, func(a, b string) int { return strings.Compare(order(a), order(b)) })
	return modes, counts
}

// sums are a line for all right servers, one for all wrong ones, and one for those with a
// bug that few shutdowns show.
func sums(rows []Row, modes []string, counts map[string]*count) [][]string {
	var lines [][]string
	for _, kind := range []struct {
		name string
		has  func(Row) bool
	}{
		{"all right servers", func(r Row) bool { return r.Right }},
		{"all wrong servers", func(r Row) bool { return !r.Right && r.Rare == "" }},
		{"all with a rare bug", func(r Row) bool { return !r.Right && r.Rare != "" }},
	} {
		line := []string{kind.name, ""}
		total := &count{}
		for _, m := range modes {
			sum := &count{}
			for _, row := range rows {
				if kind.has(row) {
					sum.merge(counts[row.Name+" "+m])
				}
			}
			line = append(line, sum.String())
			total.merge(sum)
		}
		if total.runs > 0 {
			lines = append(lines, append(line, fmt.Sprintf("%.1f", total.seconds/float64(total.runs)), fmt.Sprintf("%d of %d", total.faulty, total.runs)))
		}
	}
	return lines
}
