package demo

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/internal/bug"
	"lastcall/internal/highlight"
	"lastcall/internal/samples"
	"lastcall/targets"
)

// stage runs the servers of the demo, each on its own, and judges what comes of
// a deployment. It is what the page drives.
type stage struct {
	ctx   context.Context // ends with the demo
	board *Board
	// judged is told of each verdict, if it is set: a test compares it with what
	// the page shows.
	judged func(*history.History, result.Subject)
	key    string // that the servers ask of each request: others on this machine shall not disturb the figures

	changing sync.Mutex // one change of settings at a time: it waits for the old servers to end

	mu     sync.Mutex // guards what follows: the page's handlers and the acts meet here
	acts   []*act     // one for each panel of the board, or none during a change
	cancel context.CancelFunc
	ended  *sync.WaitGroup
}

var _ Stage = (*stage)(nil)

func newStage(ctx context.Context, board *Board) (*stage, error) {
	if _, err := samples.Program(); err != nil {
		return nil, err
	}
	return &stage{ctx: ctx, board: board, key: NewKey(), cancel: func() {}, ended: new(sync.WaitGroup)}, nil
}

// Strategies returns what can be put on the stage.
func (s *stage) Strategies() []Strategy {
	var all []Strategy
	for _, t := range targets.All() {
		all = append(all, Strategy{Name: t.Name, Summary: t.Summary, Faulty: t.Faulty, Source: highlight.Pieces(body(t.Source()))})
	}
	return all
}

// Apply ends all servers, and starts others.
func (s *stage) Apply(settings Settings) error {
	s.changing.Lock() // two changes at once would start servers that no page shows
	defer s.changing.Unlock()
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	scenario, policy, err := demoScenario(settings, s.key)
	if err != nil {
		return err
	}
	acts := make([]*act, len(settings.Panels))
	for i, name := range settings.Panels {
		plan, err := samples.Plan(scenario, policy, []string{name}, append(samples.Lag(samples.KnownLag(scenario)), targets.EnvKey+"="+s.key))
		if err != nil {
			return err
		}
		acts[i] = &act{stage: s, panel: i, plan: plan, policy: policy, feed: run.NewFeed(feedSize)}
	}
	s.stop() // before the board is another: the old acts write on it until they end
	ctx, cancel := context.WithCancel(s.ctx)
	s.mu.Lock() // whoever deploys or sends finds a board and acts that belong together
	s.board.Reset(settings)
	s.acts, s.cancel = acts, cancel
	s.mu.Unlock()
	for _, a := range acts {
		s.ended.Go(func() {
			defer bug.Catch()
			a.play(ctx)
		})
		s.ended.Go(func() {
			defer bug.Catch()
			a.follow(ctx)
		})
	}
	return nil
}

// stop ends all servers, and waits until they are gone.
func (s *stage) stop() {
	s.mu.Lock() // from here on nobody deploys, or sends a signal, to what is about to end
	cancel := s.cancel
	s.acts = nil
	s.mu.Unlock()
	cancel()
	s.ended.Wait()
}

// close ends the stage for good.
func (s *stage) close() {
	s.changing.Lock() // not in the middle of a change, which would start others
	defer s.changing.Unlock()
	s.stop()
}

// Deploy tells all servers to stop, at once.
func (s *stage) Deploy() error {
	s.mu.Lock() // of two who deploy at once one comes too early
	defer s.mu.Unlock()
	if len(s.acts) == 0 || !s.board.Ready() {
		return fmt.Errorf("%w: not every server is warm yet", ErrNotNow)
	}
	s.board.Deploying()
	for _, a := range s.acts {
		a.deploy()
	}
	return nil
}

// Send sends one more signal to those that stop.
func (s *stage) Send(signal string) error {
	s.mu.Lock() // Apply replaces the acts
	defer s.mu.Unlock()
	stopping := s.board.Stopping() // during a change it still says what the old servers do
	if len(s.acts) == 0 || len(stopping) == 0 {
		return fmt.Errorf("%w: no server is stopping", ErrNotNow)
	}
	for _, i := range stopping {
		s.acts[i].send(signal)
	}
	return nil
}

// demoScenario is the experiment that the settings ask for. Where a balancer goes
// on sending, what is asked for is what Kubernetes asks for.
func demoScenario(s Settings, key string) (scenario.Scenario, check.Policy, error) {
	ms := func(n int) scenario.Duration { return scenario.Duration{Duration: time.Duration(n) * time.Millisecond} }
	d := scenario.Default()
	d.Name, d.Purpose, d.Shutdowns = "demo", "a deployment at the press of a button", 1
	d.Subject.Delay = ms(s.Delay)
	d.Load.Rate, d.Load.Connections = s.Rate, s.Connections
	d.Load.Requests = demoRequests(s, key)
	d.Disruption.Signal, d.Disruption.Grace, d.Disruption.Lag = s.Signal, ms(s.Grace), ms(s.Lag)
	if s.Lag > 0 {
		d.Policy = "k8s"
	}
	policy, d, err := check.Resolve(d)
	if err != nil {
		return d, policy, err
	}
	d = scenario.Complete(d)
	return d, policy, scenario.Validate(d)
}

// demoRequests returns what is sent.
func demoRequests(s Settings, key string) []scenario.Target {
	header := map[string]string{targets.HeaderKey: key}
	path := map[string]string{Orders: "/orders", Async: "/async"}[s.Request]
	if path == "" {
		return []scenario.Target{{Method: "GET", URL: fmt.Sprintf("/work?delay=%dms", s.Delay), Header: header}}
	}
	header["Content-Type"] = "application/json"
	return []scenario.Target{{Method: "POST", URL: fmt.Sprintf("%s?delay=%dms", path, s.Delay), Header: header, Body: `{"item": "stout"}`}}
}

// body leaves out of a source file what every one has: its package and imports.
func body(source string) string {
	if _, after, ok := strings.Cut(source, "\n)\n\n"); ok && strings.Contains(source, "import (") {
		return after
	}
	return source
}
