package harness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// sampling is how often the open requests are counted during warm-up, and
// looked at when the signal is due.
const sampling = time.Millisecond

// awaitMoment warms the subject up for a time that the seed decides, and then
// waits until at least half as many requests are open as were in the mean: a
// signal that lands in a lull would test nothing. It waits no longer than the
// scenario's trigger.
func (s *shutdown) awaitMoment(ctx context.Context) error {
	scenario := s.plan.Scenario
	due := s.now() + scenario.Warm() + s.jitter()
	halfway := s.now() + scenario.Warm()/2 // before it the load is still building up
	last := due + scenario.Load.Trigger.Duration
	ticker := time.NewTicker(sampling)
	defer ticker.Stop()
	var samples, sum int
	for {
		select {
		case <-ticker.C:
		case <-s.server.Exited():
			return s.gone()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		now, open := s.now(), s.attack.Open()
		if now < due {
			if now >= halfway {
				samples, sum = samples+1, sum+open
			}
			continue
		}
		mean := float64(sum) / float64(max(samples, 1))
		if mean < 1 || float64(open) >= mean/2 || now >= last {
			s.history.Signal.Mean = mean
			return nil
		}
	}
}

// gone says that nobody is left to send the signal to.
func (s *shutdown) gone() error {
	left, _ := s.server.Tree() // only to explain
	return fmt.Errorf("%w: %w", errSubjectGone, gone(s.server.Exit(), left))
}

// awaitInstant waits for the instant after the start at which a signal is due
// that waits for nothing else. The last of several waits for the server, too: on a
// busy machine a start may take longer than it did when it was measured, and in
// one shutdown at least a server has to be ready that is to pass.
func (s *shutdown) awaitInstant(ctx context.Context, starting *starting) error {
	due := time.NewTimer(s.instant())
	defer due.Stop()
	select {
	case <-due.C:
	case <-s.server.Exited():
		return s.gone()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if n := s.plan.Scenario.Shutdowns; n == 1 || s.history.Header.Shutdown < n {
		return nil
	}
	select {
	case <-starting.done: // the wait is bounded by the subject's own patience
		if starting.err != nil {
			return fmt.Errorf("boot %s: %w", s.subject.Name(), starting.err)
		}
		return nil
	case <-s.server.Exited():
		return s.gone()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// instant is random, by the seed, but each shutdown has a part of the span to
// itself: together they leave no part of the start out.
func (s *shutdown) instant() time.Duration {
	n := time.Duration(s.plan.Scenario.Shutdowns)
	part := s.history.Header.Scenario.Load.Jitter.Duration / n
	return part*time.Duration(s.history.Header.Shutdown-1) + s.jitter()/n
}

// jitter depends on the seed and on the shutdown's number only: the subjects of
// a comparison get the same, or, where a start was measured, the same share of it.
func (s *shutdown) jitter() time.Duration {
	most := int64(s.history.Header.Scenario.Load.Jitter.Duration) // as executed
	if most == 0 {
		return 0
	}
	source := rand.New(rand.NewPCG(s.plan.Seed, uint64(s.history.Header.Shutdown)))
	return time.Duration(source.Int64N(most))
}
