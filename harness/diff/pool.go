package diff

import (
	"slices"

	"lastcall/harness/check"
	"lastcall/harness/result"
)

// pool puts the reports of several runs together, as if one run had made all of their
// shutdowns: what is rare is seen in many. Scenario and machine are those of the newest.
func pool(reports []result.Suite) result.Suite {
	sorted := slices.Clone(reports)
	slices.SortStableFunc(sorted, func(a, b result.Suite) int { return b.Started.Compare(a.Started) }) // the newest first
	all := sorted[0]
	all.Subjects = slices.Clone(all.Subjects)
	for _, older := range sorted[1:] {
		if older.Status == result.SuiteInterrupted {
			all.Status = result.SuiteInterrupted
		}
		for _, s := range older.Subjects {
			i := slices.IndexFunc(all.Subjects, func(one result.Subject) bool { return one.Name == s.Name })
			if i < 0 {
				all.Subjects = append(all.Subjects, s)
				continue
			}
			all.Subjects[i] = poolSubjects(all.Subjects[i], s)
		}
	}
	return all
}

// poolSubjects adds the shutdowns of another run, which are numbered on. What a
// comparison does not look at stays as the first has it.
func poolSubjects(s, more result.Subject) result.Subject {
	offset := s.Shutdowns
	for _, d := range s.Details {
		offset = max(offset, d.Shutdown)
	}
	s.Shutdowns += more.Shutdowns
	s.ShutdownsFailed += more.ShutdownsFailed
	s.ShutdownsIntact += more.ShutdownsIntact
	s.Requests, s.InFlight, s.Late = s.Requests.Plus(more.Requests), s.InFlight.Plus(more.InFlight), s.Late.Plus(more.Late)
	s.AtRisk += more.AtRisk
	if s.Verdict == result.Inconclusive || more.Verdict == result.Fail { // what was judged once was judged
		s.Verdict = more.Verdict
	}
	s.Details, s.Exits = slices.Clone(s.Details), slices.Concat(s.Exits, more.Exits)
	for _, d := range more.Details {
		d.Shutdown += offset
		s.Details = append(s.Details, d)
	}
	s.ExitSeconds = poolSpreads(s.ExitSeconds, more.ExitSeconds)
	s.Findings = slices.Clone(s.Findings)
	for _, f := range more.Findings {
		s.Findings = poolFinding(s.Findings, f, offset)
	}
	s.Probes = slices.Clone(s.Probes)
	for _, p := range more.Probes {
		s.Probes = poolProbe(s.Probes, p)
	}
	return s
}

// poolFinding adds a finding: to that of the same rule, of which the worse status
// stands.
func poolFinding(findings []result.Finding, f result.Finding, offset int) []result.Finding {
	f.Evidence = slices.Clone(f.Evidence)
	for i := range f.Evidence {
		f.Evidence[i].Shutdown += offset
	}
	i := slices.IndexFunc(findings, func(one result.Finding) bool { return one.Rule == f.Rule })
	if i < 0 || f.Rule == check.Integrity {
		return append(findings, f)
	}
	one := findings[i]
	if f.Status > one.Status {
		one.Status, one.Detail = f.Status, f.Detail
	}
	if f.Status != result.Violated && one.Status == result.Violated {
		f.Count, f.Evidence = 0, nil // a breach that is excused is no violation
	} else if findings[i].Status != result.Violated && f.Status == result.Violated {
		one.Count, one.Evidence = 0, nil
	}
	one.Count += f.Count
	one.Judged += f.Judged
	one.Evidence = slices.Concat(one.Evidence, f.Evidence)
	findings[i] = one
	return findings
}

// poolProbe adds a probe: of one that came to different ends the worse stands.
func poolProbe(probes []result.Probe, p result.Probe) []result.Probe {
	i := slices.IndexFunc(probes, func(one result.Probe) bool { return probeName(&one) == probeName(&p) })
	switch {
	case i < 0:
		return append(probes, p)
	case cameTo(&p) && (!cameTo(&probes[i]) || p.Status > probes[i].Status):
		probes[i] = p
	}
	return probes
}

// poolSpreads is the range of both, where a report does not hold each exit. The median
// of the first stands: it is shown, and the ranges decide.
func poolSpreads(a, b result.Spread) result.Spread {
	switch {
	case a == result.Spread{}:
		return b
	case b == result.Spread{}:
		return a
	}
	return result.Spread{Min: min(a.Min, b.Min), Median: a.Median, Max: max(a.Max, b.Max)}
}
