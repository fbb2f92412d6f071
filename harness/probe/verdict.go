package probe

import (
	"cmp"
	"fmt"
	"strings"

	"lastcall/harness/result"
)

// Severity returns what a breach of a rule comes to under the policy: a warning,
// a failure, or, where nobody asks for it, a skip. One that is excused is a race,
// or something else that a server can hardly avoid.
type Severity func(rule string, excused bool) result.ProbeStatus

// judge says what a case came to, by what its repeats saw.
func judge(c Case, sightings []Sighting, severity Severity) result.Probe {
	p := result.Probe{
		Probe: c.ID, State: c.State, Requirement: c.Requires, Reference: c.Reference, Remedy: c.Remedy,
		Bugs: append([]string{}, c.Bugs...), Repeats: len(sightings),
	}
	broken, reached := 0, 0
	for _, s := range sightings {
		p.Lost, p.Of = p.Lost+s.Lost, p.Of+s.Of
		if s.Reached {
			reached++
		}
		if s.broken() {
			broken++
		}
	}
	p.Status, p.Seen, p.Proof = decide(c, sightings, reached, broken, severity)
	return p
}

// decide returns the status, what was seen, and the proof of the state.
func decide(c Case, all []Sighting, reached, broken int, severity Severity) (status result.ProbeStatus, seen, proof string) {
	for _, s := range all {
		if s.Skip != "" {
			return result.ProbeSkip, s.Skip, ""
		}
	}
	telling, ok := representative(all)
	switch {
	case !ok:
		return result.ProbeInconclusive, "the state was not reached: " + firstWhy(all), ""
	case c.Race && broken > 0:
		return breach(c, telling, severity), fmt.Sprintf("%s; in %d of %d repeats", telling.Seen, broken, len(all)), telling.Proof
	case reached < len(all):
		return result.ProbeInconclusive, fmt.Sprintf("the state was not reached in %d of %d repeats: %s", len(all)-reached, len(all), firstWhy(all)), telling.Proof
	case broken == 0:
		return result.ProbePass, telling.Seen, telling.Proof
	case broken < len(all):
		return result.ProbeInconclusive, fmt.Sprintf("the repeats differ: in %d of %d it was seen broken: %s", broken, len(all), telling.Seen), telling.Proof
	}
	status = breach(c, telling, severity)
	if status == result.ProbeSkip {
		return status, telling.Seen + "; the policy does not ask for it", telling.Proof
	}
	return status, telling.Seen, telling.Proof
}

// breach is what a broken requirement comes to.
func breach(c Case, s Sighting, severity Severity) result.ProbeStatus {
	return severity(cmp.Or(s.Rule, c.Rule), c.Race || s.Excused)
}

// representative is the sighting that is told of: the worst of those that reached
// their state.
func representative(all []Sighting) (worst Sighting, ok bool) {
	for _, s := range all {
		if !s.Reached {
			continue
		}
		if !ok || worse(s, worst) {
			worst = s
		}
		ok = true
	}
	return worst, ok
}

// worse orders sightings: broken before not, a breach that nothing excuses before
// one that something does, more lost before fewer.
func worse(a, b Sighting) bool {
	switch {
	case a.broken() != b.broken():
		return a.broken()
	case a.Excused != b.Excused:
		return b.Excused
	}
	return a.Lost > b.Lost
}

func firstWhy(all []Sighting) string {
	for _, s := range all {
		if !s.Reached && s.Why != "" {
			return s.Why
		}
	}
	return "nobody says why"
}

// skipped is a case that was not run for want of flags.
func skipped(v Variant, flags []string) result.Probe {
	named := strings.Join(flags, " and ")
	p := judge(v.Case, []Sighting{{Skip: "nobody said where: give " + named}}, nil)
	p.Variant, p.Repeats = v.Name, 0
	p.Remedy = "give " + named + " to enable it"
	return p
}

// Verdict is what all probes of one subject come to: a fail, else whatever could
// not be told, else a pass. Nothing but skips is no pass.
func Verdict(probes []result.Probe) result.Verdict {
	count := make(map[result.ProbeStatus]int)
	for _, p := range probes {
		count[p.Status]++
	}
	switch {
	case count[result.ProbeFail] > 0:
		return result.Fail
	case count[result.ProbeInconclusive] > 0 || count[result.ProbePass]+count[result.ProbeWarn] == 0:
		return result.Inconclusive
	}
	return result.Pass
}
