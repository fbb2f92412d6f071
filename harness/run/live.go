package run

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// Live makes a run follow somebody who watches it: it waits for him, and tells
// him what happens while it happens. A shutdown of such a run is not repeated if
// we ran behind our schedule: nobody would have asked for the second one.
type Live struct {
	// Moment says when the signal is due, by a value or by being closed; the
	// warm-up comes first in any case.
	Moment <-chan struct{}
	// Limit is how long the load waits for the moment. After it the shutdown
	// ends without a signal, and its history says ErrNoMoment: every request is
	// recorded until the end, so that a load without one would fill the memory.
	Limit time.Duration
	// Extra are signals to send between the first one and the exit, besides those
	// of the sequence, by name. What is no signal is not sent.
	Extra <-chan string
	// Feed gets what happens, nil if there is no watcher.
	Feed *Feed
}

// ErrNoMoment says that a server was not told to stop because its moment did not
// come. Histories hold its text.
var ErrNoMoment = errors.New("the moment of the signal was not announced")

// Sight is one thing that happens in a shutdown.
type Sight struct {
	Base    time.Time       // of all times in it
	Event   history.Event   // its Name is "" where it tells of a request
	Request history.Request // as it begins, when its outcome is pending, and again as it has ended
}

// Feed carries what happens to a watcher. It is bounded and never waits: a
// watcher who does not keep up misses something, and can tell how much, but the
// load is not slowed down.
type Feed struct {
	sights chan Sight
	missed atomic.Int64
}

// NewFeed returns a feed that holds as many sights until they are taken.
func NewFeed(size int) *Feed { return &Feed{sights: make(chan Sight, size)} }

// Sights is what happens. It is never closed: more than one run may feed it.
func (f *Feed) Sights() <-chan Sight { return f.sights }

// Missed returns how many sights there was no room for.
func (f *Feed) Missed() int { return int(f.missed.Load()) }

func (f *Feed) tell(s Sight) {
	select {
	case f.sights <- s:
	default: // never wait: we are called in the middle of a request
		f.missed.Add(1)
	}
}

// feed gets what happens, nil if there is no watcher.
func (p *Plan) feed() *Feed {
	if p.Live == nil {
		return nil
	}
	return p.Live.Feed
}

// watch gets the requests of the load, nil if there is no watcher.
func (s *shutdown) watch() func(*history.Request) {
	feed := s.plan.feed()
	if feed == nil {
		return nil
	}
	return func(r *history.Request) { feed.tell(Sight{Base: s.base, Request: *r}) }
}

// extra brings the signals that are sent in addition to the sequence's, nil if none are.
func (s *shutdown) extra() <-chan string {
	if s.plan.Live == nil {
		return nil
	}
	return s.plan.Live.Extra
}

// signalExtra sends one of them.
func (s *shutdown) signalExtra(name string) {
	if number, err := scenario.ParseSignal(name); err == nil {
		s.signalAgain(scenario.Step{Signal: number})
	}
}

// checkLive refuses a plan for which no moment can come.
func (p *Plan) checkLive() error {
	switch {
	case p.Live == nil:
		return nil
	case p.Live.Moment == nil || p.Live.Limit <= 0:
		return fmt.Errorf("a live run needs a moment, and a limit of more than 0, not %s", p.Live.Limit)
	case p.Scenario.Disruption.Unloaded():
		return &scenario.Invalid{Field: "disruption.when", Problem: fmt.Sprintf("is %s, and a live run has a load: leave it out", p.Scenario.Disruption.When)}
	}
	return nil
}

// awaitLive waits for the moment that the watcher chooses, but at least until
// the subject is warm. Meanwhile it looks how many requests are open.
func (s *shutdown) awaitLive(ctx context.Context) error {
	live, warm := s.plan.Live, s.now()+s.plan.Scenario.Warm()
	halfway := warm - s.plan.Scenario.Warm()/2 // before it the load is still building up
	limit := time.NewTimer(live.Limit)
	defer limit.Stop()
	look := time.NewTicker(10 * sampling) // this may go on for minutes
	defer look.Stop()
	var samples, sum int
	moment, come := live.Moment, false
	for {
		select {
		case <-look.C:
		case <-moment:
			moment, come = nil, true // a closed channel would come again and again
			limit.Stop()
		case <-limit.C:
			return ErrNoMoment
		case <-s.server.Exited():
			return s.gone()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		s.witness.approaching()
		now := s.now()
		if come && now >= warm && s.witness.ready() {
			s.history.Signal.Mean = float64(sum) / float64(max(samples, 1))
			return nil
		}
		if now >= halfway {
			samples, sum = samples+1, sum+s.attack.Open()
		}
	}
}
