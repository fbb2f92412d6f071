package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/load"
	"lastcall/harness/process"
	"lastcall/harness/subject"
)

// shutdown is one boot - load - signal - drain - exit cycle, or, if a command is
// run instead of a signal, one boot - load - command cycle.
type shutdown struct {
	plan    *Plan
	subject subject.Subject
	dir     string // for what belongs to it: its ledger, its store
	base    time.Time
	step    Step
	mute    bool // lastcall cannot talk to the server

	history history.History
	server  subject.Server
	holders []process.Info // who listened before the signal
	parked  *parking       // nil: none is wanted
	witness *witness       // nil: the kernel cannot be asked
	attack  *load.Attack   // nil: no load is sent

	operation operation // nil: a signal was sent
	poller    *poller   // nil: readiness is not polled
}

// errSubjectGone says that there was nothing left to send the signal to.
var errSubjectGone = errors.New("the subject was gone before the signal")

// run carries the shutdown out and leaves what happened in its history.
func (s *shutdown) run(ctx context.Context) {
	s.note(ctx, s.cycle(ctx))
}

// note keeps why the shutdown could not be carried out, if it could not.
func (s *shutdown) note(ctx context.Context, err error) {
	if err != nil {
		s.history.Error = err.Error()
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
	if s.plan.Scenario.Disruption.Unloaded() {
		return s.withoutLoad(ctx)
	}
	var err error
	if err = s.boot(ctx); err != nil {
		return err
	}
	defer s.server.Close()
	defer s.endOperation()
	if err = s.greet(ctx); err != nil {
		return err
	}
	s.parked = park(ctx, s.plan.Scenario.Load.Parked, s.server.Endpoint(), s.now)
	defer s.parked.result(false) // nothing if it was asked for its result before
	if err := s.startLoad(ctx); err != nil {
		return err
	}
	err = s.disrupt(ctx)
	s.finishLoad(ctx)
	if err == nil && s.staysUp() {
		err = s.lookUp(ctx) // now, for the server itself may be who is asked
	}
	s.endOperation()
	s.server.Close() // before the last lines are read: it waits for them
	s.history.Stderr = s.server.Stderr()
	if err == nil && !s.staysUp() {
		err = s.lookUp(ctx) // only now, when no process of the server writes any more
	}
	if bookErr := s.readLedger(); err == nil {
		err = bookErr
	}
	return err
}

// boot boots the subject.
func (s *shutdown) boot(ctx context.Context) (err error) {
	if s.server, err = s.subject.Boot(ctx, s.ledger()); err != nil {
		return fmt.Errorf("boot %s: %w", s.subject.Name(), err)
	}
	s.event(history.EventReady, s.now())
	s.history.PID, s.history.Addr = s.server.PID(), s.server.Endpoint().Address
	return nil
}

// ledger is the file for the subject's ledger, if it has none of its own.
func (s *shutdown) ledger() string { return filepath.Join(s.dir, "ledger") }

// staysUp reports whether a command is run instead of a signal.
func (s *shutdown) staysUp() bool { return len(s.plan.Scenario.Disruption.While) > 0 }

// disrupt waits for the moment, and then sends the signal and waits for the
// exit, or runs the command that takes its place.
func (s *shutdown) disrupt(ctx context.Context) error {
	await := s.awaitMoment
	if s.plan.Live != nil {
		await = s.awaitLive
	}
	if err := await(ctx); err != nil {
		s.noteExit()
		return err
	}
	if s.staysUp() {
		s.progress("operating")
		return s.operate(ctx)
	}
	s.progress("draining")
	if err := s.signal(); err != nil {
		return err
	}
	return s.awaitExit(ctx)
}

// now reads the shutdown's clock.
func (s *shutdown) now() time.Duration { return time.Since(s.base) }

func (s *shutdown) event(name history.EventName, at time.Duration) {
	e := history.Event{Name: name, At: at}
	s.history.Events = append(s.history.Events, e)
	if feed := s.plan.feed(); feed != nil {
		feed.tell(Sight{Base: s.base, Event: e})
	}
}

func (s *shutdown) progress(doing string) {
	if s.plan.Progress != nil {
		s.step.Doing = doing
		s.plan.Progress(s.step)
	}
}
