package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter/tw"

	"lastcall/harness/result"
)

// probesOnly reports whether nothing was done to the subjects but that they were
// probed: then there are no requests to be counted.
func probesOnly(s result.Suite) bool {
	return len(s.Subjects) > 0 && onlyProbedOf(s) == len(s.Subjects)
}

// onlyProbedOf is how many subjects were probed and nothing else.
func onlyProbedOf(s result.Suite) (n int) {
	for _, subject := range s.Subjects {
		if !loaded(subject) {
			n++
		}
	}
	return n
}

// loaded reports whether a subject was put under load, or at least shut down without
// one: then there is something to be counted.
func loaded(s result.Subject) bool { return len(s.Probes) == 0 || s.Shutdowns > 0 }

// The widths of the table of probes, in columns.
const (
	probeColumns = 28 // of a probe's name, with its variant
	stateColumns = 24
	seenColumns  = 30
	cellLines    = 2 // a cell has so many at most: beneath the table there is more room
)

// probes writes a subject's probes, and for each that did not pass what was asked
// for, who asks, and what would help.
func (style Style) probes(w io.Writer, s result.Subject) error {
	if len(s.Probes) == 0 {
		return nil
	}
	var rows [][]string
	for _, p := range s.Probes {
		rows = append(rows, []string{
			shorten(clean(probeName(p)), probeColumns), cell(p.State, stateColumns), style.probeStatus(p.Status), cell(p.Seen, seenColumns),
		})
	}
	left := tw.AlignLeft
	text, err := grid([]string{"probe", "state at the signal", "verdict", "seen"}, []tw.Align{left, left, left, left}, rows)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s, %s\n\n%s", shorten(clean(s.Name), width-60), style.passed(s), probeCounts(s), text)
	for _, p := range s.Probes {
		style.broken(w, p)
	}
	skips(w, s.Probes)
	return nil
}

// skips says in full why probes were skipped, once for each reason.
func skips(w io.Writer, probes []result.Probe) {
	var reasons []string
	of := make(map[string][]string)
	for _, p := range probes {
		if p.Status != result.ProbeSkip {
			continue
		}
		reason := clean(p.Seen)
		if of[reason] == nil {
			reasons = append(reasons, reason)
		}
		of[reason] = append(of[reason], clean(probeName(p)))
	}
	if len(reasons) == 0 {
		return
	}
	fmt.Fprintln(w, "\nskipped because")
	for _, reason := range reasons {
		fmt.Fprintf(w, "%s\n%s\n", wrap(reason+":", "  "), wrap(strings.Join(of[reason], ", "), "    "))
	}
}

// passed is a subject's verdict. A pass that is not quite one says so.
func (style Style) passed(s result.Subject) string {
	warned := slices.ContainsFunc(s.Probes, func(p result.Probe) bool { return p.Status == result.ProbeWarn })
	if s.Verdict != result.Pass || !warned {
		return style.verdict(s.Verdict)
	}
	return style.verdict(s.Verdict) + ", with warnings"
}

// broken tells of a probe that did not pass.
func (style Style) broken(w io.Writer, p result.Probe) {
	if p.Status == result.ProbePass || p.Status == result.ProbeSkip {
		return
	}
	fmt.Fprintf(w, "\n%s: %s\n", shorten(clean(probeName(p)), width-20), style.probeStatus(p.Status))
	for _, line := range aboutProbe(p) {
		fmt.Fprintln(w, Labelled(line[0], 8, clean(line[1])))
	}
}

// probeName is a probe with its variant.
func probeName(p result.Probe) string {
	return strings.TrimSpace(p.Probe + " " + p.Variant)
}

// cell breaks text into a few lines of so many columns.
func cell(text string, most int) string {
	var lines []string
	rest := clean(text)
	for len(lines) < cellLines-1 && columns(rest) > most {
		head := prefix(rest, most)
		if at := strings.LastIndexByte(head, ' '); at > 0 {
			head = head[:at]
		}
		lines = append(lines, head)
		rest = strings.TrimSpace(rest[len(head):])
	}
	return strings.Join(append(lines, shorten(rest, most)), "\n")
}

// probeStatus is a word before it is a colour.
func (style Style) probeStatus(s result.ProbeStatus) string {
	word := strings.ToUpper(s.String())
	if s == result.ProbeSkip {
		return word
	}
	return style.paint(statusColor(s), word)
}

// probeOrder is the order in which statuses are counted: the worst first.
var probeOrder = []result.ProbeStatus{result.ProbeFail, result.ProbeInconclusive, result.ProbeWarn, result.ProbePass, result.ProbeSkip}

// probeCounts says how many probes came to what.
func probeCounts(s result.Subject) string {
	count := make(map[result.ProbeStatus]int)
	for _, p := range s.Probes {
		count[p.Status]++
	}
	var parts []string
	for _, status := range probeOrder {
		if n := count[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	noun := "probes"
	if len(s.Probes) == 1 {
		noun = "probe"
	}
	return fmt.Sprintf("%d %s: %s", len(s.Probes), noun, strings.Join(parts, ", "))
}
