package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/probe"
	"lastcall/reports"
	"lastcall/targets"
)

// listColumns are the words above the table.
func listColumns() (all []entry, err error) {
	for _, c := range reports.Columns() {
		all = append(all, entry{c.Name, c.Meaning})
	}
	return all, nil
}

func explainColumn(w page, name string) error {
	for _, c := range reports.Columns() {
		if c.Name == name {
			fmt.Fprintf(w, "%s (column)\n%s\n", name, reports.Labelled("Meaning", labels, c.Meaning))
		}
	}
	return nil
}

// inTheTable says where an outcome stands in the table.
func inTheTable(o history.Outcome) string {
	switch o {
	case history.Rejected, history.Failed:
		return "a column of the requests in flight"
	case history.Refused:
		return "a column of all requests: they could not connect, could go elsewhere, and were not done twice"
	case history.Completed:
		return "a column of the requests in flight"
	case history.Dropped:
		return "a column of the requests in flight, and one of the late requests"
	case history.Pending, history.Unsent:
	}
	return "in the line below it only"
}

// listBugs are the bugs of real servers that a strategy or a probe cites.
func listBugs() (all []entry, err error) {
	bugs := targets.Bugs()
	for _, number := range slices.Sorted(maps.Keys(bugs)) {
		all = append(all, entry{number, bugs[number]})
	}
	return all, nil
}

func explainBug(w page, number string) error {
	fmt.Fprintf(w, "%s (bug)\n%s\n", number, reports.Labelled("What", labels, targets.Bugs()[number]))
	if probes := probesOf(number); len(probes) > 0 {
		fmt.Fprintln(w, reports.Labelled("Probes", labels, strings.Join(probes, ", ")))
	}
	for _, s := range targets.All() {
		if s.Bug != number {
			continue
		}
		for _, line := range []entry{
			{"Carrier", s.Name + ": " + strings.ToLower(s.Summary[:1]) + s.Summary[1:]},
			{"Shows in", s.Shows + ", by " + s.Breaks},
			{"See it", "lastcall compare " + s.SeeIt()},
		} {
			fmt.Fprintln(w, reports.Labelled(line.name, labels, line.summary))
		}
	}
	return nil
}

// probesOf are the probes that look for a bug.
func probesOf(number string) (all []string) {
	for _, c := range probe.Catalogue() {
		if slices.Contains(c.Bugs, number) {
			all = append(all, c.ID)
		}
	}
	return all
}
