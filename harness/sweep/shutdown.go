package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/process"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/bug"
)

const (
	// warmUps is how many requests a server answers before anything is measured:
	// the first few take longer than all others.
	warmUps = 20
	// warmEnough is how long a server is warmed up that answers slowly.
	warmEnough = 500 * time.Millisecond
	// slowAnswer is from where on connections are made ready slowTogether at a time:
	// one after another would take minutes where a handler takes long.
	slowAnswer, slowTogether = 20 * time.Millisecond, 16
	// quiet is how long the connections are idle before the first request.
	quiet = 20 * time.Millisecond
	// leaving is how long a server has to end by itself once the fate of every
	// request is known, so that its ledger is complete, over what a handler takes. How
	// it ends is no question of a sweep.
	leaving = 100 * time.Millisecond
)

// shutdown is one boot - warm up - volley - read cycle.
type shutdown struct {
	plan    *Plan
	subject subject.Subject
	dir     string // for what belongs to it: its ledger, its store
	base    time.Time
	lane    lane
	weights []float64 // of the bins

	history history.History
	failure error // why it could not be carried out
	server  subject.Server
	holders []process.Info
	target  load.Target
	pilot   *shot // sent before the others, and forgotten
	shots   []*shot
}

// run carries the shutdown out and leaves what happened in its history.
func (s *shutdown) run(ctx context.Context) {
	if err := s.cycle(ctx); err != nil {
		s.failure, s.history.Error = err, err.Error()
		if boot, ok := errors.AsType[*subject.BootError](err); ok {
			s.history.Stderr = boot.Stderr
		}
	}
	s.history.Interrupted = ctx.Err() != nil
}

func (s *shutdown) cycle(ctx context.Context) error {
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	s.progress("booting")
	server, err := s.subject.Boot(ctx, filepath.Join(s.dir, "ledger"))
	if err != nil {
		return fmt.Errorf("boot %s: %w", s.subject.Name(), err)
	}
	s.server = server
	defer server.Close()
	s.history.PID, s.history.Addr = server.PID(), server.Endpoint().Address
	s.event(history.EventReady, s.now())

	defer s.release()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	s.progress("sweeping")
	steps, err := scenario.ParseSequence(s.plan.Scenario.Disruption.Signal)
	if err != nil {
		return err
	}
	wall := s.wall()
	if err := s.fire(steps[0].Signal); err != nil {
		return err
	}
	s.readStamps(wall, s.wall())
	s.collect(ctx)
	if s.history.Counts().Dropped > 0 { // else the ledger has nothing to add
		s.awaitExit(ctx)
	}
	server.Close() // before the ledger and the last lines are read
	s.history.Stderr = server.Stderr()
	prefix := ledger.Prefix(s.history.Header.Run, s.history.Header.Ordinal)
	s.history.Ledger, err = server.Ledger().Read(prefix)
	return err
}

// prepare warms the server up, and opens everything that is open before the
// first request.
func (s *shutdown) prepare(ctx context.Context) error {
	s.progress("connecting")
	var err error
	if s.target, err = s.plan.target(ctx, s.server.Endpoint()); err != nil {
		return err
	}
	s.history.Methods = []string{s.target.Method}
	if err := s.warm(ctx); err != nil {
		return err
	}
	// Only the target owner needs to know who listens; elsewhere nothing follows
	// from not knowing it.
	if s.holders, err = s.server.Holders(); err != nil && s.plan.Scenario.Disruption.Target == scenario.Owner {
		return err
	}
	wait := time.NewTimer(quiet)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-s.server.Exited():
		return fmt.Errorf("the subject was gone before the signal: %s", s.server.Exit())
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// collect reads every answer. The server has its grace period for them, and is
// killed after it, as a platform would; requests that still wait are dropped then.
func (s *shutdown) collect(ctx context.Context) {
	s.progress("reading")
	grace := time.AfterFunc(s.plan.Scenario.Disruption.Grace.Duration, func() { _ = s.server.Kill() })
	defer grace.Stop()
	stop := context.AfterFunc(ctx, func() { _ = s.server.Kill() }) // ends every wait
	defer stop()
	deadline := time.Now().Add(s.plan.Scenario.Load.Timeout.Duration)
	var wg sync.WaitGroup
	sent := slices.DeleteFunc(slices.Clone(s.shots), func(shot *shot) bool { return shot.skipped })
	for _, shot := range sent {
		wg.Go(func() {
			defer bug.Catch()
			shot.finish(s.now, deadline)
		})
	}
	wg.Wait()
	own := &s.history.Sweep
	own.Skipped, own.Written = len(s.shots)-len(sent), make([]time.Duration, len(s.shots))
	if slices.ContainsFunc(sent, func(shot *shot) bool { return shot.stamped > 0 }) {
		own.Stamped = make([]time.Duration, len(s.shots))
	}
	for _, shot := range sent {
		s.history.Requests = append(s.history.Requests, shot.record)
		own.Written[shot.record.Seq] = shot.written
		if own.Stamped != nil {
			own.Stamped[shot.record.Seq] = shot.stamped
		}
	}
	s.history.Results = len(s.history.Requests)
}

// awaitExit lets the server end by itself, for a moment.
func (s *shutdown) awaitExit(ctx context.Context) {
	wait := time.NewTimer(leaving + 2*max(s.plan.Scenario.Subject.Delay.Duration, s.history.Sweep.Answered))
	defer wait.Stop()
	select {
	case <-s.server.Exited():
	case <-wait.C:
		return
	case <-ctx.Done():
		return
	}
	if exit := s.server.Exit(); exit.Err == nil {
		e := &s.history.Exit
		e.Seen, e.At, e.Code, e.Signal = true, exit.At.Sub(s.base), exit.Code, exit.Signal
		s.event(history.EventExit, e.At)
	}
}

// release closes what a shutdown that failed has left open.
func (s *shutdown) release() {
	for _, shot := range append(slices.Clone(s.shots), s.pilot) {
		if shot == nil { // none was planned yet
			continue
		}
		shot.socket.close()
		if shot.conn != nil {
			shot.conn.Close()
		}
	}
}

// now reads the shutdown's clock.
func (s *shutdown) now() time.Duration { return time.Since(s.base) }

func (s *shutdown) event(name history.EventName, at time.Duration) {
	s.history.Events = append(s.history.Events, history.Event{Name: name, At: at})
}

func (s *shutdown) progress(doing string) {
	if s.plan.Progress == nil {
		return
	}
	h := s.history.Header
	s.plan.Progress(run.Step{
		Subject: h.Subject, Shutdown: h.Shutdown, Of: max(s.plan.Total(), h.Shutdown),
		Doing: doing, Finished: h.Shutdown - 1, Total: max(s.plan.Total(), h.Shutdown),
	})
}
