package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/process"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

const (
	// leaving is how long what belongs to a process may outlive it without being
	// called a survivor: its children learn of its death one after the other.
	leaving = 250 * time.Millisecond
)

// noteHolders finds out who listens, while there is time: as the signal is sent
// there is none. What cannot be found out is not judged.
func (s *shutdown) noteHolders() {
	s.history.Delivery.Front = s.server.Front()
	holders, err := s.server.Holders()
	if err != nil {
		s.history.Delivery.Error = err.Error()
		return
	}
	s.holders = holders
	s.history.Delivery.Holders = named(holders)
}

func named(list []process.Info) []history.Process {
	var all []history.Process
	for _, p := range list {
		all = append(all, history.Process{PID: p.PID, Name: p.Name})
	}
	return all
}

// signal sends the first signal of the sequence. The mark is written to the
// ledger just before: what the server records after it may or may not have been
// before the signal by a few microseconds, but what stands before it certainly
// was.
func (s *shutdown) signal() error {
	disruption := s.plan.Scenario.Disruption
	steps, err := scenario.ParseSequence(disruption.Signal)
	if err != nil {
		return err
	}
	first, sent := steps[0].Signal, &s.history.Signal
	sent.Name, sent.Number = scenario.SignalName(first), int(first)
	if s.attack != nil {
		sent.Open = s.attack.Open()
	}
	s.history.Delivery.Target = disruption.Target
	s.noteDispositions(first)
	// The last look and the system call follow each other on one thread.
	runtime.LockOSThread()
	done, err := s.server.Signal(first, disruption.Target, s.holders, s.mark)
	runtime.UnlockOSThread()
	if err != nil {
		sent.Error = err.Error()
		s.noteExit()
		return err
	}
	s.history.Delivery.To = named(done.To)
	s.witness.follow()
	s.signalled(done.Before, done.After)
	return nil
}

// mark is what is done just before the signal: what a ledger has by then the server
// had read, so the mark comes before the look.
func (s *shutdown) mark() error {
	if err := s.server.Ledger().MarkSignal(); err != nil {
		return err
	}
	s.attack.Exposed() // some answers come at once
	s.witness.atSignal()
	return nil
}

// manyHolders bounds how many of the processes that listen are asked for what they
// do with the signal: between the moment and the signal there is little time.
const manyHolders = 4

// noteDispositions asks what the leader and those who listen do with the signal. What
// the system does not show is not known.
func (s *shutdown) noteDispositions(signal syscall.Signal) {
	pids := []int{s.server.PID()}
	for _, p := range s.holders[:min(manyHolders, len(s.holders))] {
		pids = append(pids, p.PID)
	}
	d := &s.history.Delivery
	for i, pid := range pids {
		if pid == 0 || slices.Contains(pids[:i], pid) {
			continue
		}
		if found, err := process.ReadDispositions(pid); err == nil {
			d.Dispositions = append(d.Dispositions, history.Disposition{
				PID: pid, Catches: found.Catches(signal), Ignores: found.Ignores(signal), Blocks: found.Blocks(signal), Runtime: found.Runtime(),
			})
		}
	}
}

// signalled notes when the disruption came.
func (s *shutdown) signalled(before, after time.Time) {
	sent := &s.history.Signal
	sent.Sent, sent.Before, sent.After = true, before.Sub(s.base), after.Sub(s.base)
	s.parked.signal()
	s.event(history.EventSignal, sent.Before)
	if s.attack != nil && !s.staysUp() {
		s.attack.Signalled(sent.Before)
	}
}

// awaitExit gives the subject its grace period, sends what remains of the
// sequence meanwhile, and then SIGKILL.
func (s *shutdown) awaitExit(ctx context.Context) error {
	disruption := s.plan.Scenario.Disruption
	grace := time.NewTimer(disruption.Grace.Duration)
	defer grace.Stop()
	steps, err := scenario.ParseSequence(disruption.Signal)
	if err != nil {
		return err
	}
	steps = steps[1:]
	again := time.NewTimer(time.Hour) // armed as long as there are steps
	defer again.Stop()
	arm := func() {
		if again.Stop(); len(steps) > 0 {
			again.Reset(steps[0].After)
		}
	}
	for arm(); ; {
		select {
		case <-s.server.Exited():
			if err := s.server.Exit().Err; err != nil {
				return err // its end was not seen: nothing follows from it
			}
			s.noteExit()
			s.noteLeft(ctx, grace.C)
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-again.C:
			s.signalAgain(steps[0])
			steps = steps[1:]
			arm()
		case name := <-s.extra():
			s.signalExtra(name)
		case <-grace.C:
			return s.kill()
		}
	}
}

// signalAgain sends a further signal of the sequence. That nobody is there any
// more to get it is no error: the exit is about to be seen.
func (s *shutdown) signalAgain(step scenario.Step) {
	sent, err := s.server.Signal(step.Signal, s.plan.Scenario.Disruption.Target, s.holders, nil)
	if err != nil {
		return
	}
	at := sent.Before.Sub(s.base)
	s.history.Signal.Again = append(s.history.Signal.Again, history.Again{
		Name: scenario.SignalName(step.Signal), Number: int(step.Signal), At: at,
	})
	s.event(history.EventSignalAgain, at)
}

// kill ends a subject whose grace period is over. Who held the socket until now
// is seen first.
func (s *shutdown) kill() error {
	s.noteDeaf()
	killed, idle := s.now(), s.attack.Idle()
	if err := s.server.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	// A killed process is gone at once; the bound is for one that is stuck in
	// the kernel.
	patience := time.NewTimer(subject.KillWait)
	defer patience.Stop()
	select {
	case <-s.server.Exited():
	case <-patience.C:
		return fmt.Errorf("process %d survived SIGKILL for %s", s.server.PID(), subject.KillWait)
	}
	// It may have ended by itself in the same moment, before SIGKILL reached it.
	if exit := s.server.Exit(); exit.Err != nil || exit.Signal != "" {
		s.event(history.EventKilled, killed)
		s.history.Exit.Killed, s.history.Idle = true, idle
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
	if exit.Err != nil {
		return
	}
	e := &s.history.Exit
	e.Seen, e.At, e.Code, e.Signal = true, exit.At.Sub(s.base), exit.Code, exit.Signal
	s.event(history.EventExit, e.At)
}

// noteLeft looks for what outlives the process. Its children may take a moment
// to follow; where the whole group was told to stop they have their grace period
// as the process had, for that is how long systemd waits for them.
func (s *shutdown) noteLeft(ctx context.Context, grace <-chan time.Time) {
	wait := time.NewTimer(leaving)
	defer wait.Stop()
	over := wait.C
	if s.plan.Scenario.Disruption.Target == scenario.Group {
		over = grace
	}
	pause := subject.Between
	again := time.NewTimer(pause)
	defer again.Stop()
	for {
		left, err := s.server.Tree()
		taken := s.server.PortTaken()
		if err == nil && len(left) == 0 && !taken {
			break
		}
		select {
		case <-again.C:
			pause = min(2*pause, leaving) // to look costs more the more processes there are
			again.Reset(pause)
			continue
		case <-ctx.Done():
			return
		case <-over:
		}
		if err != nil { // as far as a rule is concerned, lastcall has not looked
			return
		}
		s.noteDeaf()
		s.history.Left.Processes, s.history.Left.PortTaken = named(left), taken
		break
	}
	s.history.Left.Looked = true
}

// noteDeaf keeps those who held the socket at the signal and hold it still: whoever
// has closed it has heard the signal, even if the drain takes its time.
func (s *shutdown) noteDeaf() {
	holders, err := s.server.Holders()
	if err != nil {
		return // nothing is proved against anybody
	}
	for _, holder := range s.holders {
		holds := func(p process.Info) bool { return p.PID == holder.PID }
		if slices.ContainsFunc(holders, holds) {
			s.history.Delivery.Deaf = append(s.history.Delivery.Deaf, history.Process{PID: holder.PID, Name: holder.Name})
		}
	}
}
