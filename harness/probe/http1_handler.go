package probe

import (
	"errors"
	"fmt"
	"time"

	"lastcall/harness/scenario"
)

// handlerCases are about requests that the server works on.
func handlerCases() []Case {
	return []Case{
		{
			ID: "http1/in-handler", State: "request read, handler running", Variants: []string{cold, warm}, Needs: []Need{needSlow},
			Requires:  "A request in its handler is answered as it would be without the signal.",
			Reference: "Go net/http Server.Shutdown; RFC 9112 section 9.6",
			Remedy:    "Wait for the requests in flight before the process ends (in Go: until Server.Shutdown has returned), and do not derive their context from the signal's.",
			Bugs:      []string{"B05", "B06", "B10", "B21", "B46", "B53"}, Rule: ruleInFlight, run: inHandler,
		},
	}
}

// latecomerCases are about what else can be asked of a request in its handler.
func latecomerCases() []Case {
	return []Case{
		{
			ID: "http1/announces-close", State: "request read, handler running", Variants: []string{cold, warm}, Needs: []Need{needSlow},
			Requires:  "The answer to a request that was in its handler at the signal has Connection: close.",
			Reference: "RFC 9112 section 9.6; envoyproxy/envoy #14350",
			Remedy:    "Send Connection: close with every answer after the signal (in Go: net/http does so after Shutdown was called).",
			Bugs:      []string{"B55"}, Rule: ruleAnnounces, run: announces,
		},
		{
			ID: "http1/half-closed-client", State: "in the handler, client has sent FIN", Needs: []Need{needSlow},
			Requires:  "A client that has sent its request and then closed its side of the connection is answered as it would be without the signal.",
			Reference: "RFC 9293 section 3.6; RFC 9112 section 9.6",
			Remedy:    "During the drain, do not treat the client's FIN as its end: only a reset or a failed write is.",
			Rule:      ruleInFlight, run: halfClosed,
		},
		{
			ID: "http1/client-aborts", State: "two in the handler; one client resets", Needs: []Need{needSlow},
			Requires:  "A client that resets its connection during the drain does not disturb other requests or the exit.",
			Reference: "Go net/http Server.Shutdown",
			Remedy:    "Count a request as done also if its connection ended, and do not let the error of one connection end the drain.",
			Rule:      ruleInFlight, run: clientAborts,
		},
	}
}

// tooQuick is an error if the slow request cannot be probed.
func (b *bench) tooQuick() error {
	if b.facts.slow >= slowEnough {
		return nil
	}
	return inapplicable(fmt.Sprintf("the slow request takes only %s: name one with --slow-url that takes at least %s", scenario.InWords(b.facts.slow), scenario.InWords(slowEnough)))
}

// sendSlow opens a connection, sends the slow request on it and waits until the
// server works on it. A text that follows it is sent with it.
func (b *bench) sendSlow(follows string) (s sent, proof string, err error) {
	if err = b.tooQuick(); err != nil {
		return s, "", err
	}
	if s.conn, err = b.open(); err != nil {
		return s, "", err
	}
	if s.request, err = b.slow(slowFor); err != nil {
		return s, "", err
	}
	if err = s.write(s.text + follows); err != nil {
		return s, "", err
	}
	b.dueBy(s.wrote)
	proof, err = b.working(s.conn, s.request)
	return s, proof, err
}

// kept reports whether an answer is what it would be without the signal.
func (b *bench) kept(a answer) bool { return a.whole && a.status == b.facts.slowStatus }

// slowAnswer says what came of a slow request.
func (b *bench) slowAnswer(a answer) string {
	switch {
	case !a.whole:
		return fmt.Sprintf("%s, %s after the signal", a, scenario.InWords(a.done.Sub(b.signalled)))
	case !b.kept(a):
		return fmt.Sprintf("%s; without the signal it is %d", a, b.facts.slowStatus)
	}
	return a.String()
}

// served is a sighting of one slow request, which is lost unless it was kept.
func (b *bench) served(proof string, a answer) Sighting {
	s := Sighting{Reached: true, Of: 1, Proof: proof, Seen: b.slowAnswer(a)}
	if !b.kept(a) {
		s.Lost = 1
	}
	return s
}

func inHandler(b *bench) (Sighting, error) {
	w, proof, err := b.sendSlow("")
	if err != nil {
		return Sighting{}, err
	}
	if err := b.signal(); err != nil {
		return Sighting{}, err
	}
	return b.served(proof, w.answer(w.method, b.until(), nil)), nil
}

func announces(b *bench) (Sighting, error) {
	w, proof, err := b.sendSlow("")
	if err != nil {
		return Sighting{}, err
	}
	if err := b.signal(); err != nil {
		return Sighting{}, err
	}
	a := w.answer(w.method, b.until(), nil)
	if !a.whole {
		return Sighting{}, inapplicable("there was no whole answer that could say it")
	}
	s := Sighting{Reached: true, Of: 1, Proof: proof, Bad: !a.close, Seen: a.String()}
	if s.Bad {
		s.Seen += ", without Connection: close"
	}
	return s, nil
}

func halfClosed(b *bench) (Sighting, error) {
	if hint := b.plan.Hints.Detached; hint != "" { // a handler that gives up at FIN shows nothing of the drain
		plan := *b.plan
		plan.Hints.Slow = hint
		b.plan = &plan // of this repeat alone
	}
	before, _, err := b.sendSlow("")
	if err != nil {
		return Sighting{}, err
	}
	if err := before.halfClose(); err != nil {
		return Sighting{}, err
	}
	if a := before.answer(before.method, b.soon(), nil); !b.kept(a) {
		return Sighting{}, inapplicable("also without a signal such a client is " + a.String() + ": name an answer with --slow-url that does not end when its client has sent FIN")
	}
	b.answered()
	w, proof, err := b.sendSlow("")
	if err != nil {
		return Sighting{}, err
	}
	if err := w.halfClose(); err != nil {
		return Sighting{}, err
	}
	if err := b.signal(); err != nil {
		return Sighting{}, err
	}
	return b.served(proof, w.answer(w.method, b.until(), nil)), nil
}

func clientAborts(b *bench) (Sighting, error) {
	stays, proof, err := b.sendSlow("")
	if err != nil {
		return Sighting{}, err
	}
	leaves, _, err := b.sendSlow("")
	if _, late := errors.AsType[overdue](err); late {
		return Sighting{}, err
	}
	if err != nil {
		return Sighting{}, inapplicable("it does not work on two requests at a time: " + err.Error())
	}
	if err := b.signal(); err != nil {
		return Sighting{}, err
	}
	if err := b.pause(breath); err != nil {
		return Sighting{}, err
	}
	if err := b.inTime("the reset", time.Now()); err != nil {
		return Sighting{}, err
	}
	leaves.abort()
	s := b.served(proof, stays.answer(stays.method, b.until(), nil))
	stays.close() // kept alive, it could hold the exit in its own right
	end, err := b.awaitExit()
	if err != nil {
		return Sighting{}, err
	}
	s.Seen = "the other was " + s.Seen + "; " + end.String()
	s.Bad = end.killed
	return s, nil
}
