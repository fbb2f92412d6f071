package check

import (
	"fmt"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

func servesThroughLagRule() Rule {
	return Rule{
		Name:      ServesThroughLag,
		Asks:      "during the lag after the signal, in which a balancer goes on sending, every new request is completed",
		Needs:     "a lag (--lag)",
		Reference: "Kubernetes, Termination of Pods; kubernetes/kubernetes #106476",
		Unit:      "requests sent during the lag", Breach: "were not completed",
		when: onStop, judge: servesThroughLag,
		normal: Level{Off, Off}, explain: explainer.tooEarly,
	}
}

// servesThroughLag judges every request that was sent after the signal, while a
// balancer may not have learned of it.
func servesThroughLag(o *observation) (t tally) {
	o.duringLag(func(r *history.Request) {
		t.judged++
		if r.Outcome != history.Completed {
			t.breaches = append(t.breaches, o.proof(r))
		}
	})
	return t
}

// duringLag calls f for every request that was sent during the lag, and ended.
func (o *observation) duringLag(f func(*history.Request)) {
	end := o.Signal.After + o.Header.Scenario.Disruption.Lag.Duration
	for i := range o.Requests {
		r := &o.Requests[i]
		if r.Started < o.Signal.After || r.Started >= end || r.Outcome == history.Unsent || r.Outcome == history.Pending {
			continue
		}
		f(r)
	}
}

// tooEarly tells of a server that was gone while a balancer still sent.
func (t explainer) tooEarly(f result.Finding) []string {
	lag := scenario.InWords(t.scenario.Disruption.Lag.Duration)
	c := t.duringLag()
	what := fmt.Sprintf("A load balancer goes on sending requests for %s after %s, and %d of %d %s not completed%s: %s.",
		lag, t.signal(), f.Count, f.Judged, prose.Was(f.Count), t.overShutdowns(), describeLosses(c))
	var why string
	switch {
	case c.Refused >= c.Dropped && c.Refused >= c.Rejected && c.Refused >= c.Failed:
		why = fmt.Sprintf("The server stopped listening too early: it refused the first request %s after the signal%s. "+
			"Behind a balancer each refusal is an error that a user sees.", scenario.InWords(t.firstRefusal()), asGoDoes(t.firstRefusal()))
	case c.Rejected >= c.Dropped && c.Rejected >= c.Failed:
		why = "The server rejected them with 503 or 429. Behind a balancer each rejection is an error that a user sees."
	default:
		why = "The server accepted their connections, but did not answer them."
	}
	return []string{
		what, why,
		fmt.Sprintf("Go on accepting and serving for longer than the balancer takes (here %s), with a failing readiness check and Connection: close; "+
			"shut down only then (`lastcall explain drain` shows it). If you cannot change the server, delay the signal by the "+
			"same time: in Kubernetes, with a preStop hook that sleeps.", lag),
	}
}

// asGoDoes names the usual reason for a listener that closes with the signal.
func asGoDoes(after time.Duration) string {
	if after > atOnce {
		return ""
	}
	return " (closing the listener is what Go's Server.Shutdown does first)"
}

// duringLag counts what became of the requests that were sent during the lag.
func (t explainer) duringLag() (c history.Counts) {
	for _, o := range t.intact {
		o.duringLag(func(r *history.Request) { c.Add(r.Outcome) })
	}
	return c
}

// firstRefusal is how soon after the signal a request was refused in any shutdown.
func (t explainer) firstRefusal() time.Duration {
	first := time.Duration(-1)
	for _, o := range t.intact {
		o.duringLag(func(r *history.Request) {
			if after := r.Started - o.Signal.Before; r.Outcome == history.Refused && (first < 0 || after < first) {
				first = after
			}
		})
	}
	return first
}
