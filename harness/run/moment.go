package run

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// sampling is how often the open requests are counted during warm-up, and
// looked at when the signal is due.
const sampling = time.Millisecond

// awaitMoment warms the subject up until it shows a steady state, or for as long as the
// scenario says, and for a time more that the seed decides; for longer if it takes its
// time to answer. Then it waits until enough requests are open: a signal
// that lands in a lull would test nothing. Nor is one sent while requests wait to be
// sent that are overdue. It waits no longer than the scenario's trigger.
func (s *shutdown) awaitMoment(ctx context.Context) error {
	m := newMoment(s.now(), s.plan.Scenario, len(s.history.Methods), s.jitter())
	ticker := time.NewTicker(sampling)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.server.Exited():
			return s.gone()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		now := s.now()
		come := m.look(now, s.attack.Open(), s.attack.Begun())
		if m.near(now) {
			s.witness.approaching()
		}
		if come && s.witness.ready() && !s.attack.Behind() || now >= m.last {
			s.history.Signal.Mean = m.mean()
			return nil
		}
	}
}

// moment decides when the signal is due, by what it sees of the load.
type moment struct {
	began   time.Duration // the load did
	settled time.Duration // from when on a steady state is enough
	due     time.Duration // the signal is, at the earliest
	halfway time.Duration // before it the load is still building up
	last    time.Duration // at which it is sent in any case
	silent  time.Duration // at which it is sent to a server that has not answered anything
	trigger time.Duration
	rate    float64 // requests a second

	enough   int // how many answers a steady state needs
	settling settling

	answered     bool // the server has
	samples, sum int  // of the open requests since halfway
	since        time.Duration
	busy         bool // a request has been open since then
}

func newMoment(now time.Duration, s scenario.Scenario, targets int, jitter time.Duration) *moment {
	m := &moment{
		began: now, settled: now + s.Settled() + jitter, due: now + s.Warm() + jitter, halfway: now + s.Settled()/2,
		trigger: s.Load.Trigger.Duration, rate: float64(s.Load.Rate), enough: enoughAnswers * max(1, targets),
	}
	m.last = m.due + m.trigger
	m.silent = max(m.due, min(m.last, now+s.Load.Timeout.Duration/2)) // while the first requests are still open
	return m
}

const (
	// hand is how long a request must have been open to be taken to be in the server's
	// hands, where there is hardly ever one.
	hand = 10 * time.Millisecond
	// afterFirst is what is added to twice the time that the first answer took: then the
	// requests after it have been answered, too, and a queue that grows is seen to.
	afterFirst = 300 * time.Millisecond
	// enoughAnswers is how many answers of each target a steady state has: twice what
	// later answers are compared with.
	enoughAnswers = 2 * history.EnoughAnswers
)

// look takes in how many requests are open and have begun, and reports whether
// it is the moment.
func (m *moment) look(now time.Duration, open, begun int) bool {
	if !m.answered && begun > open {
		m.answered = true
		m.warmUpFor(2*(now-m.began) + afterFirst)
	}
	if open == 0 {
		m.busy = false
	} else if !m.busy {
		m.busy, m.since = true, now
	}
	m.settling.add(now-m.began, open, begun)
	if now < m.due && now >= m.settled && begun-open >= m.enough && m.settling.over() {
		m.due, m.last = now, now+m.trigger
	}
	if now < m.due {
		if now >= m.halfway {
			m.samples, m.sum = m.samples+1, m.sum+open
		}
		return false
	}
	if !m.answered {
		return now >= m.silent // it has shown no steady state
	}
	mean := m.mean()
	if float64(open) > crowd*mean+fewMore && now < m.due+min(m.trigger/2, crowdWait) {
		return false // it has paused, and is judged by what it does when it works
	}
	if mean >= 1 {
		return float64(open) >= mean/2
	}
	hold, patience := hand, m.trigger/2
	if takes := m.takes(); takes < 2*hand { // it can hardly be met at work on purpose
		hold, patience = takes/4, min(patience, quickWait)
	}
	return m.busy && now-m.since >= hold || now >= m.due+patience
}

const (
	// crowd and fewMore: when so many times the mean and a few more requests are open, the
	// server or its machine has paused, or is only now at work on what came meanwhile.
	crowd, fewMore = 2, 4
	// crowdWait bounds the wait for its end. A server whose queue grows is not waited for.
	crowdWait = time.Second
)

// near reports whether the moment comes soon. It does not move on any more then.
func (m *moment) near(now time.Duration) bool {
	if !m.answered {
		return now >= m.silent-approach
	}
	return now >= m.due-approach
}

// quickWait bounds the wait for an open request of a server that answers at once.
const quickWait = 250 * time.Millisecond

// takes is how long a request is open in the mean, by Little's law.
func (m *moment) takes() time.Duration {
	return time.Duration(m.mean() / m.rate * float64(time.Second))
}

// warmUpFor moves the moment on, if a server that is slow needs longer to show a steady
// state.
func (m *moment) warmUpFor(d time.Duration) {
	due := m.began + d
	m.settled = max(m.settled, due)
	if due <= m.due {
		return
	}
	m.due, m.last = due, due+m.trigger
	m.halfway = m.began + d/2
	m.samples, m.sum = 0, 0
}

// settling tells when the load of a server has become steady. It looks at the last few
// spans of time.
type settling struct {
	spans [4]span // the latest last
	of    int     // number of the latest, from the beginning of the load
}

// span is what was seen of the load in a span of time.
type span struct {
	begun, ended int // requests in all, at its end
	samples, sum int // of the open requests
}

const (
	// spanLasts is longer than what delays of a machine make of a steady rate.
	spanLasts = 50 * time.Millisecond
	// follows is the share of the begun requests that must have been ended meanwhile, as
	// often, but for a few.
	follows, fewBehind = 0.8, 2
	// levels is by how much more requests may be open in the later half than in the
	// earlier, but for one.
	levels = 1.25
)

// add takes in a look at the load.
func (s *settling) add(after time.Duration, open, begun int) {
	for n := int(after / spanLasts); s.of < n; s.of++ {
		copy(s.spans[:], s.spans[1:])
		s.spans[len(s.spans)-1] = span{}
	}
	latest := &s.spans[len(s.spans)-1]
	latest.begun, latest.ended = begun, begun-open
	latest.samples, latest.sum = latest.samples+1, latest.sum+open
}

// over reports whether the load is steady: what begins is ended as fast, and no more and
// more requests are open.
func (s *settling) over() bool {
	earlier, middle, later := s.spans[0], s.spans[1], s.spans[len(s.spans)-1]
	begun, ended := later.begun-earlier.begun, later.ended-earlier.ended
	if earlier.samples == 0 || begun == 0 || float64(ended) < follows*float64(begun)-fewBehind {
		return false
	}
	before := float64(earlier.sum+middle.sum) / float64(earlier.samples+middle.samples)
	now := s.spans[2]
	after := float64(now.sum+later.sum) / float64(max(1, now.samples+later.samples))
	return after <= levels*before+1
}

// mean is how many requests were open, in the mean of the second half of the warm-up.
func (m *moment) mean() float64 { return float64(m.sum) / float64(max(m.samples, 1)) }

// gone says that no process is left to send the signal to.
func (s *shutdown) gone() error {
	left, _ := s.server.Tree() // only to explain
	return fmt.Errorf("%w: %w", errSubjectGone, subject.Gone(s.server.Exit(), left))
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
