package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/bug"
)

// readyCases are about the readiness check.
func readyCases() []Case {
	return []Case{{
		ID: "ready/order", State: "readiness and new connections polled", Needs: []Need{needReady},
		Requires:  "The readiness check fails before the first new connection is refused.",
		Reference: "Kubernetes, Pod Lifecycle; traefik/traefik #13907",
		Remedy:    "Let the readiness check fail at the signal, go on serving until the balancers have seen it, and only then close the listener.",
		Bugs:      []string{"B56", "B62"}, Rule: ruleReady, run: readyOrder,
	}}
}

// readyOrder asks the readiness check as often as it opens a new connection.
func readyOrder(b *bench) (s Sighting, err error) {
	if err := b.server.Ready(b.ctx); err != nil {
		if errors.Is(err, subject.ErrNoCheck) {
			return s, inapplicable("no readiness check is known")
		}
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	turned := make(chan time.Duration, 1) // buffered: there may be no reader
	go func() {
		defer bug.Catch()
		turned <- b.firstRed(ctx)
	}()
	tries := new(attempts)
	defer tries.running.Wait() // their connections are closed before the server is
	all, err := b.attempt(tries)
	stop()
	red := <-turned // the goroutine has ended, so that it asks nobody who is gone
	if err != nil {
		return s, err
	}
	sum := summarise(all)
	s.Reached, s.Proof = true, "the server was ready just before the signal"
	switch {
	case sum.refused < 0 && red < 0:
		return s, inapplicable("nothing was refused, and the readiness check still passed")
	case red < 0:
		s.Bad, s.Seen = true, fmt.Sprintf("refused from %s after the signal, and the readiness check never failed", scenario.InWords(sum.refused))
	case sum.refused < 0:
		s.Seen = fmt.Sprintf("not ready from %s after the signal, and nothing was refused", scenario.InWords(red))
	case red > sum.refused:
		s.Bad, s.Seen = true, fmt.Sprintf("refused from %s after the signal, and not ready only from %s", scenario.InWords(sum.refused), scenario.InWords(red))
	default:
		s.Seen = fmt.Sprintf("not ready from %s after the signal, refused from %s", scenario.InWords(red), scenario.InWords(sum.refused))
	}
	return s, nil
}

// firstRed asks the check until it is red, and returns when that was, or -1.
func (b *bench) firstRed(ctx context.Context) time.Duration {
	ticker := time.NewTicker(attemptEvery)
	defer ticker.Stop()
	for {
		began := time.Since(b.signalled)
		err := b.server.Ready(ctx)
		if _, red := errors.AsType[*subject.NotReady](err); red {
			return began
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return -1
		}
	}
}
