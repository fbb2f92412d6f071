package cli

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lastcall/harness/probe"
	"lastcall/internal/samples"
	"lastcall/reports"
	"lastcall/targets"
)

// isPattern reports whether an argument means probes: every probe has a slash in
// its name, and no strategy has.
func isPattern(arg string) bool { return strings.ContainsAny(arg, "/*?[") }

// selectCases returns the probes that the patterns mean, in the order of the
// catalogue; all of them without a pattern.
func selectCases(patterns []string) ([]probe.Case, error) {
	all := probe.Catalogue()
	if len(patterns) == 0 {
		return all, nil
	}
	met := make(map[string]bool)
	for _, pattern := range patterns {
		found := false
		for _, c := range all {
			if meant(pattern, c.ID) {
				met[c.ID], found = true, true
			}
		}
		if !found {
			return nil, usagef("unknown probe %q: %s", pattern, probeHint(pattern))
		}
	}
	return slices.DeleteFunc(all, func(c probe.Case) bool { return !met[c.ID] }), nil
}

// meant reports whether a pattern means a probe: by its name, its family, or a
// pattern as a shell has it.
func meant(pattern, id string) bool {
	if strings.HasSuffix(pattern, "/") {
		return strings.HasPrefix(id, pattern)
	}
	ok, err := path.Match(pattern, id)
	return err == nil && ok
}

// probeHint is the nearest probe, or the families.
func probeHint(wrong string) string {
	if near := nearest(wrong, probeNames()); near != "" {
		return "did you mean " + near + "?"
	}
	return "lastcall list probes prints all names; the families are " + strings.Join(probeFamilies(), ", ")
}

// probeFamily is the family of probes that somebody meant who left out its slash,
// "" if none is called so.
func probeFamily(name string) string {
	if family := name + "/"; slices.Contains(probeFamilies(), family) {
		return family
	}
	return ""
}

func probeFamilies() (families []string) {
	for _, name := range probeNames() {
		family, _, _ := strings.Cut(name, "/")
		if family += "/"; !slices.Contains(families, family) {
			families = append(families, family)
		}
	}
	return families
}

func probeNames() []string {
	var names []string
	for _, c := range probe.Catalogue() {
		names = append(names, c.ID)
	}
	return names
}

// completeProbes offers probes and strategies to the shell.
func completeProbes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return append(probeNames(), samples.Names()...), cobra.ShellCompDirectiveNoFileComp
}

func listProbes() (all []entry, err error) {
	for _, c := range probe.Catalogue() {
		all = append(all, entry{c.ID, c.Requires})
	}
	return all, nil
}

func explainProbe(w page, name string) error {
	for _, c := range probe.Catalogue() {
		if c.ID != name {
			continue
		}
		fmt.Fprintf(w, "%s (probe)\n", c.ID)
		for _, line := range probeLines(c) {
			if line.summary != "" {
				fmt.Fprintln(w, reports.Labelled(line.name, labels, line.summary))
			}
		}
	}
	return nil
}

// bugTitles adds to each number what the bug is.
func bugTitles(numbers []string) (all []string) {
	known := targets.Bugs()
	for _, number := range numbers {
		all = append(all, number+": "+known[number])
	}
	return all
}

// probeLines is all that is known of a probe before it is run.
func probeLines(c probe.Case) []entry {
	kind := "Placed: it is repeated. One proven breach is a FAIL, and a PASS needs all repeats."
	if c.Race {
		kind = "A race: it is provoked and repeated. One loss proves it."
	}
	var notes []string
	if c.Braked {
		notes = append(notes, "The server's processes are stopped (SIGSTOP) while the connections are parked. This can be proved on Linux only.")
	}
	return []entry{
		{"State", c.State},
		{"Requires", c.Requires},
		{"Kind", strings.Join(append([]string{kind}, notes...), " ")},
		{"Variants", strings.Join(c.Variants, ", ")},
		{"Needs", strings.Join(c.Flags(), ", ")},
		{"Severity", "as of a breach of the rule " + c.Rule},
		{"Reference", c.Reference},
		{"Remedy", c.Remedy},
		{"Bugs", strings.Join(bugTitles(c.Bugs), "; ")},
	}
}
