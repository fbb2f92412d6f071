package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"lastcall/harness/check"
	"lastcall/harness/scenario"
	"lastcall/internal/highlight"
	"lastcall/reports"
	"lastcall/scenarios"
)

// explainScenario prints what is a scenario's file again: all that is said about
// it stands in comments above it.
func explainScenario(w page, name string) error {
	source, _ := scenarios.Source(name)
	s, err := scenarios.Load(name)
	if err != nil {
		return err
	}
	said := []entry{
		{"Purpose", s.Purpose},
		{"Run it", "lastcall compare --scenario " + name + ", or on your own server: lastcall test --scenario " + name + " -- COMMAND"},
	}
	if asks := asksFor(s.Load); asks != "" {
		said = append(said, entry{"Asks for", asks})
	}
	inEffect, err := effective(s)
	if err != nil {
		return err
	}
	said = append(said, entry{"In effect", inEffect})
	text := fmt.Sprintf("# %s (scenario)\n", name)
	for _, line := range said {
		text += comment(reports.Labelled(line.name, labels, line.summary))
	}
	text += "\n" + source
	if w.color {
		return highlight.YAML(w, text)
	}
	_, err = io.WriteString(w, text)
	return err
}

// comment makes comments of lines that are indented by two blanks.
func comment(lines string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(lines, "\n") {
		fmt.Fprintf(&b, "# %s\n", strings.TrimPrefix(line, "  "))
	}
	return b.String()
}

// asksFor says which paths a server of one's own has to have, or how others are
// named in their place.
func asksFor(l scenario.Load) string {
	var paths []string
	for _, r := range l.Requests {
		paths = append(paths, fmt.Sprintf("%s (%s; other ones: --url)", r.URL, cmp.Or(r.Method, l.Method)))
	}
	for _, p := range l.Parked {
		if p.URL != "" {
			paths = append(paths, fmt.Sprintf("%s (%s)", p.URL, p.Kind))
		}
	}
	if len(paths) == 0 {
		return ""
	}
	text := strings.Join(paths, ", ") + ": your own server must have them"
	if len(l.Parked) > 0 {
		text += ", or name others with --park websocket=/chat,5 --park events=/stream,5 --park idle,3 --park silent,3, in place of all of these " +
			"(a file's load.parked can have a header, too)"
	}
	return text
}

// effective says what holds where the file says nothing: what it inherits from
// the default scenario, and what its policy decides.
func effective(s scenario.Scenario) (string, error) {
	policy, resolved, err := check.Resolve(s)
	if err != nil {
		return "", err
	}
	resolved = scenario.Complete(resolved)
	by := func(inherited bool) string {
		if inherited {
			return " (policy " + policy.Name + ")"
		}
		return ""
	}
	load, d := resolved.Load, resolved.Disruption
	parts := []string{fmt.Sprintf("%d requests/s, connections %s", load.Rate, load.Connections)}
	if len(load.Requests) == 0 {
		parts = append(parts, fmt.Sprintf("delay %s of the sample handler", resolved.Subject.Delay))
	}
	if d.Unloaded() {
		parts = []string{"no load"}
	}
	lag := "no lag"
	if d.Lag.Duration > 0 {
		lag = "lag " + d.Lag.String()
	}
	parts = append(parts,
		fmt.Sprintf("%s to the %s%s", d.Signal, d.Target, by(s.Disruption.Target == "")),
		fmt.Sprintf("grace %s%s", d.Grace, by(s.Disruption.Grace.Duration == 0)),
		lag+by(s.Disruption.Lag.Duration == 0),
		fmt.Sprintf("%d shutdowns", resolved.Shutdowns),
	)
	return strings.Join(parts, ", "), nil
}
