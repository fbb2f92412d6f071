package reports

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/result"
)

// maxEvidence is how many pieces of evidence a report for CI names. All of them
// are in the JSON report.
const maxEvidence = 20

// named is a finding under a name that no other finding of its subject has: CI
// systems take two cases of one name for one.
type named struct {
	result.Finding
	name   string
	remedy string // what would help, where a probe knows
}

// findings returns what the rules and the probes came to for a subject, each under
// a name of its own.
func findings(s result.Subject) []named {
	list, taken := ruleFindings(s), make(map[string]bool)
	for _, f := range list {
		taken[f.name] = true
	}
	for _, f := range probeFindings(s) {
		f.name = unused(f.name, taken)
		list = append(list, f)
	}
	return list
}

// unused returns a name that is not taken yet, and takes it.
func unused(base string, taken map[string]bool) string {
	name := base
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s (%d)", base, n)
	}
	taken[name] = true
	return name
}

// ruleFindings returns what the rules came to. A verdict that no finding accounts for is one more: what did not pass
// must not look green because the reason is missing.
func ruleFindings(s result.Subject) []named {
	all := s.Findings
	if f, ok := unexplained(s); ok {
		all = append(slices.Clip(all), f)
	}
	rules, taken := make(map[string]int), make(map[string]bool)
	for _, f := range all {
		rules[clean(f.Rule)]++
	}
	list := make([]named, len(all))
	for i, f := range all {
		base := clean(f.Rule)
		if shutdown := onlyShutdown(f); rules[base] > 1 && shutdown > 0 {
			base = fmt.Sprintf("%s, %s %d", base, occasion(s), shutdown)
		}
		list[i] = named{Finding: f, name: unused(base, taken)}
	}
	return list
}

// onlyShutdown is the shutdown that all evidence of a finding is from, or 0.
func onlyShutdown(f result.Finding) int {
	shutdown := 0
	for i, e := range f.Evidence {
		if i > 0 && e.Shutdown != shutdown {
			return 0
		}
		shutdown = e.Shutdown
	}
	return shutdown
}

// unexplained is the verdict as a finding, if no other finding accounts for it.
func unexplained(s result.Subject) (result.Finding, bool) {
	has := func(statuses ...result.Status) bool {
		return slices.ContainsFunc(s.Findings, func(f result.Finding) bool { return slices.Contains(statuses, f.Status) }) ||
			slices.ContainsFunc(s.Probes, func(p result.Probe) bool { return slices.Contains(statuses, asStatus(p.Status)) })
	}
	f := result.Finding{Rule: "verdict", Expected: "a verdict that its findings explain", Reference: "every verdict is earned"}
	switch s.Verdict {
	case result.Fail:
		f.Status = result.Violated
		f.Detail = "the verdict is fail, and no finding says why"
		return f, !has(result.Violated)
	case result.Pass:
		f.Detail = "the verdict is pass, and no rule judged anything"
		return f, !has(result.Satisfied, result.Warned, result.Violated, result.Unjudged)
	case result.Inconclusive:
	}
	f.Detail = "the verdict is inconclusive, and no finding says why"
	if onlySkips(s) {
		f.Expected, f.Detail = "at least one probe that could be carried out", "every probe was skipped"
	}
	return f, !has(result.Violated, result.Unjudged)
}

// doubt says why the suite as a whole is not to be trusted, and what it came to
// instead, or "".
func doubt(s result.Suite) (came, why string) {
	switch {
	case s.Status == result.SuiteInterrupted:
		return "interrupted", "Interrupted: the result is partial."
	case len(s.Subjects) == 0:
		return "inconclusive", "No subject was judged."
	case s.Status == result.SuitePass:
		return "", ""
	}
	for _, subject := range s.Subjects {
		if subject.Verdict != result.Pass {
			return "", "" // the status is that of a subject, which says more
		}
	}
	came = s.Status.String()
	return came, fmt.Sprintf("The result is %s, although every subject passed.", came)
}

// occasion is what a subject was put through each time: a shutdown, or, where a
// command ran during which it promised to stay up, a run of that.
func occasion(s result.Subject) string {
	if operated(s) {
		return "run"
	}
	return "shutdown"
}

func operated(s result.Subject) bool {
	return slices.ContainsFunc(s.Details, func(d result.Detail) bool { return d.Operation != nil })
}

// evidence names what proves a finding: "shutdown 2: #17, #18; shutdown 3".
func evidence(f result.Finding, occasion string) string {
	var b strings.Builder
	shown := f.Evidence[:min(len(f.Evidence), maxEvidence)]
	for i, e := range shown {
		switch {
		case i == 0:
			fmt.Fprintf(&b, "%s %d", occasion, e.Shutdown)
		case e.Shutdown != shown[i-1].Shutdown:
			fmt.Fprintf(&b, "; %s %d", occasion, e.Shutdown)
		}
		if e.Seq == nil {
			continue
		}
		if i > 0 && e.Shutdown == shown[i-1].Shutdown && shown[i-1].Seq != nil {
			b.WriteString(",")
		} else {
			b.WriteString(":")
		}
		fmt.Fprintf(&b, " #%d", *e.Seq)
	}
	if more := len(f.Evidence) - len(shown); more > 0 {
		fmt.Fprintf(&b, " and %s more", number(more))
	}
	return b.String()
}

// explanation says in lines what a finding is about. A line without a text is
// left out.
func explanation(f named, occasion string) []string {
	var lines []string
	for _, line := range [][2]string{
		{"expected", f.Expected},
		{"seen", f.Detail},
		{"remedy", f.remedy},
		{"reference", f.Reference},
		{"evidence", evidence(f.Finding, occasion)},
	} {
		if line[1] != "" {
			lines = append(lines, line[0]+": "+clean(line[1]))
		}
	}
	return lines
}

// seen is what a rule saw, or, where it has no words for that, how it ended.
func seen(f result.Finding) string {
	if f.Detail == "" {
		return f.Status.String()
	}
	return clean(f.Detail)
}

// cleanAll cleans each line.
func cleanAll(lines []string) []string {
	cleaned := make([]string, len(lines))
	for i, line := range lines {
		cleaned[i] = clean(line)
	}
	return cleaned
}
