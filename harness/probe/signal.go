package probe

import (
	"fmt"
	"syscall"
	"time"
)

// signalCases are about the signals themselves.
func signalCases() []Case {
	return []Case{
		{
			ID: "signal/double", State: "in the handler; the signal comes twice", Needs: []Need{needSlow},
			Requires:  "A second signal during the drain does not turn it into a hard stop.",
			Reference: "cockroachdb/cockroach #48070; Go os/signal NotifyContext",
			Remedy:    "Keep the signal handler until the process ends (in Go: call the stop function of signal.NotifyContext last).",
			Bugs:      []string{"B66"}, Rule: ruleInFlight, run: doubleSignal,
		},
		{
			ID: "signal/int", State: "in the handler; SIGINT comes", Needs: []Need{needSlow},
			Requires:  "SIGINT stops the server as SIGTERM does.",
			Reference: "golang/go os/signal; nginx(8), where SIGINT is the fast shutdown",
			Remedy:    "Handle SIGINT and SIGTERM in the same way: a terminal and many tools send SIGINT.",
			Bugs:      []string{"B53"}, Rule: ruleInFlight, run: interrupt,
		},
	}
}

func doubleSignal(b *bench) (s Sighting, err error) {
	w, proof, err := b.sendSlow("")
	if err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	if err := b.pause(breath); err != nil {
		return s, err
	}
	if err := b.inTime("the second signal", time.Now()); err != nil {
		return s, err
	}
	if w.hungUp() {
		return s, inapplicable("the first signal alone ends the request")
	}
	if err := b.signal(); err != nil {
		return s, fmt.Errorf("for the second time: %w", err)
	}
	return b.served(proof+", also at the second signal", w.answer(w.method, b.until(), nil)), nil
}

func interrupt(b *bench) (s Sighting, err error) {
	if b.plan.Signal == syscall.SIGINT {
		return s, inapplicable("SIGINT is the signal of all other probes")
	}
	w, proof, err := b.sendSlow("")
	if err != nil {
		return s, err
	}
	if err := b.send(syscall.SIGINT); err != nil {
		return s, err
	}
	s = b.served(proof, w.answer(w.method, b.until(), nil))
	w.close() // kept alive, it could hold the exit in its own right
	end, err := b.awaitExit()
	if err != nil {
		return s, err
	}
	s.Seen += "; " + end.String()
	s.Bad, s.Excused = end.killed, true // some declare it to be the fast stop
	return s, nil
}
