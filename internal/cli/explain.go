package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/reports"
)

func newExplain(s streams) *cobra.Command {
	var noColor bool
	cmd := &cobra.Command{
		Use:   "explain NAME",
		Short: "Explain a strategy (with its source), scenario, rule, policy, probe, outcome, column, word or bug",
		Example: `  lastcall explain signal-notify
  lastcall explain in-flight-completes
  lastcall explain dropped
  lastcall explain at risk
  lastcall explain steady > my.yaml`,
		Args: someName,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return allNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			wanted := strings.ReplaceAll(strings.Join(args, "-"), " ", "-") // as in: explain at risk
			for _, k := range kinds() {
				entries, err := k.entries()
				if err != nil {
					return err
				}
				for _, e := range entries {
					if strings.EqualFold(e.name, wanted) {
						return k.explain(page{s.out, colored(noColor, s.out)}, e.name)
					}
				}
			}
			if len(args) > 1 {
				return usagef("explain takes one name, got %s", strings.Join(args, " "))
			}
			near := nearest(args[0], allNames())
			if near == "" {
				return usagef("%q is unknown: lastcall list prints all names", args[0])
			}
			return usagef("%q is unknown: did you mean %s?", args[0], near)
		},
	}
	registerNoColor(cmd.Flags(), &noColor)
	return cmd
}

// someName asks for a name, which may have been written in several words.
func someName(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return oneArg("a name")(cmd, args)
	}
	return nil
}

// page is where an explanation is written.
type page struct {
	io.Writer
	color bool // source code may be in colour
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

// labels is how wide the labels of an explanation are.
const labels = 9

func explainRule(w page, name string) error {
	for _, r := range check.Rules() {
		if r.Name != name {
			continue
		}
		fmt.Fprintf(w, "%s (rule)\n%s\n", r.Name, reports.Labelled("Asks", labels, r.Asks))
		if r.Excuses != "" {
			fmt.Fprintln(w, reports.Labelled("Excuses", labels, r.Excuses))
		}
		if r.Needs != "" {
			fmt.Fprintln(w, reports.Labelled("Needs", labels, r.Needs))
		}
		fmt.Fprintln(w, reports.Labelled("Reference", labels, r.Reference))
		fmt.Fprintln(w)
		for _, p := range check.Policies() {
			fmt.Fprintln(w, reports.Labelled("Policy "+p.Name, labels+6, p.Levels[r.Name].String()))
		}
	}
	return nil
}

func explainPolicy(w page, name string) error {
	p, _ := check.PolicyByName(name)
	fmt.Fprintf(w, "%s (policy)\n%s\n%s\n\n", p.Name,
		reports.Labelled("What", labels, p.Summary), reports.Labelled("Source", labels, p.Source))
	for _, line := range p.Why {
		fmt.Fprintln(w, reports.Labelled("-", 0, line))
	}
	lag := "none: the load goes on to the end"
	if p.Lag > 0 {
		lag = p.Lag.String() + " after the signal; no request is sent later (--lag)"
	}
	fmt.Fprintln(w)
	for _, line := range []entry{
		{"Grace", p.Grace.String() + " until SIGKILL (--grace)"},
		{"Lag", lag},
		{"Signal", "to the " + p.Target + " (--signal-target)"},
		{"Sample", fmt.Sprintf("at least %d requests must be at risk, over all shutdowns, for a pass (--min-at-risk)", p.MinAtRisk)},
	} {
		fmt.Fprintln(w, reports.Labelled(line.name, labels, line.summary))
	}
	fmt.Fprintln(w)
	for _, r := range check.Rules() {
		fmt.Fprintf(w, "  %-24s %s\n", r.Name, p.Levels[r.Name])
	}
	_, err := fmt.Fprintln(w, "\n  Any of these can be changed: --rule NAME=fail, warn or off, or overrides in a file.")
	return err
}

func explainOutcome(w page, name string) error {
	var o history.Outcome
	if err := o.UnmarshalText([]byte(name)); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s (outcome)\n%s\n%s\n", o, reports.Labelled("Meaning", labels, o.Meaning()), reports.Labelled("In table", labels, inTheTable(o)))
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
