package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/scenarios"
	"lastcall/targets"
)

func newExplain(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "explain NAME",
		Short: "Explain a strategy (with its source), scenario, rule, policy or outcome",
		Example: `  lastcall explain signal-notify
  lastcall explain in-flight-completes
  lastcall explain dropped`,
		Args: oneArg("a name"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return allNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			for _, k := range kinds() {
				entries, err := k.entries()
				if err != nil {
					return err
				}
				for _, e := range entries {
					if e.name == args[0] {
						return k.explain(s.out, e.name)
					}
				}
			}
			near := nearest(args[0], allNames())
			if near == "" {
				return usagef("nothing is called %q: lastcall list names all that can be explained", args[0])
			}
			return usagef("nothing is called %q: did you mean %s?", args[0], near)
		},
	}
}

func allNames() []string {
	var names []string
	for _, k := range kinds() {
		entries, err := k.entries()
		if err != nil {
			continue // completion offers what it can
		}
		for _, e := range entries {
			names = append(names, e.name)
		}
	}
	return names
}

func explainStrategy(w io.Writer, name string) error {
	s, _ := targets.ByName(name)
	_, err := fmt.Fprintf(w, `%s (strategy)
  %s

  When:     %s
  Costs:    %s
  Verdict:  %s

%s`, s.Name, s.Summary, s.When, s.Costs, s.Verdict, s.Source())
	return err
}

func explainScenario(w io.Writer, name string) error {
	source, _ := scenarios.Source(name)
	s, err := scenarios.Load(name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s (scenario)\n  %s\n\n%s", name, s.Purpose, source)
	return err
}

func explainRule(w io.Writer, name string) error {
	for _, r := range check.Rules() {
		if r.Name != name {
			continue
		}
		fmt.Fprintf(w, "%s (rule)\n  %s\n\n", r.Name, r.Asks)
		if r.Excuses != "" {
			fmt.Fprintf(w, "  Excused:    %s\n", r.Excuses)
		}
		fmt.Fprintf(w, "  Reference:  %s\n", r.Reference)
		for _, p := range check.Policies() {
			fmt.Fprintf(w, "  Policy %s: %s\n", p.Name, p.Levels[r.Name])
		}
	}
	return nil
}

func explainPolicy(w io.Writer, name string) error {
	p, _ := check.PolicyByName(name)
	fmt.Fprintf(w, "%s (policy)\n  %s\n  %s\n\n", p.Name, p.Summary, p.Source)
	fmt.Fprintf(w, "  At least %d requests must be at risk, over all shutdowns, for a pass.\n\n", p.MinAtRisk)
	for _, r := range check.Rules() {
		fmt.Fprintf(w, "  %-24s %s\n", r.Name, p.Levels[r.Name])
	}
	return nil
}

func explainOutcome(w io.Writer, name string) error {
	var o history.Outcome
	if err := o.UnmarshalText([]byte(name)); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s (outcome)\n  %s\n", o, o.Meaning())
	if o == history.Dropped {
		fmt.Fprintln(w, `
  Causes:
    closed     the connection was closed (FIN) before the first byte of the answer
    reset      it was reset (RST) before the first byte of the answer
    truncated  it was closed or reset after the first byte of the answer
    hung       no whole answer came by the deadline
    corrupt    what came was not the answer that was announced`)
	}
	return nil
}
