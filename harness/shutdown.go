package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/process"
)

// shutdown is one boot - load - signal - drain - exit cycle, or, if a command is
// run instead of a signal, one boot - load - command cycle.
type shutdown struct {
	plan    *Plan
	subject Subject
	dir     string // for the ledger
	base    time.Time
	step    Step

	history history.History
	server  Server
	holders []process.Info // who listened before the signal
	book    *ledger.Writer
	attack  *load.Attack

	operation operation // nil: a signal was sent
	poller    *poller   // nil: readiness is not polled
}

// errSubjectGone says that there was nothing left to send the signal to.
var errSubjectGone = errors.New("the subject was gone before the signal")

// run carries the shutdown out and leaves what happened in its history.
func (s *shutdown) run(ctx context.Context) {
	if err := s.cycle(ctx); err != nil {
		s.history.Error = err.Error()
		if boot, ok := errors.AsType[*BootError](err); ok {
			s.history.Stderr = boot.Stderr
		}
	}
	s.history.Interrupted = ctx.Err() != nil
}

func (s *shutdown) cycle(ctx context.Context) error {
	path := filepath.Join(s.dir, "ledger-"+strconv.Itoa(s.history.Header.Ordinal))
	var err error
	if s.book, err = ledger.Open(path); err != nil {
		return err
	}
	defer os.Remove(path)
	defer s.book.Close()

	s.progress("booting")
	if s.server, err = s.subject.Boot(ctx, path); err != nil {
		return fmt.Errorf("boot %s: %w", s.subject.Name(), err)
	}
	defer s.server.Close()
	defer s.endOperation()
	s.event(history.EventReady, s.now())
	s.history.PID, s.history.Addr = s.server.PID(), s.server.Endpoint().Address

	if err := s.startLoad(ctx); err != nil {
		return err
	}
	err = s.disrupt(ctx)
	s.finishLoad(ctx)
	s.endOperation()
	s.server.Close() // before the last lines are read: it waits for them
	s.history.Stderr = s.server.Stderr()
	if bookErr := s.readLedger(path); err == nil {
		err = bookErr
	}
	return err
}

// disrupt waits for the moment, and then sends the signal and waits for the
// exit, or runs the command that takes its place.
func (s *shutdown) disrupt(ctx context.Context) error {
	if err := s.awaitMoment(ctx); err != nil {
		s.noteExit()
		return err
	}
	if len(s.plan.Scenario.Disruption.While) > 0 {
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
	s.history.Events = append(s.history.Events, history.Event{Name: name, At: at})
}

func (s *shutdown) progress(doing string) {
	if s.plan.Progress != nil {
		s.step.Doing = doing
		s.plan.Progress(s.step)
	}
}
