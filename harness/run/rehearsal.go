package run

import (
	"context"
	"fmt"
	"os"
	"time"

	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// spanOfStart is within how many times as long as a subject takes to be ready a
// signal comes that waits for nothing: about half of them before it is ready.
const spanOfStart = 2

// rehearse boots a subject once, before its first shutdown, to learn how long it
// takes to be ready, if that matters. It returns nil, or, where the subject did
// not boot, the shutdown that says so.
func (r *runner) rehearse(ctx context.Context, position, n int) *shutdown {
	if _, known := r.spans[position]; known || r.plan.Scenario.Disruption.When != scenario.Started {
		return nil
	}
	s := r.prepare(position, n)
	took, err := s.rehearse(ctx)
	if err != nil {
		s.note(ctx, err)
		return s
	}
	if r.spans == nil {
		r.spans = make(map[int]time.Duration)
	}
	r.spans[position] = (spanOfStart * took).Round(10 * time.Microsecond)
	return nil
}

// rehearse starts the subject, and ends it as soon as it is ready.
func (s *shutdown) rehearse(ctx context.Context) (took time.Duration, err error) {
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return 0, err
	}
	defer os.RemoveAll(s.dir)
	s.progress("booting")
	server, ready, err := s.start(ctx)
	if err != nil {
		return 0, err
	}
	defer server.Close()
	started := s.now()
	if err := ready(ctx); err != nil {
		server.Close() // first, so that its last words are complete
		return 0, fmt.Errorf("boot %s: %w", s.subject.Name(), &subject.BootError{Reason: err, Stderr: server.Stderr()})
	}
	return s.now() - started, nil
}

// start starts the subject, and does not wait until it is ready.
func (s *shutdown) start(ctx context.Context) (subject.Server, subject.Await, error) {
	subject, ok := s.subject.(subject.Starter)
	if !ok {
		return nil, nil, fmt.Errorf("start %s: it can only be booted", s.subject.Name()) // the plan was checked for it
	}
	server, ready, err := subject.Start(ctx, s.ledger())
	if err != nil {
		return nil, nil, fmt.Errorf("start %s: %w", s.subject.Name(), err)
	}
	return server, ready, nil
}
