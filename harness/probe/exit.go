package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lastcall/harness/scenario"
)

// exitCases are about the end of the process.
func exitCases() []Case {
	return []Case{
		{
			ID: "exit/status", State: "no connection open",
			Requires:  "The process ends with status 0, or another status that the policy allows.",
			Reference: "zedshaw/mongrel2 #318; systemd.service(5), SuccessExitStatus; Kubernetes container status",
			Remedy:    "Handle the signal and let the process end by itself with exit code 0 (in Go: return from main, and do not treat the error of Serve after Shutdown as a failure).",
			Bugs:      []string{"B06", "B67", "B78"}, Rule: ruleStatus, run: exitStatus,
		},
		{
			ID: "exit/idle", State: "no connection open",
			Requires:  "Without any connection the process ends by itself within the grace period, and at once: within 5 s after the lag.",
			Reference: "Kubernetes pod termination",
			Remedy:    "Handle the signal, and end when the last request is answered. Do not sleep for a fixed time.",
			Rule:      ruleGrace, run: exitIdle,
		},
		{
			ID: "exit/kept-alive", State: "kept alive, not used again",
			Requires:  "An idle kept-alive connection does not delay the exit by more than 3 s.",
			Reference: "nodejs/node #2642; valyala/fasthttp #1190; RFC 9112 section 9.5",
			Remedy:    "Close the idle connections at the signal (in Go: Server.Shutdown; in Node: server.closeIdleConnections).",
			Bugs:      []string{"B12", "B19", "B35"}, Rule: ruleGrace, unbooted: true, run: keptAlive,
		},
		{
			ID: "exit/overrun", State: "handler works longer than the grace", Needs: []Need{needSlow},
			Requires:  "If a handler takes longer than the grace period, the process still ends by itself within it, and the client gets an answer or the end of its connection.",
			Reference: "Go net/http Server.Shutdown (its context) and Server.Close; systemd.service(5), TimeoutStopSec",
			Remedy:    "Bound the drain, shorter than the platform's grace period (in Go: the context of Shutdown, then Close), so that the rest of the shutdown still runs.",
			Bugs:      []string{"B16", "B47"}, Rule: ruleGrace, run: exitOverrun,
		},
	}
}

// errKilled says why a probe of how the process ends sees nothing.
const errKilled = inapplicable("the process did not end by itself within the grace period")

// idleProof is the proof of a state without connections.
const idleProof = "the probe had no connection open"

func exitStatus(b *bench) (Sighting, error) {
	end, err := b.stop()
	if err != nil {
		return Sighting{}, err
	}
	if end.killed {
		return Sighting{}, errKilled
	}
	sent := scenario.SignalName(b.plan.Signal)
	s := Sighting{Reached: true, Proof: idleProof, Seen: end.String()}
	switch {
	case end.Signal == sent:
		s.Bad, s.Excused = !b.plan.Died, true
	case end.Signal != "":
		s.Bad = true
	case end.Code != 0 && !slices.Contains(b.plan.Clean, end.Code):
		s.Bad, s.Excused = true, end.Code == 128+int(b.plan.Signal)
	}
	return s, nil
}

// idleBound is how long a server without any connection may take to exit.
const idleBound = 5 * time.Second

func exitIdle(b *bench) (Sighting, error) {
	end, err := b.stop()
	if err != nil {
		return Sighting{}, err
	}
	late := !end.killed && end.took > b.plan.Lag+idleBound
	return Sighting{Reached: true, Proof: idleProof, Seen: end.String(), Bad: end.killed || late, Excused: late}, nil
}

// overrunBy is how much longer than the grace period a handler is told to work.
const overrunBy = 5 * time.Second

func exitOverrun(b *bench) (s Sighting, err error) {
	if !strings.Contains(b.plan.Hints.Slow, slowMark) && b.facts.slow <= b.plan.Grace {
		return s, inapplicable(fmt.Sprintf("the slow request takes %s, less than the grace period of %s: write {ms} into --slow-url, so that lastcall can set its time", scenario.InWords(b.facts.slow), b.plan.Grace))
	}
	c, err := b.dial()
	if err != nil {
		return s, err
	}
	r, err := b.slow(b.plan.Grace + overrunBy)
	if err != nil {
		return s, err
	}
	if err := c.write(r.text); err != nil {
		return s, err
	}
	if s.Proof, err = b.working(c, r); err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	a := c.answer(r.method, b.signalled.Add(b.plan.Grace), nil) // before the kill, which ends every wait
	end, err := b.awaitExit()
	if err != nil {
		return s, err
	}
	if !end.killed && a.end == timeout && a.bare { // the two may have ended at the same time
		a = c.answer(r.method, time.Now().Add(patience), nil)
	}
	return b.judgeOverrun(s.Proof, end, a), nil
}

// judgeOverrun says what a server does whose handler works longer than the grace.
// One that has to be killed loses all that should have come after the drain. It
// takes such a handler: who knows that there is none is warned; under a policy whose
// grace is a platform's, which kills whoever outlives it, nothing excuses it. A
// client that hears nothing although the process has gone is never excused.
func (b *bench) judgeOverrun(proof string, end leave, a answer) Sighting {
	s := Sighting{Reached: true, Proof: proof, Seen: fmt.Sprintf("%s; the client was %s", end, a)}
	switch {
	case end.killed:
		s.Bad, s.Excused = true, !b.plan.Bound
		s.Seen = fmt.Sprintf("%s; until then the client was %s; the drain has no bound, so no handler may take %s: with shorter handlers it passes", end, a, b.plan.Grace)
	case a.end == timeout:
		s.Bad = true
		s.Seen += ", though the process had ended"
	}
	return s
}
