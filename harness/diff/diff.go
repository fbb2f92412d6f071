// Package diff compares two reports: what became of each subject, and what of that is more
// than chance.
package diff

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/internal/prose"
)

// The names of the figures of a comparison. Rules go by their own.
const (
	Verdict         = "verdict"
	LostInFlight    = "lost-in-flight"
	LostLate        = "lost-late"
	ShutdownsFailed = "shutdowns-failed"
	ExitTime        = "exit-time"
)

// Compare says what became of each subject from one report to a later one.
// Subjects are matched by name. It fails if a report is not of this schema or
// says what cannot be.
//
// Figures are noisy, so a difference in them has a direction only where a test
// tells it from chance, at 5% for each direction (see compareLosses and
// compareExits). So it is with the rules: that one is violated proves that the server
// can break it, and not that it could not before. A rule that breaks in one shutdown of
// twenty would otherwise become worse than itself in every tenth comparison.
//
// A subject regressed if a required rule is violated in significantly more of its
// shutdowns, if significantly more is lost, or if significantly more of its shutdowns
// fail. What failed before and fails now is no regression,
// nor is an exit that takes longer as long as it is within the grace period: there
// the rule exits-in-grace says so. What could not be judged now, or is violated now
// without that it can be told from chance, makes the subject's verdict inconclusive.
//
// No correction is made for the number of comparisons: with many subjects now and
// then one differs by chance. A gate that is to be surer takes more shutdowns.
func Compare(old, latest result.Suite) (result.Diff, error) {
	return CompareWithAll([]result.Suite{old}, latest)
}

// CompareWithAll does the same with several earlier reports, whose shutdowns are put
// together. There must be at least one, and none of them twice: that would count
// its shutdowns twice.
func CompareWithAll(olds []result.Suite, latest result.Suite) (result.Diff, error) {
	for _, old := range olds {
		if err := ValidSuite(old); err != nil {
			return result.Diff{}, fmt.Errorf("old report: %w", err)
		}
	}
	if err := ValidSuite(latest); err != nil {
		return result.Diff{}, fmt.Errorf("new report: %w", err)
	}
	if len(olds) == 0 {
		return result.Diff{}, errors.New("there is no old report")
	}
	old := pool(olds)
	d := result.Diff{
		Schema: result.DiffSchema, Old: origin(old), New: origin(latest),
		Subjects: []result.SubjectDiff{}, Warnings: []string{},
	}
	if len(olds) > 1 {
		d.Old.Reports = len(olds)
	}
	samePolicy := true
	for _, one := range olds {
		samePolicy = samePolicy && alikePolicies(one, latest)
		for _, warning := range reservations(one, latest) {
			if !slices.Contains(d.Warnings, warning) {
				d.Warnings = append(d.Warnings, warning)
			}
		}
	}
	for _, p := range pairs(old, latest) {
		p.samePolicy = samePolicy
		d.Subjects = append(d.Subjects, p.compare())
	}
	d.Verdict = diffVerdict(d)
	return d, nil
}

func diffVerdict(d result.Diff) result.Verdict {
	switch {
	case d.Regressed():
		return result.Fail
	case d.Judged():
		return result.Pass
	}
	return result.Inconclusive
}

func origin(s result.Suite) result.Origin {
	return result.Origin{
		Tool: s.Tool, Environment: s.Environment, Scenario: s.Scenario,
		Seed: s.Seed, Started: s.Started, Status: s.Status,
	}
}

// pair is one subject in both reports; it is nil in one that does not have it.
type pair struct {
	old, latest *result.Subject
	samePolicy  bool
	interrupted bool // the new run was
}

// pairs returns the subjects of both reports: in the order of the old one, and
// then those that are new.
func pairs(old, latest result.Suite) []pair {
	rest := make(map[string]*result.Subject)
	for i := range latest.Subjects {
		rest[latest.Subjects[i].Name] = &latest.Subjects[i]
	}
	common := pair{interrupted: latest.Status == result.SuiteInterrupted}
	var all []pair
	for i := range old.Subjects {
		p := common
		p.old, p.latest = &old.Subjects[i], rest[old.Subjects[i].Name]
		delete(rest, p.old.Name)
		all = append(all, p)
	}
	for i := range latest.Subjects {
		if s := &latest.Subjects[i]; rest[s.Name] != nil {
			p := common
			p.latest = s
			all = append(all, p)
		}
	}
	return all
}

// alikePolicies reports whether two reports were judged by the same policy.
func alikePolicies(a, b result.Suite) bool {
	return a.Scenario.Policy == b.Scenario.Policy && reflect.DeepEqual(a.Scenario.Overrides, b.Scenario.Overrides)
}

func (p pair) compare() result.SubjectDiff {
	d := result.SubjectDiff{InOld: p.old != nil, InNew: p.latest != nil, Reasons: []string{}, Changes: []result.Change{}}
	switch {
	case p.old == nil:
		d.Name = p.latest.Name
		d.Reasons = append(d.Reasons, "It is new: the old report does not have it.")
		return d
	case p.latest == nil:
		d.Name = p.old.Name
		d.Reasons = append(d.Reasons, "It is missing: the new report does not have it.")
		return d
	}
	d.Name = p.old.Name
	d.Changes = append(d.Changes, p.verdict())
	if !p.unloaded() {
		for _, l := range lossFigures() {
			d.Changes = append(d.Changes, p.compareLosses(l))
		}
		d.Changes = append(d.Changes, p.shutdownsFailed(), p.compareExits())
	}
	d.Changes = append(d.Changes, p.rules()...)
	d.Changes = append(d.Changes, p.probes()...)
	follow(&d.Changes[0], d.Changes[1:])
	p.conclude(&d)
	return d
}

// conclude gives the verdict on the change: what is proved worse comes first, as
// a violated rule does in the verdict on a subject.
func (p pair) conclude(d *result.SubjectDiff) {
	if p.interrupted {
		d.Reasons = append(d.Reasons, "The new run was interrupted: its report is partial.")
	}
	if p.latest.Verdict == result.Inconclusive {
		d.Reasons = append(d.Reasons, "The new report could not judge it: "+whyUnjudged(p.latest)+".")
	} else if said := check.BrokenOff(*p.latest); said != "" {
		d.Reasons = append(d.Reasons, prose.Sentence(said))
	}
	regressed := false
	for _, c := range d.Changes {
		regressed = regressed || c.Regression
		if c.Rule && c.New.Status == result.Violated.String() && c.Direction == result.CannotTell {
			d.Reasons = append(d.Reasons, p.unproved(c))
		}
	}
	if !regressed && len(d.Reasons) == 0 && p.latest.Verdict == result.Fail && p.old.Verdict != result.Fail {
		d.Reasons = append(d.Reasons, "It fails, and the old report does not say whether it failed before.")
	}
	switch {
	case regressed:
		d.Verdict = result.Fail
	case len(d.Reasons) == 0:
		d.Verdict = result.Pass
	}
}

// unproved is a rule that is violated, of which it cannot be told if it was before.
func (p pair) unproved(c result.Change) string {
	if c.PShutdowns == nil {
		return fmt.Sprintf("The rule %s is violated, and the old report does not say whether it was violated before.", c.Name)
	}
	return fmt.Sprintf("The rule %s is violated: %s.", c.Name, c.Detail)
}

// whyUnjudged is what the first finding that could not be judged says.
func whyUnjudged(s *result.Subject) string {
	for _, f := range s.Findings {
		if f.Status == result.Unjudged && f.Detail != "" {
			return f.Detail
		}
	}
	for _, p := range s.Probes {
		if p.Status == result.ProbeInconclusive {
			return probeName(&p) + ": " + p.Seen
		}
	}
	return "it does not say why"
}
