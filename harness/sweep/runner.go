package sweep

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// runner carries a plan out.
type runner struct {
	plan        *Plan
	id          string
	dir         string
	environment history.Environment
	ordinal     int // of the last shutdown: the ids of all differ
	histories   []*history.History
	end         func() // as the time limit does
}

// errLimit is why a shutdown was cut off by Plan.Limit.
var errLimit = errors.New("the sweep has reached its time limit")

func (r *runner) all(ctx context.Context) error {
	bounded, end := context.WithCancelCause(ctx)
	defer end(nil)
	r.end = func() { end(errLimit) }
	if r.plan.Limit > 0 {
		timer := time.AfterFunc(r.plan.Limit, r.end)
		defer timer.Stop()
	}
	kinds := r.plan.tallies()
	for n := 1; bounded.Err() == nil; n++ {
		kind := r.plan.next(kinds)
		if kind == nil {
			return nil
		}
		s := r.shutdown(bounded, n, kind)
		if n == 1 && errors.Is(s.failure, errKeepsNone) {
			if r.plan.Scenario.Load.Connections == scenario.Mixed {
				r.plan.Scenario.Load.Connections = scenario.Fresh // this and all that follow
				r.warn("kept-alive connections are left out: the server keeps no connection open")
				kinds, n = r.plan.tallies(), 0
				continue
			}
			r.plan.Scenario.Shutdowns = 1 // it would keep none in those that follow either
		}
		if bounded.Err() != nil && ctx.Err() == nil {
			r.warn("the time limit of %s was reached (--limit): %d of %d shutdowns were carried out", r.plan.Limit, n-1, max(n, r.plan.Total()))
			if n > 1 {
				return nil // the one that was cut off tells nothing
			}
			s.history.Interrupted, s.history.Error = false, errLimit.Error() // lastcall was not stopped
		}
		h := new(history.History) // a copy: the rest of the shutdown is freed
		*h = s.history
		kind.add(r.plan.Grid, h)
		r.histories = append(r.histories, h)
		if r.plan.Done != nil {
			if err := r.plan.Done(h); err != nil {
				return err
			}
		}
		if s.server == nil {
			return nil // what does not start once does not start again
		}
	}
	return nil
}

func (r *runner) warn(format string, args ...any) {
	if r.plan.Warn != nil {
		r.plan.Warn(fmt.Sprintf(format, args...))
	}
}

func (r *runner) shutdown(ctx context.Context, n int, kind *tally) *shutdown {
	r.ordinal++
	s := &shutdown{
		plan: r.plan, subject: r.plan.Subjects[0], base: time.Now(), lane: kind.lane, weights: weights(r.plan.needs(kind)),
		dir: filepath.Join(r.dir, strconv.Itoa(r.ordinal)),
	}
	s.history.Header = r.header(n, s.base)
	s.run(ctx)
	return s
}

func (r *runner) header(n int, base time.Time) history.Header {
	p, subject := r.plan, r.plan.Subjects[0]
	return history.Header{
		Schema: history.Schema, Tool: p.Tool, Environment: r.environment, Run: r.id, Ordinal: r.ordinal,
		Subject: subject.Name(), Kind: subject.Kind(), Shutdown: n, Seed: p.Seed,
		Started: base.UTC().Round(time.Millisecond), Scenario: p.Scenario.Redacted(),
	}
}
