package run

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// Calibration is the rate that suits a server, and by what it was found.
type Calibration struct {
	Rate      int           // requests a second
	Asked     int           // requests a second with which the server fell behind, 0 if it never did
	Completed float64       // requests a second, of those
	Takes     time.Duration // one request by itself, in the mean
}

// Open is how many requests are open in the mean at that rate, by Little's law.
func (c Calibration) Open() float64 { return float64(c.Rate) * c.Takes.Seconds() }

const (
	// lowShutdowns is how many show enough of a server that hardly ever has a request
	// in flight.
	lowShutdowns = 10
	// enoughOpen is how many requests open at a signal make three shutdowns enough.
	enoughOpen = 10
	// catchable is how long a request must take for a signal to meet it on purpose.
	catchable = 2 * time.Millisecond
)

// Suit sets the rate that was found, and reports whether it takes more shutdowns with it:
// where few requests are open, each of them shows little. A number of shutdowns that is
// fixed stays.
func (c Calibration) Suit(s *scenario.Scenario, fixed bool) (more bool) {
	s.Load.Rate = c.Rate
	if fixed || c.Open() >= enoughOpen || c.Takes < catchable {
		return false
	}
	needed := lowShutdowns
	if c.Open() >= 1 {
		needed = min(needed, int(math.Ceil(3*enoughOpen/c.Open())))
	}
	if needed <= s.Shutdowns {
		return false
	}
	s.Shutdowns = needed
	return true
}

// GentleRate is the load, in requests a second, of a server of which lastcall may not
// find out how much it completes.
const GentleRate = 50

const (
	// soloTime is how long one request after another is sent, to see how long one takes.
	soloTime = 200 * time.Millisecond
	// soloMost bounds the wait for the first of them.
	soloMost = 5 * time.Second
	// stepTime is how long a step of the ramp lasts, at the least, and stepMost at the most.
	// The last lasts twice as long: a server that nearly keeps up with it falls behind slowly.
	stepTime, stepMost = 250 * time.Millisecond, 3 * time.Second
	// amply is how many open requests are enough: more tell nothing new.
	amply = 100
	// doubled and allowance bound how long a request may take under load that took no
	// time by itself.
	doubled, allowance = 2, 50 * time.Millisecond
	// keepsUp is the share of the rate that is completed by a server that keeps up with it.
	keepsUp = 0.9
	// lastWait is how much longer than that the last request of a step is waited for.
	lastWait = 100 * time.Millisecond
)

// ramp are the rates that are tried, in requests a second.
func ramp() []int { return []int{50, 100, 200, 500} }

// Calibrate finds out, on a boot of the plan's first subject that is thrown away, at
// which rate it can be loaded: a short ramp, until completions fall behind or take
// twice as long, and then a part of what it completed. The ids of its requests are
// those of no shutdown (ledger.IsTrial). An error says that nothing was found out,
// which a run that follows will explain better.
func Calibrate(ctx context.Context, p Plan) (Calibration, error) {
	p.Scenario = scenario.Complete(p.Scenario)
	if err := p.Check(ctx); err != nil {
		return Calibration{}, err
	}
	id, err := NewID()
	if err != nil {
		return Calibration{}, err
	}
	dir, remove, err := subject.Workspace()
	if err != nil {
		return Calibration{}, err
	}
	defer remove()
	server, err := p.Subjects[0].Boot(ctx, filepath.Join(dir, "ledger"))
	if err != nil {
		return Calibration{}, err
	}
	defer server.Close()
	g, err := p.greeting(ctx, server.Endpoint(), ledger.TrialPrefix(id, 1))
	if err == nil {
		err = g.ask(ctx)
	}
	if err != nil {
		return Calibration{}, err
	}
	c := calibrator{plan: &p, server: server, id: id, step: 1}
	return c.find(ctx)
}

// calibrator loads a server step by step.
type calibrator struct {
	plan   *Plan
	server subject.Server
	id     string
	step   int // the last; the ids of all differ
}

var errNothingCompleted = errors.New("no request was completed")

func (c *calibrator) find(ctx context.Context) (Calibration, error) {
	targets := max(1, len(c.plan.Scenario.Load.Requests)) // those of a file are taken as they come
	solo, err := c.load(ctx, ramp()[0], 1, func(a *load.Attack, ran time.Duration) bool {
		return ran >= soloTime && a.Begun()-a.Open() >= 1+targets || ran >= soloMost
	}, 0)
	if err != nil {
		return Calibration{}, err
	}
	if len(solo.requests) == 0 {
		return Calibration{}, errNothingCompleted
	}
	takes, mean := solo.typical()
	if takes == 0 {
		return Calibration{}, errNothingCompleted
	}
	found := Calibration{Takes: mean}
	for _, rate := range ramp() {
		completed, behind, err := c.fallsBehind(ctx, rate, takes)
		if err != nil {
			return found, err
		}
		if behind {
			return found.slowedAt(rate, completed), nil
		}
		found.Rate = rate
		if found.Open() >= amply {
			break
		}
	}
	return found, nil
}

// fallsBehind reports whether the server falls behind at a rate, and how many requests
// a second it completes. A pause of the machine does not make a server slow: where
// requests are quick a step is tried a second time.
func (c *calibrator) fallsBehind(ctx context.Context, rate int, takes time.Duration) (completed float64, behind bool, err error) {
	lasts, tries := stepLasts(rate, takes), 2
	if takes > stepTime {
		tries = 1
	}
	for range tries {
		seen, err := c.load(ctx, rate, c.plan.Scenario.Load.MaxOpen, func(_ *load.Attack, ran time.Duration) bool { return ran >= lasts }, takes)
		if err != nil {
			return 0, false, err
		}
		completed = max(completed, seen.completed(takes))
		if !seen.behind(rate, takes) {
			return completed, false, nil
		}
	}
	return completed, true, nil
}

// stepLasts is how long a step of the ramp lasts.
func stepLasts(rate int, takes time.Duration) time.Duration {
	least := stepTime
	if all := ramp(); rate == all[len(all)-1] {
		least *= 2
	}
	return min(max(least, 2*takes), stepMost)
}

// slowedAt is what follows from a step in which the server fell behind and completed
// so many requests a second. What it has kept up with before it will keep up with
// again.
func (c Calibration) slowedAt(rate int, completed float64) Calibration {
	c.Asked, c.Completed = rate, completed
	suits := history.Pace{Completed: math.Min(completed, float64(rate))}.Sustainable()
	c.Rate = max(suits, history.Pace{Completed: float64(c.Rate)}.Sustainable())
	return c
}

// load loads the server until it is enough, waits for the open requests for about as
// long as they should take, and gives up the rest.
func (c *calibrator) load(ctx context.Context, rate, open int, enough func(*load.Attack, time.Duration) bool, takes time.Duration) (trial, error) {
	endpoint, l := c.server.Endpoint(), c.plan.Scenario.Load
	targets, err := c.plan.Targets(ctx, endpoint)
	if err != nil {
		return trial{}, err
	}
	expect, err := expectation(l)
	if err != nil {
		return trial{}, err
	}
	c.step++
	base := time.Now()
	a := load.Start(load.Config{
		Base: base, Address: endpoint.Address, Targets: targets, TLS: endpoint.TLS, Expect: expect,
		Rate: rate, Lanes: l.Connections, Timeout: l.Timeout.Duration, Tail: scenario.MaxDuration, MaxOpen: open,
		Prefix: ledger.TrialPrefix(c.id, c.step),
	})
	until := func(done func() bool) error {
		tick := time.NewTicker(sampling)
		defer tick.Stop()
		for !done() {
			select {
			case <-tick.C:
			case <-c.server.Exited():
				return errSubjectGone
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	}
	err = until(func() bool { return enough(a, time.Since(base)) })
	ended := time.Since(base)
	a.End()
	if patience := ended + doubled*takes + lastWait; err == nil {
		err = until(func() bool { return a.Open() == 0 || time.Since(base) >= patience })
	}
	over := time.Since(base)
	a.Abort() // of what has ended nothing is left to be given up
	<-a.Done()
	return trial{a.Report().Requests, ended, over}, err
}

// trial is what came of a step.
type trial struct {
	requests []history.Request
	ended    time.Duration // the load was
	over     time.Duration // so was the wait for what was open
}

// took is how long the requests took, by target, that were completed and due from then
// on.
func (t trial) took(from time.Duration) map[uint8][]time.Duration {
	all := make(map[uint8][]time.Duration)
	for i := range t.requests {
		if r := &t.requests[i]; r.Outcome == history.Completed && r.Scheduled >= from && r.End <= t.over {
			all[r.Target] = append(all[r.Target], r.End-r.Started)
		}
	}
	return all
}

// typical is how long a request takes, of the slowest target and in the mean over all.
// The first request of a server is left out if there are others: it is slow with many.
func (t trial) typical() (slowest, mean time.Duration) {
	all := t.took(0)
	if first := t.requests[0]; len(all[first.Target]) > 1 && first.Outcome == history.Completed {
		all[first.Target] = all[first.Target][1:]
	}
	for _, took := range all {
		slices.Sort(took)
		typical := history.Quantile(took, 0.5)
		slowest, mean = max(slowest, typical), mean+typical/time.Duration(len(all))
	}
	return slowest, mean
}

// behind reports whether the server fell behind the rate: requests were still open when
// they should have been answered, and it completed fewer than came, or those of the
// second half took twice as long as one by itself. As much as we were late ourselves the
// server may be, too.
func (t trial) behind(rate int, takes time.Duration) bool {
	open, slip := 0, time.Duration(0)
	for i := range t.requests {
		r := &t.requests[i]
		if r.Outcome == history.Unsent || r.End > t.over {
			open++
		}
		slip = max(slip, r.Started-r.Scheduled)
	}
	if open > 0 && t.completed(takes) < keepsUp*float64(rate) {
		return true
	}
	for _, late := range t.took(t.ended / 2) {
		slices.Sort(late)
		if history.Quantile(late, 0.5) > doubled*takes+allowance+slip {
			return true
		}
	}
	return false
}

// completed is how many requests a second the server completed, from a quarter of their
// time after the first of them on, for whole workers complete their first at once.
func (t trial) completed(takes time.Duration) float64 {
	first := t.over
	for i := range t.requests {
		if r := &t.requests[i]; r.Outcome == history.Completed {
			first = min(first, r.End)
		}
	}
	from := first + takes/4
	n := 0
	for i := range t.requests {
		if r := &t.requests[i]; r.Outcome == history.Completed && r.End >= from && r.End <= t.over {
			n++
		}
	}
	if from >= t.over {
		return 0
	}
	return float64(n) / (t.over - from).Seconds()
}
