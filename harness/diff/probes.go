package diff

import (
	"strings"

	"lastcall/harness/result"
)

// probes compares every probe that either report has, in the order of the old one,
// and then those that are new.
func (p pair) probes() []result.Change {
	old, latest := probesByName(p.old), probesByName(p.latest)
	var changes []result.Change
	seen := make(map[string]bool)
	for _, s := range []*result.Subject{p.old, p.latest} {
		for i := range s.Probes {
			name := probeName(&s.Probes[i])
			if !seen[name] {
				changes = append(changes, p.probe(name, old[name], latest[name]))
			}
			seen[name] = true
		}
	}
	return changes
}

func probesByName(s *result.Subject) map[string]*result.Probe {
	all := make(map[string]*result.Probe)
	for i := range s.Probes {
		all[probeName(&s.Probes[i])] = &s.Probes[i]
	}
	return all
}

// probeName is a probe with its variant.
func probeName(p *result.Probe) string { return strings.TrimSpace(p.Probe + " " + p.Variant) }

// probe compares one probe, in the form of a rule. To fail it is worse, whatever
// the numbers: nothing in it is left to chance but what a race's one loss proves.
func (p pair) probe(name string, old, latest *result.Probe) result.Change {
	c := result.Change{Name: name, Rule: true, Old: probeValue(old), New: probeValue(latest)}
	switch {
	case old == nil:
		c.Detail = "the old report has no such probe; now: " + latest.Seen
	case latest == nil:
		c.Detail = "the new report has no such probe"
	case old.Status == result.ProbeSkip && latest.Status == result.ProbeSkip:
	case !cameTo(old):
		c.Detail = old.Status.String() + " in the old report; now: " + latest.Seen
	case !cameTo(latest):
		c.Detail = latest.Status.String() + " in the new report: " + latest.Seen
	case old.Status == latest.Status:
		c.Direction = result.Same
	case !p.samePolicy:
		c.Detail = "the two runs were judged by different policies"
	case latest.Status > old.Status: // pass, warn, fail
		c.Direction, c.Regression = result.Worse, latest.Status == result.ProbeFail
		c.Detail = latest.Seen
	default:
		c.Direction, c.Detail = result.Better, "was: "+old.Seen
	}
	return c
}

// cameTo reports whether a probe came to something.
func cameTo(p *result.Probe) bool {
	return p.Status == result.ProbePass || p.Status == result.ProbeWarn || p.Status == result.ProbeFail
}

func probeValue(p *result.Probe) result.Value {
	if p == nil {
		return result.Value{}
	}
	return result.Value{Status: p.Status.String(), Share: &result.Share{Count: p.Lost, Of: p.Of}}
}

// unloaded reports whether a pair was only probed: there are no figures of a load.
func (p pair) unloaded() bool {
	return p.old.Shutdowns+p.latest.Shutdowns == 0 && len(p.old.Probes)+len(p.latest.Probes) > 0
}
