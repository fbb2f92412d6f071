package demo

import (
	"context"
	"sync"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/run"
)

const (
	// feedSize is how many sights wait for the board: half a second's at the
	// highest rate.
	feedSize = 1 << 11
	// A server that is not deployed is replaced after so long, or so many
	// requests: each is kept until the end of its process, and judged then.
	longestWait  = 2 * time.Minute
	mostRequests = 120_000
	// retryAfter is the pause before a server that could not run is started again.
	retryAfter = time.Second
)

// act is one server of the stage, booted again after each deployment.
type act struct {
	stage  *stage
	panel  int
	plan   run.Plan
	policy check.Policy
	feed   *run.Feed

	mu     sync.Mutex    // guards what follows: a deployment meets the run here
	moment chan struct{} // closed when the deployment is wanted
	asked  bool          // it is closed
	extra  chan string
	warm   *time.Timer // until the server can be told to stop
	phase  Phase
}

// play runs the server again and again until the context ends.
func (a *act) play(ctx context.Context) {
	a.renew()
	for ctx.Err() == nil {
		plan := a.prepare()
		histories, err := run.Run(ctx, plan)
		a.enter(Judging)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.trouble(ctx, err.Error())
		case histories[0].Signal.Sent:
			a.judge(histories[0])
			a.renew()
		case histories[0].Error != run.ErrNoMoment.Error():
			a.trouble(ctx, histories[0].Error)
		}
	}
}

// prepare returns the plan of the next run. A deployment that was asked for and
// met no server is made up for.
func (a *act) prepare() run.Plan {
	a.enter(Booting)
	a.mu.Lock() // see act.mu
	defer a.mu.Unlock()
	plan := a.plan
	a.extra = make(chan string, 4) // those of the last run are void
	plan.Progress = a.step
	limit := min(longestWait, mostRequests*time.Second/time.Duration(plan.Scenario.Load.Rate))
	plan.Live = &run.Live{Moment: a.moment, Limit: limit, Extra: a.extra, Feed: a.feed}
	return plan
}

// renew waits for another deployment.
func (a *act) renew() {
	a.mu.Lock() // see act.mu
	defer a.mu.Unlock()
	a.moment, a.asked = make(chan struct{}), false
}

// deploy says that the moment has come.
func (a *act) deploy() {
	a.mu.Lock() // see act.mu
	defer a.mu.Unlock()
	if !a.asked {
		a.asked = true
		close(a.moment) // closed once: asked says so
	}
}

// send sends one more signal. There is room for more than anybody presses.
func (a *act) send(signal string) {
	a.mu.Lock() // see act.mu
	defer a.mu.Unlock()
	select {
	case a.extra <- signal:
	default:
	}
}

// step follows the run.
func (a *act) step(s run.Step) {
	switch s.Doing {
	case "loading":
		a.enter(Warming)
		warm := a.plan.Scenario.Warm()
		a.mu.Lock() // see act.mu
		a.warm = time.AfterFunc(warm, func() { a.enter(Serving) })
		a.mu.Unlock()
	case "draining":
		a.enter(Stopping)
	}
}

// enter says what the server is doing now. It is warm only if nothing else has
// come meanwhile.
func (a *act) enter(phase Phase) {
	a.mu.Lock() // a timer of ours fires at any time
	defer a.mu.Unlock()
	if phase == Serving && (a.asked || a.phase != Warming) {
		return
	}
	if a.warm != nil && phase != Serving {
		a.warm.Stop()
	}
	a.phase = phase
	a.stage.board.SetPhase(a.panel, phase)
}

// trouble says why the server did not run, and waits before it is tried again.
func (a *act) trouble(ctx context.Context, why string) {
	a.stage.board.SetTrouble(a.panel, why)
	pause := time.NewTimer(retryAfter)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
}

// judge says what came of a deployment.
func (a *act) judge(h *history.History) {
	suite := check.Judge([]*history.History{h}, a.policy)
	if a.stage.judged != nil {
		a.stage.judged(h, suite.Subjects[0])
	}
	a.stage.board.Deployed(a.panel, h, suite.Subjects[0])
}

// follow writes what happens to the board until the context ends.
func (a *act) follow(ctx context.Context) {
	missed := 0
	for {
		select {
		case s := <-a.feed.Sights():
			if n := a.feed.Missed(); n != missed {
				missed = n
				a.stage.board.SetMissed(a.panel, n)
			}
			if s.Event.Name != "" {
				a.stage.board.Event(a.panel, s.Base, s.Event)
			} else {
				a.stage.board.Request(a.panel, s.Base, s.Request)
			}
		case <-ctx.Done():
			return
		}
	}
}
