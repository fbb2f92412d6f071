package reports

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// probeFindings returns what the probes came to in the form of findings, for the
// reports that show both alike. A skip is to a probe what not-exercised is to a
// rule.
func probeFindings(s result.Subject) []named {
	var all []named
	for _, p := range s.Probes {
		f := result.Finding{
			Rule: p.Probe, Status: asStatus(p.Status), Count: p.Lost, Judged: p.Of,
			Expected: p.Requirement, Detail: p.Seen, Reference: p.Reference,
		}
		all = append(all, named{Finding: f, name: clean(probeName(p)), remedy: remedy(p)})
	}
	return all
}

// remedy is what would help, where it is known that something has to be helped.
func remedy(p result.Probe) string {
	if p.Status == result.ProbePass || p.Status == result.ProbeInconclusive {
		return ""
	}
	return p.Remedy
}

// asStatus is a probe's status as that of a finding.
func asStatus(s result.ProbeStatus) result.Status {
	switch s {
	case result.ProbePass:
		return result.Satisfied
	case result.ProbeWarn:
		return result.Warned
	case result.ProbeFail:
		return result.Violated
	case result.ProbeSkip:
		return result.NotExercised
	case result.ProbeInconclusive:
	}
	return result.Unjudged // also one of a later version
}

// onlySkips reports whether a subject was probed, and nothing came of it.
func onlySkips(s result.Subject) bool {
	ran := func(p result.Probe) bool { return p.Status != result.ProbeSkip }
	return len(s.Probes) > 0 && !slices.ContainsFunc(s.Probes, ran)
}

// foldedProbes are the probes of one subject, behind a line that opens them.
func foldedProbes(w io.Writer, s result.Subject) {
	if len(s.Probes) == 0 {
		return
	}
	fmt.Fprintf(w, "\n<details>\n<summary>%s: %s, the probes</summary>\n\n",
		html.EscapeString(clean(s.Name)), Style{}.passed(s))
	fmt.Fprint(w, "| probe | state at the signal | verdict | seen |\n| :--- | :--- | :--- | :--- |\n")
	for _, p := range s.Probes {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", markdown(probeName(p)), markdown(p.State), p.Status, markdown(p.Seen))
	}
	for _, p := range s.Probes {
		if p.Status == result.ProbePass || p.Status == result.ProbeSkip {
			continue
		}
		fmt.Fprintf(w, "\n**%s: %s**\n\n", markdown(probeName(p)), p.Status)
		for _, line := range aboutProbe(p) {
			fmt.Fprintf(w, "- %s: %s\n", line[0], markdown(line[1]))
		}
	}
	fmt.Fprint(w, "\n</details>\n")
}

// aboutProbe is what is told of a probe that did not pass.
func aboutProbe(p result.Probe) (lines [][2]string) {
	p.Remedy = remedy(p)
	for _, line := range [][2]string{
		{"state", p.State},
		{"seen", p.Seen},
		{"proof", p.Proof},
		{"requires", p.Requirement},
		{"reference", p.Reference},
		{"remedy", p.Remedy},
		{"bugs", strings.Join(p.Bugs, ", ")},
	} {
		if line[1] != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// probeFlags are the flags of a scenario's keys that lastcall probe has.
var probeFlags = []string{"signal", "signal-target", "grace", "lag", "policy", "rule", "exit-code"}

// repeatProbes is the command that probes again, or "" where the suite does not
// hold it.
func repeatProbes(s result.Suite) string {
	args := []string{"lastcall", "probe"}
	repeats := 1
	for _, subject := range s.Subjects {
		if subject.Kind != scenario.KindStrategy {
			return ""
		}
		args = append(args, quote(subject.Name))
	}
	for i, p := range s.Subjects[0].Probes { // the same for all
		repeats = max(repeats, p.Repeats)
		if i == 0 || p.Probe != s.Subjects[0].Probes[i-1].Probe {
			args = append(args, quote(p.Probe))
		}
	}
	args = append(args, "--repeats", fmt.Sprint(repeats))
	for _, key := range scenario.Keys() {
		if !slices.Contains(probeFlags, key.Flag) {
			continue
		}
		for _, value := range key.Values(s.Scenario) {
			args = append(args, "--"+key.Flag, quote(value))
		}
	}
	return strings.Join(args, " ")
}
