package probe

import (
	"cmp"
	"fmt"
	"slices"
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
	for _, s := range sightings {
		p.Lost, p.Of = p.Lost+s.Lost, p.Of+s.Of
	}
	p.Status, p.Seen, p.Proof = decide(c, sightings, severity)
	return p
}

// decide returns the status, what was seen, and the proof of the state. One proven
// breach is proof that the server can break it, also where others of the same state
// went well; that nothing was broken has to be seen in every repeat.
func decide(c Case, all []Sighting, severity Severity) (status result.ProbeStatus, seen, proof string) {
	n := count(all)
	telling := representative(c, all, severity)
	switch {
	case n.broken > 0:
		status = breach(c, telling, severity)
		seen = telling.Seen + n.often(c)
		if status == result.ProbeSkip {
			seen += "; the policy does not require it"
		}
		return status, seen, telling.Proof
	case n.skipped > 0 && n.skipped == n.all:
		return result.ProbeSkip, firstSkip(all), ""
	case n.skipped > 0:
		return result.ProbeInconclusive, fmt.Sprintf("the repeats differ: %d of %d could not be probed: %s", n.skipped, n.all, firstSkip(all)), telling.Proof
	case n.reached == 0:
		return result.ProbeInconclusive, "the state was not reached: " + firstWhy(all), ""
	case n.reached < n.all:
		return result.ProbeInconclusive, fmt.Sprintf("the state was not reached in %d of %d repeats: %s", n.all-n.reached, n.all, firstWhy(all)), telling.Proof
	}
	return result.ProbePass, telling.Seen, telling.Proof
}

// counts are how many repeats came to what.
type counts struct {
	all, skipped, reached, broken int
}

func count(all []Sighting) counts {
	n := counts{all: len(all)}
	for _, s := range all {
		switch {
		case s.Skip != "":
			n.skipped++
		case s.broken():
			n.broken, n.reached = n.broken+1, n.reached+1
		case s.Reached:
			n.reached++
		}
	}
	return n
}

// often says in how many repeats it was seen broken, where that is not all of them
// or left to chance.
func (n counts) often(c Case) string {
	switch {
	case c.Race || n.broken < n.all && n.reached < n.all:
		return fmt.Sprintf("; in %d of %d repeats", n.broken, n.all)
	case n.broken < n.all:
		return fmt.Sprintf("; in %d of %d repeats: not always", n.broken, n.all)
	}
	return ""
}

// breach is what a broken requirement comes to.
func breach(c Case, s Sighting, severity Severity) result.ProbeStatus {
	return severity(cmp.Or(s.Rule, c.Rule), c.Race || s.Excused)
}

// representative is the sighting that is told of: the worst of those that reached
// their state, if there is one.
func representative(c Case, all []Sighting, severity Severity) (worst Sighting) {
	for _, s := range all {
		if s.Reached && s.Skip == "" && (!worst.Reached || worse(c, s, worst, severity)) {
			worst = s
		}
	}
	return worst
}

// worse orders sightings: broken before not, a breach of what is required before one
// that is warned of or for which nobody asks, more lost before fewer.
func worse(c Case, a, b Sighting, severity Severity) bool {
	if a.broken() != b.broken() {
		return a.broken()
	}
	if a.broken() {
		if x, y := slices.Index(gravity, breach(c, a, severity)), slices.Index(gravity, breach(c, b, severity)); x != y {
			return x > y
		}
	}
	return a.Lost > b.Lost
}

// gravity orders what a breach can come to.
var gravity = []result.ProbeStatus{result.ProbeSkip, result.ProbeWarn, result.ProbeFail}

func firstSkip(all []Sighting) string {
	for _, s := range all {
		if s.Skip != "" {
			return s.Skip
		}
	}
	return ""
}

func firstWhy(all []Sighting) string {
	for _, s := range all {
		if !s.Reached && s.Why != "" {
			return s.Why
		}
	}
	return "no reason is known"
}

// skipped is a case that was not run for want of flags.
func skipped(v Variant, flags []string) result.Probe {
	named := strings.Join(flags, " and ")
	p := notRun(v, "needs "+named)
	p.Remedy = "give " + named
	return p
}

// notRun is a case that was not run, and why.
func notRun(v Variant, why string) result.Probe {
	p := judge(v.Case, []Sighting{{Skip: why}}, nil)
	p.Variant, p.Repeats = v.Name, 0
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
