package check

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

// Sample is the name of the finding that too little was at risk. Like Integrity it is
// not a rule: it says why a subject could not be judged, which its verdict says too.
const Sample = "sample"

// sample asks that enough was at risk for a pass to mean something. Of a server
// that is told to stop, something must have been in flight; one that goes on
// working is put to the test by all that comes; of one that was sent no load only
// the exit is judged.
func sample(scenario scenario.Scenario, s result.Subject, policy Policy) []result.Finding {
	if s.ShutdownsIntact == 0 {
		return nil // integrity has said why
	}
	staysUp := staysUpThrough(scenario)
	finding := result.Finding{
		Rule: Sample, Status: result.Unjudged, Count: s.AtRisk, Judged: s.ShutdownsIntact,
		Expected: fmt.Sprintf("requests in flight at the signal, and at least %d at risk over all shutdowns", policy.MinAtRisk),
		Evidence: []result.Evidence{}, Reference: "every verdict is earned",
	}
	switch {
	case scenario.Disruption.Unloaded():
		finding.Expected = "a rule that judges the exit"
	case staysUp:
		finding.Expected = fmt.Sprintf("at least %d requests while the command ran and afterwards, over all shutdowns", policy.MinAtRisk)
	}
	switch {
	case !slices.ContainsFunc(s.Findings, earned):
		finding.Detail = fmt.Sprintf("no rule of the policy %q judged anything", policy.Name)
	case scenario.Disruption.Unloaded():
		return nil
	case s.InFlight.Total == 0 && !staysUp:
		finding.Detail = "no request was in flight at the signal, so nothing was tested: " + enough(scenario, s, policy)
	case oneEach(s) && policy.MinAtRisk <= minAtRisk:
		return nil
	case s.AtRisk < policy.MinAtRisk:
		finding.Detail = fmt.Sprintf("only %s at risk, %d are needed: %s",
			prose.Count(s.AtRisk, "request")+" "+prose.Was(s.AtRisk), policy.MinAtRisk, enough(scenario, s, policy))
	case !staysUp && policy.Uses(InFlightCompletes) && tooFewInFlight(s, policy) != "":
		finding.Count = s.InFlight.AtRisk()
		finding.Detail = tooFewInFlight(s, policy) + ": " + enough(scenario, s, policy)
	default:
		return nil
	}
	return []result.Finding{finding}
}

// tooFewInFlight says why the requests in flight prove nothing, "" if they do. Late ones
// do not stand in for them: they are another rule's. And they must not all have been
// those of a few shutdowns, which share their fate.
func tooFewInFlight(s result.Subject, policy Policy) string {
	met := 0
	for _, d := range s.Details {
		if d.Intact && d.InFlight.AtRisk() > 0 {
			met++
		}
	}
	switch n := s.InFlight.AtRisk(); {
	case n < policy.MinAtRisk:
		return fmt.Sprintf("only %s in flight at the signal, %d are needed", prose.Count(n, "request")+" "+prose.Was(n), policy.MinAtRisk)
	case 2*met < s.ShutdownsIntact:
		return fmt.Sprintf("requests were in flight in only %d of %s, and at least half are needed", met, prose.Plural(s.ShutdownsIntact, "shutdown"))
	}
	return ""
}

// manyShutdowns is how many shutdowns show enough of a server that hardly ever has a
// request in flight, and mostOf in which share of them it must have had one.
const (
	manyShutdowns = 10
	mostOf        = 0.8
)

// oneEach reports whether there were many shutdowns with a request in flight in most of
// them: then it makes no difference how few there were in each.
func oneEach(s result.Subject) bool {
	with := 0
	for _, d := range s.Details {
		if d.Intact && d.InFlight.Total > 0 {
			with++
		}
	}
	return s.ShutdownsIntact >= manyShutdowns && float64(with) >= mostOf*float64(s.ShutdownsIntact)
}

// enough says what would put enough at risk.
func enough(sc scenario.Scenario, s result.Subject, policy Policy) string {
	var advice []string
	if staysUpThrough(sc) {
		advice = fasterAround(sc, s, policy)
	} else {
		advice = slowerOrFaster(sc, s, policy)
	}
	have := s.AtRisk
	if !staysUpThrough(sc) && policy.Uses(InFlightCompletes) {
		have = s.InFlight.AtRisk()
	}
	if have > 0 {
		shutdowns := int(math.Ceil(float64(policy.MinAtRisk) * 1.5 * float64(s.ShutdownsIntact) / float64(have)))
		if shutdowns > s.ShutdownsIntact && shutdowns <= scenario.MaxShutdowns {
			advice = append(advice, fmt.Sprintf("try %d times (--shutdowns)", shutdowns))
		}
	}
	if len(advice) == 0 {
		return "repeat the run (--shutdowns): the signal found no open request"
	}
	return strings.Join(advice, ", or ")
}

// slowerOrFaster advises on requests in flight: by Little's law rate times the
// time that a request takes are in flight at any time. How long the sample
// service takes we say; how long a server of the user's takes was measured.
func slowerOrFaster(sc scenario.Scenario, s result.Subject, policy Policy) (advice []string) {
	each := math.Ceil(float64(policy.MinAtRisk)/float64(s.ShutdownsIntact)) * 1.5 // some will be elsewhere
	takes, longer := sc.Subject.Delay.Duration, "let the handler take %s (--delay)"
	if s.Kind != scenario.KindStrategy {
		takes, longer = time.Duration(s.LatencyMS.P50*float64(time.Millisecond)), "use a URL that takes %s or longer to answer"
	}
	if rate := sc.Load.Rate; rate > 0 {
		needed := roundUp(time.Duration(each / float64(rate) * float64(time.Second)))
		if needed > takes {
			advice = append(advice, fmt.Sprintf(longer, scenario.InWords(needed)))
		}
	}
	if rate := math.Ceil(each / takes.Seconds()); rate <= scenario.MaxRate && rate > float64(sc.Load.Rate) {
		advice = append(advice, fmt.Sprintf("send %.0f requests a second (--rate)", rate))
	}
	return advice
}

// fasterAround advises on requests around a command, which come as fast as they
// are sent, and for as long.
func fasterAround(sc scenario.Scenario, s result.Subject, policy Policy) (advice []string) {
	rate := math.Ceil(float64(policy.MinAtRisk) * 1.5 * float64(sc.Load.Rate) / float64(max(s.AtRisk, 1)))
	if rate <= scenario.MaxRate {
		advice = append(advice, fmt.Sprintf("send %.0f requests a second (--rate)", rate))
	}
	return append(advice, "let the load go on for longer after the command (disruption.settle)")
}

// roundUp rounds to milliseconds, or to tenths of a second where it is long.
func roundUp(d time.Duration) time.Duration {
	unit := time.Millisecond
	if d > time.Second {
		unit = 100 * time.Millisecond
	}
	return (d + unit - 1).Truncate(unit)
}

// earned reports whether a rule judged anything: a policy without rules must not
// pass.
func earned(f result.Finding) bool {
	switch f.Status {
	case result.Satisfied, result.Warned, result.Violated:
		return true
	case result.Unjudged, result.NotExercised:
	}
	return false
}
