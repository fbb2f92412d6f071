package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/process"
)

const (
	// aftermath is how long the load goes on after the exit, so that the
	// refusals of a dead server are seen.
	aftermath = 50 * time.Millisecond
	// sampling is how often the open requests are counted during warm-up, and
	// looked at when the signal is due.
	sampling = time.Millisecond
	// killWait bounds the wait for an exit after SIGKILL. Only a process that
	// is stuck in the kernel outlives it.
	killWait = 5 * time.Second
)

// shutdown is one boot - load - signal - drain - exit cycle.
type shutdown struct {
	plan    *Plan
	subject Subject
	dir     string // for the ledger
	base    time.Time
	step    Step

	history history.History
	server  Server
	book    *ledger.Writer
	attack  *load.Attack
}

// errSubjectGone says that there was nothing left to send the signal to.
var errSubjectGone = errors.New("the subject ended before the signal")

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
	s.event(history.EventReady, s.now())
	s.history.PID, s.history.Addr = s.server.PID(), s.server.Addr()

	s.startLoad()
	err = s.disrupt(ctx)
	s.finishLoad(ctx)
	s.server.Close() // before the last lines are read: it waits for them
	s.history.Stderr = s.server.Stderr()
	if bookErr := s.readLedger(path); err == nil {
		err = bookErr
	}
	return err
}

func (s *shutdown) startLoad() {
	scenario := s.plan.Scenario
	s.progress("loading")
	s.event(history.EventLoad, s.now())
	s.attack = load.Start(load.Config{
		Base: s.base, Address: s.server.Addr(), URL: "http://" + s.server.Addr() + s.plan.Path,
		Method: scenario.Load.Method, Rate: scenario.Load.Rate, Lanes: scenario.Load.Connections,
		Timeout: scenario.Load.Timeout.Duration, Tail: scenario.Load.Tail.Duration, MaxOpen: scenario.Load.MaxOpen,
		Prefix: ledger.Prefix(s.history.Header.Run, s.history.Header.Ordinal),
	})
}

// disrupt waits for the moment, sends the signal, and waits for the exit.
func (s *shutdown) disrupt(ctx context.Context) error {
	if err := s.awaitMoment(ctx); err != nil {
		s.noteExit()
		return err
	}
	s.progress("draining")
	if err := s.signal(); err != nil {
		return err
	}
	return s.awaitExit(ctx)
}

// awaitMoment warms the subject up for a time that the seed decides, and then
// waits until at least half as many requests are open as were in the mean: a
// signal that lands in a lull would test nothing. It waits no longer than the
// scenario's trigger.
func (s *shutdown) awaitMoment(ctx context.Context) error {
	scenario := s.plan.Scenario
	due := s.now() + scenario.Warm() + s.jitter()
	halfway := s.now() + scenario.Warm()/2 // before it the load is still building up
	last := due + scenario.Load.Trigger.Duration
	ticker := time.NewTicker(sampling)
	defer ticker.Stop()
	var samples, sum int
	for {
		select {
		case <-ticker.C:
		case <-s.server.Exited():
			return fmt.Errorf("%w: %s", errSubjectGone, s.server.Exit())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		now, open := s.now(), s.attack.Open()
		if now < due {
			if now >= halfway {
				samples, sum = samples+1, sum+open
			}
			continue
		}
		mean := float64(sum) / float64(max(samples, 1))
		if mean < 1 || float64(open) >= mean/2 || now >= last {
			s.history.Signal.Mean = mean
			return nil
		}
	}
}

// jitter depends on the seed and on the shutdown's number only: the subjects of
// a comparison get the same.
func (s *shutdown) jitter() time.Duration {
	most := int64(s.plan.Scenario.Load.Jitter.Duration)
	if most == 0 {
		return 0
	}
	source := rand.New(rand.NewPCG(s.plan.Seed, uint64(s.history.Header.Shutdown)))
	return time.Duration(source.Int64N(most))
}

// signal marks the ledger and sends the signal. The mark is written first: what
// the server records after it may or may not have been before the signal by a
// few microseconds, but what stands before it certainly was.
func (s *shutdown) signal() error {
	sent := &s.history.Signal
	sent.Name = s.plan.Scenario.Disruption.Signal
	sig, err := process.ParseSignal(sent.Name)
	if err != nil {
		return err
	}
	sent.Number, sent.Open = int(sig), s.attack.Open()
	if err := s.book.MarkSignal(); err != nil {
		return err
	}
	before, after, err := s.server.Signal(sig)
	if err != nil {
		sent.Error = err.Error()
		s.noteExit()
		return err
	}
	sent.Sent, sent.Before, sent.After = true, before.Sub(s.base), after.Sub(s.base)
	s.attack.Signalled(sent.Before)
	s.event(history.EventSignal, sent.Before)
	return nil
}

// awaitExit gives the subject its grace period, and then SIGKILL.
func (s *shutdown) awaitExit(ctx context.Context) error {
	grace := time.NewTimer(s.plan.Scenario.Disruption.Grace.Duration)
	defer grace.Stop()
	select {
	case <-s.server.Exited():
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-grace.C:
		s.event(history.EventKilled, s.now())
		s.history.Exit.Killed = true
		if _, _, err := s.server.Signal(os.Kill); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		// A killed process is gone at once; the bound is for one that is stuck
		// in the kernel.
		patience := time.NewTimer(killWait)
		defer patience.Stop()
		select {
		case <-s.server.Exited():
		case <-patience.C:
			return fmt.Errorf("process %d survived SIGKILL for %s", s.server.PID(), killWait)
		}
	}
	s.noteExit()
	return nil
}

func (s *shutdown) noteExit() {
	select {
	case <-s.server.Exited():
	default:
		return
	}
	exit := s.server.Exit()
	e := &s.history.Exit
	e.Seen, e.At, e.Code, e.Signal = true, exit.At.Sub(s.base), exit.Code, exit.Signal
	s.event(history.EventExit, e.At)
}

// finishLoad lets the load meet the dead server for a moment, ends it, and
// waits for every request to end, which their deadlines bound.
func (s *shutdown) finishLoad(ctx context.Context) {
	if s.history.Exit.Seen && s.history.Signal.Sent {
		wait := time.NewTimer(aftermath)
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
		wait.Stop()
	}
	s.attack.End()
	select {
	case <-s.attack.Done():
	case <-ctx.Done():
		s.attack.Abort()
		<-s.attack.Done()
	}
	report := s.attack.Report()
	h := &s.history
	h.Requests, h.Scheduled, h.Results, h.Disagreed = report.Requests, report.Scheduled, report.Results, report.Disagreed
	if report.Paused > 0 {
		s.event(history.EventLoadPaused, report.Paused)
	}
	s.noteRequests()
	slices.SortStableFunc(h.Events, func(a, b history.Event) int { return cmp.Compare(a.At, b.At) })
}

// noteRequests derives the events that requests tell of.
func (s *shutdown) noteRequests() {
	var refused, answered time.Duration
	for i := range s.history.Requests {
		r := &s.history.Requests[i]
		switch r.Outcome {
		case history.Refused:
			if s.history.Signal.Sent && r.End >= s.history.Signal.Before && (refused == 0 || r.Started < refused) {
				refused = r.Started
			}
		case history.Completed, history.Rejected, history.Failed:
			answered = max(answered, r.End)
		case history.Pending, history.Dropped, history.Unsent:
		}
	}
	if refused > 0 {
		s.event(history.EventFirstRefused, refused)
	}
	if answered > 0 {
		s.event(history.EventLastAnswer, answered)
	}
}

func (s *shutdown) readLedger(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	defer file.Close()
	lines, torn, err := ledger.Parse(file)
	if err != nil {
		return err
	}
	book := &s.history.Ledger
	book.Torn = torn
	prefix := ledger.Prefix(s.history.Header.Run, s.history.Header.Ordinal)
	for _, line := range lines {
		if line.Fact == ledger.Signal {
			book.Lines = append(book.Lines, history.LedgerLine{Fact: history.SignalMarked})
			continue
		}
		seq, ok := ledger.Seq(line.ID, prefix)
		var fact history.Fact
		if !ok || fact.UnmarshalText([]byte(line.Fact)) != nil {
			book.Foreign++
			continue
		}
		book.Lines = append(book.Lines, history.LedgerLine{Seq: seq, Fact: fact})
	}
	return nil
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
