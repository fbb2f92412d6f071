package reports

import (
	"slices"
	"strings"

	"lastcall/harness/result"
)

// column is one column of the comparison.
type column struct {
	group string // what stands above it and its neighbours, "" if nothing does
	name  string // a line feed may break it
	words bool   // it holds words, and not numbers
	loses bool   // a number in it is bad
	cell  func(s result.Subject, r room) string
}

// columnsOf are the columns that have something to say of a suite: those of the
// requests where a load was sent, and some only where a subject has a number for
// them. A number that stood in no column would look as if there were none.
func (style Style) columnsOf(s result.Suite) []column {
	all := []column{{name: noun(s), words: true, cell: func(s result.Subject, r room) string { return shorten(clean(s.Name), r.name) }}}
	if !s.Scenario.Disruption.Unloaded() {
		all = append(all, inFlightColumns(s)...)
		all = append(all, lateColumns()...)
		all = append(all, witnessColumns(s)...)
	}
	return append(all,
		column{name: "exit", words: true, cell: func(s result.Subject, r room) string { return exit(s, r.exit) }},
		column{name: "verdict", words: true, cell: func(s result.Subject, _ room) string { return style.verdict(s.Verdict) }},
	)
}

// inFlightColumns add up to all that was in flight.
func inFlightColumns(s result.Suite) []column {
	const group = "in flight"
	all := []column{
		counted(group, "completed", func(s result.Subject) int { return s.InFlight.Completed }),
		counted(group, "rejected", func(s result.Subject) int { return s.InFlight.Rejected }).losing(),
		counted(group, "dropped", func(s result.Subject) int { return s.InFlight.Dropped }).losing(),
	}
	failed := func(s result.Subject) int { return s.InFlight.Failed }
	if some(s, failed) {
		all = slices.Insert(all, 2, counted(group, "failed", failed).losing())
	}
	return all
}

func lateColumns() []column {
	const group = "late"
	return []column{
		counted(group, "dropped", func(s result.Subject) int { return s.LateOrEdge().Dropped }),
		counted(group, "at risk", func(s result.Subject) int { return s.LateOrEdge().AtRisk() }),
		counted("", "refused", func(s result.Subject) int { return s.Requests.Refused }),
	}
}

// witnessColumns are of what no answer tells: acknowledged work that is not there,
// and parked connections that were cut, or that a server ended which promised to
// stay up.
func witnessColumns(s result.Suite) (all []column) {
	if some(s, lostAcks) {
		all = append(all, counted("", "lost\nacks", lostAcks).losing())
	}
	if some(s, func(s result.Subject) int { return parkedOf(s).Held }) {
		if len(s.Scenario.Disruption.While) > 0 {
			all = append(all, counted("parked", "ended", func(s result.Subject) int { return parkedOf(s).Ended }).losing())
		}
		all = append(all, counted("parked", "cut", func(s result.Subject) int { return parkedOf(s).Cut }).losing())
	}
	return all
}

// lostAcks is what the ledger counts, or, where the finding has more, that.
func lostAcks(s result.Subject) int {
	n := s.Ledger.LostAcks
	for _, f := range s.Findings {
		if f.Rule == "no-lost-ack" {
			n = max(n, f.Count)
		}
	}
	return n
}

// parkedOf sums up the parked connections of all shutdowns that could be judged.
func parkedOf(s result.Subject) (sum result.Parked) {
	for _, d := range s.Details {
		for _, p := range d.Parked {
			if d.Intact {
				sum.Held, sum.Cut, sum.Ended = sum.Held+p.Held, sum.Cut+p.Cut, sum.Ended+p.Ended
			}
		}
	}
	return sum
}

func some(s result.Suite, count func(result.Subject) int) bool {
	return slices.ContainsFunc(s.Subjects, func(s result.Subject) bool { return count(s) > 0 })
}

func counted(group, name string, count func(result.Subject) int) column {
	return column{group: group, name: name, cell: func(s result.Subject, r room) string { return r.number(count(s)) }}
}

func (c column) losing() column {
	c.loses = true
	return c
}

// head is the column's header in a terminal: two lines, of which the first is the
// group's if the column is the first of it.
func (c column) head(before column) string {
	switch {
	case strings.Contains(c.name, "\n"):
		return c.name
	case c.group == "" || c.group == before.group:
		return "\n" + c.name
	}
	return c.group + "\n" + c.name
}

// narrow breaks the headers that are wider than their numbers.
var narrow = strings.NewReplacer("in flight", "in\nflight", "completed", "com-\npleted", "rejected", "re-\njected", "dropped", "drop-\nped", "refused", "re-\nfused", "at risk", "at\nrisk")

// title is the header in one line.
func (c column) title(before column) string {
	return strings.TrimSpace(strings.ReplaceAll(c.head(before), "\n", " "))
}

func rowOf(all []column, s result.Subject, r room) []string {
	cells := make([]string, 0, len(all))
	for _, c := range all {
		cells = append(cells, c.cell(s, r))
	}
	return cells
}
