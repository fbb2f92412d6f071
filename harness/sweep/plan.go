// Package sweep asks one question of a server: a request that is sent so many
// microseconds before or after the signal, is it lost? It sends one request on
// each of hundreds of connections, at instants that are spread over a few
// milliseconds around the signal, and notes for every one when it was written
// and what became of it.
//
//	        one thread, in order of due time                       after that
//	─ w ── w ─ w ── w ── mark, kill(2) ── w ── w ─ w ── w ──>   read every answer
//	-2 ms                     0                        +2 ms
//
// Run judges nothing: Judge does.
//
// # When a request is sent
//
// A request's offset is the instant at which it was put onto the network, less the
// instant just before the kill(2). The instant that was measured counts, not the one
// that was meant: a thread that is held up makes a request late, never its offset
// wrong. Everything that needs care is done by one thread that does not sleep
// meanwhile, so that nothing is written while the signal is being sent. The signal
// is pending a few microseconds after its call begins (history.History.Pending).
//
// A request's instant would be known to within its call, but most of a write(2) is the waking of the server's thread,
// which can take ten times as long as the sending where the processors are virtual, and
// comes after it. So Linux is asked for a stamp (SO_TIMESTAMPING) of the moment at which
// the packet turns around in the loopback device, on its way from our socket to the
// server's. Nothing but a few microseconds of the kernel's own code lies between the
// stamp and the server's socket; how many are allowed for, and why, is said at
// history.History.Shot. A stamp is of the wall clock. That is compared with the
// shutdown's monotonic clock just before and just after everything was sent: where it
// was stepped meanwhile no stamp counts, and none that lies outside its write(2). A
// request without a stamp, as are all on other systems, was sent just before its write(2)
// at the earliest, and when that returned at the latest.
//
// # What a client does
//
// Fresh connections are made as a client makes them: connect, and write as soon
// as that is done, which on loopback is some tens of microseconds later. So a fresh
// request tells of the whole of it: the accept queue, the accept, the first read. What is
// written just after the signal had to begin its connect just before it. Reused connections have been opened and have served one
// request beforehand, and are idle. Just before a request is written on one of
// those, its socket is looked at: if the server has closed it already, nothing is
// written, and nothing is lost. That is what the most attentive of clients would
// do. Real ones learn of the close a little later, so what is lost here no client
// could have saved, and some will lose more.
//
// Answers are read when all requests have been written: they wait in the kernel
// meanwhile, and the server has the other processors to itself. The two kinds of
// connections take turns, a shutdown each, so that neither is in the other's way.
// A server that is slower than the requests come has a queue, and then a sweep
// shows the queue: fewer requests in each shutdown (PerStep), and more shutdowns,
// show the race.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/load"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// The bounds of what a plan may ask for.
const (
	MinPerStep     = 0.01
	MaxPerStep     = 100
	MaxConnections = 4000 // in one shutdown, well under what descriptors a process may have
)

// Plan is one sweep. The embedded plan has one subject, which is shut down
// Scenario.Shutdowns times for each kind of connections; of its scenario's load only
// the requests, of which there must be one, the connections, and the timeout count.
type Plan struct {
	run.Plan
	Grid    Grid
	PerStep float64       // requests in each bin in each shutdown; below 1 not every bin has one each time; 0: as many as make no queue
	Limit   time.Duration // of the whole sweep; 0: none. What is under way then is cut off, and does not count

	// Warn is told, if it is set, what was left out of the plan and why.
	Warn func(string)
}

// Check refuses what cannot work, before anything is started. The fields of the
// grid, PerStep and Limit are sweep.from, sweep.to, sweep.step, sweep.per-step and
// sweep.limit.
func (p *Plan) Check(ctx context.Context) error {
	if err := p.Grid.Validate(); err != nil {
		if invalid, ok := errors.AsType[*scenario.Invalid](err); ok {
			return &scenario.Invalid{Field: "sweep." + invalid.Field, Problem: invalid.Problem}
		}
		return err
	}
	if p.PerStep != 0 && !(p.PerStep >= MinPerStep && p.PerStep <= MaxPerStep) { // so put, it refuses what is no number
		return &scenario.Invalid{Field: "sweep.per-step", Problem: fmt.Sprintf("is %g, must be from %g to %d", p.PerStep, MinPerStep, MaxPerStep)}
	}
	if p.Limit < 0 {
		return &scenario.Invalid{Field: "sweep.limit", Problem: fmt.Sprintf("is %s, must be more than 0", p.Limit)}
	}
	if n := p.connections(0); n > MaxConnections {
		return &scenario.Invalid{Field: "sweep.per-step", Problem: fmt.Sprintf(
			"is %g, which opens %d connections at once, must be at most %d of them: raise the step, or the number of shutdowns", p.PerStep, n, MaxConnections)}
	}
	if len(p.Subjects) != 1 {
		return fmt.Errorf("a sweep has one subject, not %d", len(p.Subjects))
	}
	if p.Subjects[0].Kind() == scenario.KindRunning || len(p.Scenario.Disruption.While) > 0 {
		return &scenario.Invalid{Field: "disruption.while", Problem: "does not go with a sweep, which is around a signal"}
	}
	if strings.Contains(p.Scenario.Disruption.Signal, ",") {
		return &scenario.Invalid{Field: "disruption.signal", Problem: fmt.Sprintf("is %s: a sweep is around one signal", p.Scenario.Disruption.Signal)}
	}
	if strings.HasPrefix(p.Scenario.Subject.URL, "https:") {
		return &scenario.Invalid{Field: "subject.url", Problem: fmt.Sprintf("is %s: a sweep speaks plain HTTP only", p.Scenario.Subject.URL)}
	}
	return p.Plan.Check(ctx)
}

// lanes are the kinds of connections that are asked for.
func (p *Plan) lanes() []lane {
	switch p.Scenario.Load.Connections {
	case scenario.Reused:
		return []lane{reused}
	case scenario.Fresh:
		return []lane{fresh}
	case scenario.Mixed:
	}
	return []lane{reused, fresh}
}

// The bounds of how far apart requests are where PerStep does not say it.
const (
	minApart = 100 * time.Microsecond
	maxApart = 500 * time.Microsecond
)

// connections is how many requests there are in a shutdown of a server that answers
// in that time: as PerStep says, or as many as make no queue, since the race would be
// lost in that. An answer's time has a connection's in it, so each has more than its own.
func (p *Plan) connections(answered time.Duration) int {
	if p.PerStep > 0 {
		return int(math.Ceil(float64(p.Grid.Bins()) * p.PerStep))
	}
	apart := min(max(answered-p.Scenario.Subject.Delay.Duration, minApart), maxApart)
	return max(1, int(time.Duration(p.Grid.Bins())*p.Grid.Step/apart))
}

// Total is how many shutdowns are asked for.
func (p *Plan) Total() int { return p.Scenario.Shutdowns * len(p.lanes()) }

// Run carries the plan out: a fresh process for every shutdown, and the kinds of
// connections by turns. A shutdown that
// could not be carried out is a history with its Error set, not an error; if the
// subject could not be booted it is the last. Requests that count in no bin
// (Grid.Place) are made up for by those of later shutdowns, and where a bin still
// has too few at the end by up to four times as many shutdowns more. Where the first
// shutdown shows that the server keeps no connection, the sweep goes on without kept
// ones.
//
// When the context ends, the subject is killed, and Run returns what it has with
// an error that wraps subject.ErrInterrupted.
func Run(ctx context.Context, p Plan) ([]*history.History, error) {
	p.Scenario = scenario.Complete(p.Scenario)
	if err := p.Check(ctx); err != nil {
		return nil, err
	}
	id, err := run.NewID()
	if err != nil {
		return nil, err
	}
	dir, remove, err := subject.Workspace()
	if err != nil {
		return nil, err
	}
	defer remove()
	r := &runner{plan: &p, id: id, dir: dir, environment: run.Environment()}
	err = r.all(ctx)
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", subject.ErrInterrupted, context.Cause(ctx))
	}
	return r.histories, err
}

// target is the one request that is sent.
func (p *Plan) target(ctx context.Context, e subject.Endpoint) (load.Target, error) {
	targets, err := p.Targets(ctx, e)
	if err != nil {
		return load.Target{}, err
	}
	if len(targets) != 1 {
		return load.Target{}, &scenario.Invalid{Field: "load.requests", Problem: fmt.Sprintf("are %d, a sweep sends one, again and again", len(targets))}
	}
	return targets[0], nil
}
