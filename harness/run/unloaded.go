package run

import (
	"context"
	"fmt"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/bug"
)

// withoutLoad is a shutdown in which no request is sent: the signal finds a
// server that is just ready, or one that may not even be. What is looked at is
// how the process ends.
func (s *shutdown) withoutLoad(ctx context.Context) error {
	starting, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.server.Close()
	defer starting.end()
	err = s.tellUnloaded(ctx, starting)
	if at := starting.end(); at > 0 {
		s.event(history.EventReady, at)
	}
	s.sortEvents()
	s.history.Addr = s.server.Endpoint().Address
	s.server.Close() // before the last lines are read: it waits for them
	s.history.Stderr = s.server.Stderr()
	return err
}

// begin boots the subject, or only starts it if the signal may come before it is
// ready.
func (s *shutdown) begin(ctx context.Context) (*starting, error) {
	if s.plan.Scenario.Disruption.When == scenario.Ready {
		if err := s.boot(ctx); err != nil {
			return nil, err
		}
		s.noteHolders()
		return nil, nil
	}
	server, ready, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	s.server = server
	s.event(history.EventStarted, s.now())
	s.history.PID = server.PID()
	return watchStart(ctx, ready, s.now), nil
}

// tellUnloaded sends the signal when it is due, and waits for the exit.
func (s *shutdown) tellUnloaded(ctx context.Context, starting *starting) error {
	if starting != nil {
		if err := s.awaitInstant(ctx, starting); err != nil {
			s.noteExit()
			return err
		}
	}
	s.progress("draining")
	if err := s.signal(); err != nil {
		return err
	}
	return s.awaitExit(ctx)
}

// starting waits for a server to be ready that is told to stop meanwhile. It
// goes on after the signal: one that gets ready all the same has not heard it.
type starting struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the wait is over; until then at belongs to the goroutine
	at     time.Duration // when it was ready, 0 if it never was
	err    error         // why it never was
}

func watchStart(ctx context.Context, ready subject.Await, now func() time.Duration) *starting {
	ctx, cancel := context.WithCancel(ctx)
	s := &starting{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done) // closed by the only goroutine that waits
		defer bug.Catch()
		if s.err = ready(ctx); s.err == nil {
			s.at = now()
		}
	}()
	return s
}

// end gives up the wait, and returns when the server was ready.
func (s *starting) end() time.Duration {
	if s == nil {
		return 0
	}
	s.cancel()
	<-s.done
	return s.at
}

// checkWhen refuses a subject that cannot be told to stop in that state.
func (p *Plan) checkWhen(tested subject.Subject) error {
	d := p.Scenario.Disruption
	_, starts := tested.(subject.Starter)
	if !d.Unloaded() || starts || d.When == scenario.Ready && tested.Kind() != scenario.KindRunning {
		return nil
	}
	return &scenario.Invalid{Field: "disruption.when", Problem: fmt.Sprintf(
		"is %s, but lastcall does not start %s, which runs already: leave it out, or name a command to start", d.When, tested.Name())}
}
