package check

import (
	"fmt"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

func readyFlipsFirstRule() Rule {
	return Rule{
		Name:      ReadyFlipsFirst,
		Asks:      "the readiness check fails before the first connection is refused",
		Needs:     "a readiness check (--ready)",
		Reference: "Kubernetes, Pod Lifecycle, Termination of Pods; container probes",
		Unit:      "shutdowns", Breach: "refused connections while the readiness check passed",
		when: onStop, timed: true, judge: readyFlipsFirst,
		normal: Level{Off, Off}, explain: explainer.readyForNobody,
	}
}

// readyFlipsFirst compares the first red answer of the readiness check with the
// first refusal, of a request or of the check itself. Without either there is
// nothing to compare.
func readyFlipsFirst(o *observation) (t tally) {
	r := o.Readiness
	closed := r.Refused
	if refused, ok := o.At(history.EventFirstRefused); ok && (closed == 0 || refused < closed) {
		closed = refused
	}
	if r.Polls == 0 || r.Red == 0 && closed == 0 {
		return t
	}
	t.judged = 1
	if r.Red != 0 && (closed == 0 || r.Red <= closed) {
		return t
	}
	t.breaches = append(t.breaches, o.proofOfShutdown())
	t.said = fmt.Sprintf("the first refusal came %s after the signal, and each check until then had found it ready", scenario.InWords(closed-o.Signal.Before))
	return t
}

// readyForNobody tells of a readiness check that lied.
func (t explainer) readyForNobody(f result.Finding) []string {
	return []string{
		prose.Sentence(f.Detail),
		"A load balancer that uses the readiness check goes on sending requests to a server that refuses them.",
		"Answer the readiness check with 503 as soon as the signal arrives, and close the listener later.",
	}
}
