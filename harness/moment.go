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
			return fmt.Errorf("%w: %w", errSubjectGone, gone(s.server.Exit(), s.server.Tree()))
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

// jitter depends on the seed and on the shutdown's number only: the subjects of
// a comparison get the same.
func (s *shutdown) jitter() time.Duration {
	most := int64(s.plan.Scenario.Load.Jitter.Duration)
	if most == 0 {
		return 0
	}
	source := rand.New(rand.NewPCG(s.plan.Seed, uint64(s.history.Header.Shutdown)))
	return time.Duration(source.Int64N(most))
}
