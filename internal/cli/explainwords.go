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

// terms are the words of lastcall's reports and help that are no outcome and no column.
// docs/design.md has the same.
func terms() []entry {
	return []entry{
		{"strategy", "A named way for a sample server to stop."},
		{"subject", "The server under test: a strategy's process, or your command."},
		{"scenario", "The description of an experiment: load, disruption, subject, policy."},
		{"shutdown", "One cycle of start, load, signal, drain and exit: the unit of repetition."},
		{"history", "Everything observed in one shutdown, on one monotonic clock."},
		{"outcome", "How one scheduled request ended."},
		{"scheduled", "A request that the load generator was due to send."},
		{"exposed", "In flight or late, or dropped after the signal."},
		{"lost", "In flight and not completed, or late and dropped."},
		{"edge", "Read at the very instant of the signal: neither in flight nor late is proven."},
		{"reused", "On a kept-alive connection that has served before."},
		{"fresh", "On a new connection."},
		{"grace-period", "How long the process may take to exit. After it comes SIGKILL."},
		{"lag", "How long a load balancer goes on sending after the signal."},
		{"leader", "The process that lastcall started."},
		{"parked", "A connection that is opened before the load and held while the server stops."},
		{"open-loop", "Requests are sent at their rate, even if the server is slow."},
		{"ledger", "The server's own record of what it received, executed and answered."},
		{"bin", "One step of a sweep: the requests sent within it are counted together."},
		{"look", "One question to the kernel about all open connections."},
		{"probe", "A check with connections in one exact state when the signal arrives."},
		{"rule", "One guarantee, judged from histories, with the standard that asks for it."},
		{"policy", "Which rules are required, which only warn, and their numbers (grace, lag, exit codes)."},
	}
}

func listWords() ([]entry, error) { return terms(), nil }

func explainWord(w page, name string) error {
	for _, e := range terms() {
		if e.name == name {
			fmt.Fprintf(w, "%s (word)\n%s\n", name, reports.Labelled("Meaning", labels, e.summary))
		}
	}
	return nil
}
