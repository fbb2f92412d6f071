// Package check judges histories by the rules of a policy. It is pure: it dials
// nothing, starts nothing and reads no clock, so that a saved history gets the
// same verdict again.
//
// A shutdown whose integrity is broken (requests went missing, we were short of
// something, there was no steady state, the witnesses contradict each other) is
// not judged. From those that are intact the verdict comes in this order:
//
//  1. a required rule violated: Fail, however small the sample
//  2. any shutdown not intact, or of a server that was sick before, or fewer of them
//     than were planned, or too little at risk over all: Inconclusive
//  3. Pass
package check

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

// Judge judges the histories of one run. Those of one subject are judged
// together; subjects keep the order of the run. The suite's status is Fail if
// any subject fails, else Inconclusive if any could not be judged, else Pass;
// it is Interrupted if a history was. Without histories nothing was proved: it
// is Inconclusive. A run that broke off is Inconclusive unless it fails: see JudgePartial.
func Judge(histories []*history.History, policy Policy) result.Suite {
	return JudgePartial(histories, policy, "")
}

// JudgePartial is Judge of a run that broke off, and says why it did. "": that is not
// known, as where the histories are a recording.
func JudgePartial(histories []*history.History, policy Policy, why string) result.Suite {
	suite := result.Suite{Schema: result.Schema, Subjects: []result.Subject{}, Warnings: []string{}}
	if len(histories) == 0 {
		return suite
	}
	first := slices.MinFunc(histories, func(a, b *history.History) int { return a.Header.Started.Compare(b.Header.Started) }).Header
	suite.Tool, suite.Environment, suite.Scenario = first.Tool, first.Environment, first.Scenario
	suite.Seed, suite.Started = first.Seed, first.Started
	suite.Scenario.Policy = policy.Name
	suite.Seconds = seconds(histories)
	groups := bySubject(histories)
	for _, group := range groups {
		suite.Subjects = append(suite.Subjects, judgeSubject(group, policy, why))
		suite.Warnings = append(append(suite.Warnings, unread(group)...), withoutKernel(group)...)
		suite.Warnings = append(append(suite.Warnings, unasked(group)...), fronted(group)...)
	}
	suite.Status = overall(suite.Subjects)
	if suite.Absent = absent(first, groups); suite.Absent > 0 {
		suite.Warnings = append(suite.Warnings, fmt.Sprintf("the run broke off: %d of %s %s not carried out",
			suite.Absent, prose.Count(first.Subjects, "subject"), prose.Was(suite.Absent)))
		if suite.Status == result.SuitePass {
			suite.Status = result.SuiteInconclusive
		}
	}
	for _, h := range histories {
		if h.Interrupted {
			suite.Status = result.SuiteInterrupted
		}
	}
	return suite
}

// seconds is from the base of the first shutdown to the last thing seen in any.
func seconds(histories []*history.History) float64 {
	first := histories[0].Header.Started
	last := first
	for _, h := range histories {
		end := h.Exit.At
		for i := range h.Requests {
			end = max(end, h.Requests[i].End)
		}
		if t := h.Header.Started.Add(end); t.After(last) {
			last = t
		}
		if h.Header.Started.Before(first) {
			first = h.Header.Started
		}
	}
	return last.Sub(first).Round(time.Millisecond).Seconds()
}

func bySubject(histories []*history.History) [][]*history.History {
	sorted := slices.Clone(histories)
	slices.SortStableFunc(sorted, func(a, b *history.History) int {
		return cmp.Or(cmp.Compare(a.Header.Position, b.Header.Position), cmp.Compare(a.Header.Shutdown, b.Header.Shutdown), cmp.Compare(a.Header.Repeats, b.Header.Repeats))
	})
	var groups [][]*history.History
	for _, h := range sorted {
		last := len(groups) - 1
		if last < 0 || groups[last][0].Header.Position != h.Header.Position {
			groups = append(groups, nil)
			last++
		}
		groups[last] = append(groups[last], h)
	}
	return groups
}

func overall(subjects []result.Subject) result.Overall {
	status := result.SuitePass
	for _, s := range subjects {
		switch s.Verdict {
		case result.Fail:
			return result.SuiteFail
		case result.Inconclusive:
			status = result.SuiteInconclusive
		case result.Pass:
		}
	}
	return status
}

// Judged reports whether every subject got a verdict: what a comparison, whose
// verdicts are its result, succeeds by.
func Judged(s result.Suite) bool {
	for _, subject := range s.Subjects {
		if subject.Verdict == result.Inconclusive {
			return false
		}
	}
	return len(s.Subjects) > 0 && s.Absent == 0 && s.Status != result.SuiteInterrupted
}

func judgeSubject(histories []*history.History, policy Policy, why string) result.Subject {
	observations := chosen(histories, policy)
	s := summarize(observations)
	scenario, intact := histories[0].Header.Scenario, onlyIntact(observations)
	s.ShutdownsIntact = len(intact)
	broken := brokeOff(observations, why)
	s.Findings = append(append(s.Findings, broken...), integrityFindings(observations)...)
	ruled, failed := judgeRules(intact, scenario.Disruption, policy)
	gate := maxLoss(intact, policy, failed)
	s.ShutdownsFailed = len(failed)
	s.Findings = append(append(s.Findings, ruled...), gate...)
	s.Findings = append(append(append(s.Findings, unlike(intact)...), unannouncedCloses(intact)...), unready(intact)...)
	s.Findings = append(s.Findings, needed(scenario.Needs, ruled, len(intact))...)
	s.Findings = append(s.Findings, sample(scenario, s, policy)...)
	s.Bounds = bounds(s, intact)
	s.Verdict = verdict(s)
	s.Story, s.Remedy = story(s, scenario, intact)
	s.Untested = untested(s, intact, policy)
	s.Timeline = timeline(observations)
	return s
}

// staysUpThrough reports whether the server promised to stay up: then a refusal
// is a loss, because there is no other server.
func staysUpThrough(s scenario.Scenario) bool { return len(s.Disruption.While) > 0 }

// judgeRules judges the intact shutdowns by every rule that the policy asks for
// and the disruption gives a meaning. It also returns the numbers of the
// shutdowns in which a required rule was violated.
func judgeRules(intact []*observation, d scenario.Disruption, policy Policy) ([]result.Finding, map[int]bool) {
	var findings []result.Finding
	failed := make(map[int]bool)
	for _, rule := range Rules() {
		level := policy.Levels[rule.Name]
		if level.off() || !rule.applies(d) {
			continue
		}
		tallies := make([]tally, len(intact))
		for i, o := range intact {
			tallies[i] = rule.judge(o)
			if rule.timed && o.slip > history.MaxSlip {
				tallies[i] = tallies[i].doubted(fmt.Sprintf("lastcall itself was up to %s late", scenario.InWords(o.slip)))
			}
			if level.status(tallies[i]) == result.Violated {
				failed[o.Header.Shutdown] = true
			}
		}
		findings = append(findings, rule.find(level, tallies))
	}
	return findings, failed
}

func onlyIntact(observations []*observation) []*observation {
	var intact []*observation
	for _, o := range observations {
		if o.intact() {
			intact = append(intact, o)
		}
	}
	return intact
}

func integrityFindings(observations []*observation) []result.Finding {
	var findings []result.Finding
	for _, o := range observations {
		for _, p := range o.problems {
			evidence := p.evidence
			if len(evidence) == 0 {
				evidence = []result.Evidence{o.proofOfShutdown()}
			}
			findings = append(findings, result.Finding{
				Rule: Integrity, Status: result.Unjudged, Count: len(evidence), Judged: 1,
				Expected: "a shutdown that can be judged",
				Detail:   o.said(p),
				Evidence: evidence, Reference: "every verdict is earned",
			})
		}
	}
	return findings
}

// verdict follows the order in the package's comment.
func verdict(s result.Subject) result.Verdict {
	v := result.Pass
	for _, f := range s.Findings {
		switch f.Status {
		case result.Violated:
			return result.Fail
		case result.Unjudged:
			v = result.Inconclusive
		case result.Satisfied, result.Warned, result.NotExercised:
		}
	}
	if s.ShutdownsIntact == 0 {
		return result.Inconclusive
	}
	return v
}

// chosen returns what is judged of each shutdown, in order. One in which lastcall could
// not keep to its schedule was tried again. What a try has proved stays proved,
// whatever came after it; a pass can only be earned by the last.
func chosen(histories []*history.History, policy Policy) []*observation {
	observations := make([]*observation, len(histories))
	for i, h := range histories {
		observations[i] = observe(h, policy)
	}
	forgiveCrossings(observations)
	var all []*observation
	for _, o := range observations { // the tries of a shutdown follow each other
		if n := len(all); n > 0 && again(all[n-1], o) {
			tries := max(1, all[n-1].tries) + 1
			if !breaks(all[n-1], policy) {
				all[n-1] = o
			}
			all[n-1].tries = tries
			continue
		}
		all = append(all, o)
	}
	return all
}

// again reports whether both are tries of one shutdown.
func again(before, o *observation) bool {
	a, b := before.Header, o.Header
	return a.Position == b.Position && a.Shutdown == b.Shutdown && a.Repeats < b.Repeats
}

// breaks reports whether a required rule was violated.
func breaks(o *observation, policy Policy) bool {
	if !o.intact() {
		return false
	}
	_, failed := judgeRules([]*observation{o}, o.Header.Scenario.Disruption, policy)
	return len(failed) > 0
}

// Chosen returns the histories by which the shutdowns of a run are judged: one of each,
// though one that was repeated has several.
func Chosen(histories []*history.History, policy Policy) []*history.History {
	var all []*history.History
	for _, group := range bySubject(histories) {
		for _, o := range chosen(group, policy) {
			all = append(all, o.History)
		}
	}
	return all
}

// Blurred reports whether what a shutdown lost is in doubt because lastcall was late
// itself, or because the server got no CPU, and nothing else proves a breach. Then
// another try may tell. A doubt that comes of the server alone is not blurred: another
// try would only hide it.
func Blurred(h *history.History, policy Policy) (blurred bool) {
	o := observe(h, policy)
	if !o.intact() || breaks(o, policy) {
		return false
	}
	if policy.Levels[LateRequestsAnswered].Breach == Require {
		o.late(func(r *history.Request) {
			l, lost := o.fates[r.Seq]
			blurred = blurred || lost && l.fate == fateDoubt && o.blurred(r)
		})
	}
	if policy.Levels[InFlightCompletes].Breach == Require {
		o.each(history.InFlight, func(r *history.Request) { blurred = blurred || o.cutBeforeItBegan(r) })
	}
	return blurred
}
