package diff

import (
	"fmt"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

// maxCount is more than any run counts: what a report has beyond it was made up,
// and sums of it might overflow.
const maxCount = 1e12

// maxSeconds is longer than any shutdown takes.
const maxSeconds = 1e9

// ValidSuite says what keeps a suite that was read from being compared: another
// schema, or figures that cannot be.
func ValidSuite(s result.Suite) error {
	if s.Schema != result.Schema {
		return fmt.Errorf("its schema is %q, not %q", s.Schema, result.Schema)
	}
	seen := make(map[string]bool)
	for i, subject := range s.Subjects {
		switch {
		case subject.Name == "":
			return fmt.Errorf("its subject %d has no name", i+1)
		case seen[subject.Name]:
			return fmt.Errorf("it has the subject %q twice", subject.Name)
		}
		seen[subject.Name] = true
		if err := validSubject(subject); err != nil {
			return fmt.Errorf("its subject %q is impossible: %w", subject.Name, err)
		}
	}
	return nil
}

func validSubject(s result.Subject) error {
	if s.ShutdownsFailed < 0 || s.ShutdownsFailed > s.ShutdownsIntact || s.ShutdownsIntact > s.Shutdowns || s.Shutdowns > maxCount {
		return fmt.Errorf("of %d shutdowns %d were intact and %d of them failed", s.Shutdowns, s.ShutdownsIntact, s.ShutdownsFailed)
	}
	if e := s.ExitSeconds; e.Min < 0 || e.Median < e.Min || e.Max < e.Median || e.Max > maxSeconds {
		return fmt.Errorf("its exits took from %g to %g s, median %g", e.Min, e.Max, e.Median)
	}
	counts := []history.Counts{s.InFlight, s.Late, s.Edge}
	for _, d := range s.Details {
		counts = append(counts, d.InFlight, d.Late, d.Edge)
	}
	for _, c := range counts {
		if err := validCounts(c); err != nil {
			return err
		}
	}
	for _, p := range s.Probes {
		if p.Lost < 0 || p.Of < 0 || p.Lost > maxCount || p.Of > maxCount || p.Repeats < 0 {
			return fmt.Errorf("the probe %q counts %d of %d, in %d repeats", p.Probe, p.Lost, p.Of, p.Repeats)
		}
	}
	for _, f := range s.Findings {
		if f.Count < 0 || f.Judged < 0 || f.Count > maxCount || f.Judged > maxCount {
			return fmt.Errorf("the rule %q counts %d of %d", f.Rule, f.Count, f.Judged)
		}
	}
	return nil
}

func validCounts(c history.Counts) error {
	sum := 0
	for _, n := range []int{c.Completed, c.Rejected, c.Failed, c.Refused, c.Dropped, c.Unsent} {
		if n < 0 || n > maxCount {
			return fmt.Errorf("%d requests have one outcome", n)
		}
		sum += n
	}
	if sum != c.Total {
		return fmt.Errorf("%d requests have an outcome, and the total is %d", sum, c.Total)
	}
	return nil
}

// reservations are what else differs between two runs, so that it may be the
// cause of what differs in their results.
func reservations(old, latest result.Suite) []string {
	warnings := []string{}
	if differ := conditions(old.Scenario, latest.Scenario); len(differ) > 0 {
		warnings = append(warnings, "the two runs had different conditions, which may explain the differences: "+strings.Join(differ, ", "))
	}
	if a, b := machine(old.Environment), machine(latest.Environment); a != b {
		warnings = append(warnings, fmt.Sprintf("the two runs were made on different machines, so their times may differ: %s, was %s", b, a))
	}
	if old.Status == result.SuiteInterrupted {
		warnings = append(warnings, "the old run was interrupted: its report is partial")
	}
	if latest.Status == result.SuiteInterrupted {
		warnings = append(warnings, "the new run was interrupted: its report is partial")
	}
	return warnings
}

// conditions name what differs in the experiment, each with both values.
func conditions(old, latest scenario.Scenario) []string {
	var differ []string
	for _, key := range scenario.Keys() {
		if key.Title == "" {
			continue
		}
		if was, is := key.Text(old), key.Text(latest); was != is {
			differ = append(differ, fmt.Sprintf("%s %s (was %s)", key.Title, is, was))
		}
	}
	return differ
}

// machine is what of an environment the times of a shutdown depend on. The
// versions of Go and of the kernel are left out: they change all the time, and
// what they change is what a comparison is to find.
func machine(e history.Environment) string {
	return fmt.Sprintf("%s/%s with %s", e.OS, e.Arch, prose.Count(e.CPUs, "CPU"))
}
