package reports

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/reports/picture"
)

// maxProbes is how many probes of one subject the page shows. There are fewer, but
// for text from outside.
const maxProbes = 200

// tallNames is from how many subjects on their names stand upright over the matrix.
const tallNames = 8

// pageProbe is what the page says of one probe. One that did not hold is open.
type pageProbe struct {
	ID, Name, Class, Mark, Status, State, Seen string
	Facts                                      []pageFact
	Open                                       bool
}

// pageMatrix is subjects by probes.
type pageMatrix struct {
	Names   []string
	Upright bool
	Rows    []pageMatrixRow
	Legend  []pageProbe
	More    string
}

type (
	pageMatrixRow struct {
		Name  string
		Cells []pageMatrixCell
	}
	pageMatrixCell struct{ Class, Mark, Status, To string }
)

// signs are the marks of the matrix as a page has them, where there are more
// letters than on a terminal.
var signs = map[result.ProbeStatus]string{
	result.ProbePass: "✓", result.ProbeWarn: "!", result.ProbeFail: "✕", result.ProbeInconclusive: "?", result.ProbeSkip: "–",
}

// probeClass is the class by which a status gets its colour.
func probeClass(s result.ProbeStatus) string {
	switch s {
	case result.ProbePass, result.ProbeFail, result.ProbeSkip:
		return s.String()
	case result.ProbeWarn, result.ProbeInconclusive:
	}
	return "inconclusive" // also one of a later version: never green
}

// sign is the mark of a status.
func sign(s result.ProbeStatus) string {
	if mark, ok := signs[s]; ok {
		return mark
	}
	return "?"
}

// newPageMatrix returns the matrix, or nil where there are not two to compare.
func newPageMatrix(s result.Suite) *pageMatrix {
	m := &pageMatrix{}
	cells := make(map[string][]pageMatrixCell)
	var rows []string
	probed := slices.DeleteFunc(slices.Clone(s.Subjects), func(s result.Subject) bool { return len(s.Probes) == 0 })
	if len(probed) < 2 {
		return nil
	}
	for i, subject := range s.Subjects {
		if len(subject.Probes) == 0 {
			continue
		}
		column := len(m.Names)
		m.Names = append(m.Names, shorten(clean(bounded(subject.Name)), maxName))
		for _, p := range pageProbes(subjectID(i), subject) {
			if cells[p.Name] == nil {
				cells[p.Name] = make([]pageMatrixCell, len(probed))
				rows = append(rows, p.Name)
			}
			if at := &cells[p.Name][column]; at.To == "" { // two of one name would be a mistake: the first, worse one is shown
				*at = pageMatrixCell{p.Class, p.Mark, p.Status, p.ID}
			}
		}
	}
	m.Upright = len(m.Names) >= tallNames
	slices.Sort(rows) // by family
	if more := len(rows) - maxProbes; more > 0 {
		rows, m.More = rows[:maxProbes], fmt.Sprintf("And %s more; --report json has all of them.", number(more))
	}
	for _, name := range rows {
		m.Rows = append(m.Rows, pageMatrixRow{name, cells[name]})
	}
	for _, status := range probeOrder {
		m.Legend = append(m.Legend, pageProbe{Class: probeClass(status), Mark: sign(status), Status: status.String()})
	}
	return m
}

// subjectID is the anchor of a subject.
func subjectID(i int) string { return fmt.Sprintf("s%d", i+1) }

// pageProbes are the probes of a subject, the worst first.
func pageProbes(id string, s result.Subject) []pageProbe {
	worst := func(p result.Probe) int {
		if i := slices.Index(probeOrder, p.Status); i >= 0 {
			return i
		}
		return 1 // of a later version: as one that could not be judged
	}
	probes := slices.Clone(s.Probes)
	slices.SortStableFunc(probes, func(a, b result.Probe) int { return worst(a) - worst(b) })
	var all []pageProbe
	for i, p := range probes[:min(len(probes), maxProbes)] {
		all = append(all, pageProbe{
			ID: fmt.Sprintf("%s-p%d", id, i+1), Name: shorten(clean(bounded(probeName(p))), maxName),
			Class: probeClass(p.Status), Mark: sign(p.Status), Status: p.Status.String(), State: short(p.State), Seen: short(p.Seen),
			Facts: probeFacts(p), Open: p.Status != result.ProbePass && p.Status != result.ProbeSkip,
		})
	}
	return all
}

// probeFacts are what is told of a probe beside its state and what was seen.
func probeFacts(p result.Probe) (facts []pageFact) {
	often := ""
	if p.Repeats > 1 {
		often = fmt.Sprintf("%s times, each on a fresh process", number(p.Repeats))
	}
	for _, f := range []pageFact{
		{"proof", p.Proof},
		{"requires", p.Requirement},
		{"reference", p.Reference},
		{"remedy", remedy(p)},
		{"bugs", strings.Join(p.Bugs, ", ")},
		{"repeated", often},
	} {
		if f.Text != "" {
			facts = append(facts, pageFact{f.Name, short(f.Text)})
		}
	}
	return facts
}

// onlyProbed says in the list of verdicts what the probes came to, where there were
// no requests.
func (one *pageSubject) onlyProbed(s result.Subject) {
	one.Headline, one.Sentence, one.Strip = probeCounts(s)+".", true, ""
	one.Why = probesWhy(s)
	count := make(map[result.ProbeStatus]int)
	for _, p := range s.Probes {
		count[p.Status]++
	}
	one.ShareText = fmt.Sprintf("%s of %s passed", number(count[result.ProbePass]), number(len(s.Probes)))
	one.Share = show(picture.DrawParts(len(s.Probes), []picture.Part{
		{Colour: history.Completed, N: count[result.ProbePass]},
		{Colour: history.Refused, N: count[result.ProbeSkip]},
		{Colour: history.Rejected, N: count[result.ProbeWarn]},
		{Colour: history.Failed, N: count[result.ProbeInconclusive]},
		{Colour: history.Dropped, N: count[result.ProbeFail]},
	}), "")
}

// probesWhy names the probes that decide the verdict.
func probesWhy(s result.Subject) string {
	const most = 4
	for _, c := range []struct {
		status result.ProbeStatus
		word   string
	}{{result.ProbeFail, "Failed"}, {result.ProbeInconclusive, "Inconclusive"}, {result.ProbeWarn, "Warned of"}} {
		var names []string
		for _, p := range s.Probes {
			if p.Status == c.status {
				names = append(names, shorten(clean(probeName(p)), maxName))
			}
		}
		if more := len(names) - most; more > 0 {
			names = append(names[:most], "and "+number(more)+" more")
		}
		if len(names) > 0 {
			return c.word + ": " + strings.Join(names, ", ") + "."
		}
	}
	if onlySkips(s) {
		return "Every probe was skipped, so nothing is known."
	}
	return ""
}
