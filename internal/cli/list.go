package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/reports"
	"lastcall/scenarios"
	"lastcall/targets"
)

// entry is one line of a list.
type entry struct{ name, summary string }

// kind is something that can be listed and explained.
type kind struct {
	name    string
	entries func() ([]entry, error)
	explain func(w page, name string) error
}

// kinds returns all that can be listed and explained, in printing order.
func kinds() []kind {
	return []kind{
		{"strategies", listStrategies, explainStrategy},
		{"scenarios", listScenarios, explainScenario},
		{"rules", listRules, explainRule},
		{"policies", listPolicies, explainPolicy},
		{"probes", listProbes, explainProbe},
		{"outcomes", listOutcomes, explainOutcome},
		{"columns", listColumns, explainColumn},
		{"words", listWords, explainWord},
		{"bugs", listBugs, explainBug},
	}
}

func kindNames() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

func newList(s streams) *cobra.Command {
	return &cobra.Command{
		Use:       "list [" + strings.Join(kindNames(), "|") + "]",
		Short:     "List strategies, scenarios, rules, policies, probes, outcomes, columns, words and bugs",
		Example:   "  lastcall list\n  lastcall list strategies",
		ValidArgs: kindNames(),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("lastcall list takes one kind, got %s", strings.Join(args, " "))
			}
			found := false
			for _, k := range kinds() {
				if len(args) == 1 && args[0] != k.name {
					continue
				}
				if found {
					fmt.Fprintln(s.out)
				}
				found = true
				if err := printList(s.out, k); err != nil {
					return err
				}
			}
			if !found {
				return usagef("unknown kind %q: %s", args[0], hint(args[0], kindNames()))
			}
			return nil
		},
	}
}

func printList(w io.Writer, k kind) error {
	entries, err := k.entries()
	if err != nil {
		return err
	}
	widest := 0
	for _, e := range entries {
		widest = max(widest, len(e.name))
	}
	fmt.Fprintf(w, "%s\n", k.name)
	for _, e := range entries {
		if _, err := fmt.Fprintln(w, reports.Labelled(e.name, widest, e.summary)); err != nil {
			return err
		}
	}
	return nil
}

func listStrategies() (all []entry, err error) {
	for _, s := range targets.All() {
		summary := s.Summary
		if s.Faulty {
			summary = "(faulty) " + summary
		}
		all = append(all, entry{s.Name, summary})
	}
	return all, nil
}

func listScenarios() (all []entry, err error) {
	for _, name := range scenarios.Names() {
		s, err := scenarios.Load(name)
		if err != nil {
			return nil, err
		}
		all = append(all, entry{name, s.Purpose})
	}
	return all, nil
}

func listRules() (all []entry, err error) {
	for _, r := range check.Rules() {
		all = append(all, entry{r.Name, r.Asks})
	}
	return all, nil
}

func listPolicies() (all []entry, err error) {
	for _, p := range check.Policies() {
		all = append(all, entry{p.Name, p.Summary})
	}
	return all, nil
}

func listOutcomes() (all []entry, err error) {
	for _, o := range history.Outcomes() {
		all = append(all, entry{o.String(), o.Meaning()})
	}
	return all, nil
}
