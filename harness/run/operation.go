package run

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/process"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// Operator says how a scenario's Disruption.While is started.
type Operator struct {
	Dir        string   // its working directory, "" for ours
	Supervisor []string // as in Command
	// Output takes what the command writes, where the server is not ours: what a
	// deployment starts goes on writing there after us. Nil discards it.
	Output *os.File
}

// operation is a command that runs instead of a signal.
type operation interface {
	Exited() <-chan struct{} // closed once it has ended
	Exit() process.Exit      // valid once Exited is closed
	Kill() error             // it and what it has started
	Stderr() []string        // the last lines it wrote there, as far as they can be seen
	Close()                  // releases what it holds
}

// check refuses a command that cannot be run, or that asks for a PID where there
// is none.
func (o Operator) check(while []string, subjects []subject.Subject) error {
	if len(while) == 0 {
		return nil
	}
	if _, err := subject.FindProgram(while[0], o.Dir); err != nil {
		return &scenario.Invalid{Field: "disruption.while", Problem: err.Error()}
	}
	for _, tested := range subjects {
		if tested.Kind() == scenario.KindRunning && slices.ContainsFunc(while, func(word string) bool { return strings.Contains(word, scenario.PidMark) }) {
			return &scenario.Invalid{Field: "disruption.while", Problem: fmt.Sprintf(
				"has %s, which lastcall does not know for a server that runs already: let a script find it, as in $(cat server.pid)", scenario.PidMark)}
		}
	}
	return nil
}

// operate runs the command during which the subject promises to stay up, and
// lets the load go on for a while afterwards. The command has the grace period
// for its work, and is killed then.
func (s *shutdown) operate(ctx context.Context) error {
	record := &history.Operation{Command: s.operationArgs()}
	s.history.Operation = record
	s.history.Signal.Open = s.attack.Open()
	if err := s.mark(); err != nil {
		return err
	}
	before := time.Now()
	op, err := s.startOperation(record.Command)
	if err != nil {
		s.history.Signal.Error = err.Error()
		return fmt.Errorf("run the command: %w", err)
	}
	s.operation = op
	s.witness.follow()
	s.signalled(before, time.Now())
	if err := s.awaitOperation(ctx, op, record); err != nil {
		return err
	}
	s.event(history.EventOperated, record.End)
	s.attack.Signalled(record.End)
	err = s.settle(ctx)
	record.Stderr = op.Stderr()
	return err
}

// startOperation starts the command. What it starts in turn, such as a successor
// of the server, is stopped with the server if that is ours, and left alone if
// it is not: a deployment must survive us.
func (s *shutdown) startOperation(argv []string) (operation, error) {
	o := s.plan.Operator
	env := []string{subject.EnvPort + "=" + subject.PortOf(s.server.Endpoint().URL)}
	if s.subject.Kind() == scenario.KindRunning {
		return startDeployment(argv, o.Dir, env, o.Output)
	}
	p, err := process.Start(process.Command{Path: argv[0], Args: argv[1:], Dir: o.Dir, Env: env, Supervisor: o.Supervisor})
	if err != nil {
		return nil, err
	}
	return ownOperation{p}, nil
}

// ownOperation is a command beside a server of ours.
type ownOperation struct{ *process.Process }

// Kill ends the command and what it has started.
func (o ownOperation) Kill() error { return o.KillTree() }

// operationArgs are the command with the subject's port and PID in it.
func (s *shutdown) operationArgs() []string {
	marks := strings.NewReplacer(
		scenario.PortMark, subject.PortOf(s.server.Endpoint().URL),
		scenario.PidMark, strconv.Itoa(s.server.PID()),
	)
	var argv []string
	for i, word := range s.plan.Scenario.Disruption.While {
		word = marks.Replace(word)
		if found, err := subject.FindProgram(word, s.plan.Operator.Dir); i == 0 && err == nil {
			word = found
		}
		argv = append(argv, word)
	}
	return argv
}

func (s *shutdown) awaitOperation(ctx context.Context, op operation, record *history.Operation) error {
	grace := time.NewTimer(s.plan.Scenario.Disruption.Grace.Duration)
	defer grace.Stop()
	select {
	case <-op.Exited():
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-grace.C:
		record.Killed = true
		s.event(history.EventKilled, s.now())
		if err := op.Kill(); err != nil {
			return err
		}
		<-op.Exited() // Kill has seen it go
	}
	exit := op.Exit()
	if exit.Err != nil {
		return exit.Err
	}
	record.End, record.Code, record.Signal = exit.At.Sub(s.base), exit.Code, exit.Signal
	return nil
}

// endOperation stops what is left of the command, once no request is sent any more.
func (s *shutdown) endOperation() {
	if s.operation != nil {
		s.operation.Close()
	}
}

// settle lets what the command has set going come to its end under load: nginx
// answers a reload at once and changes its workers afterwards.
func (s *shutdown) settle(ctx context.Context) error {
	wait := time.NewTimer(s.plan.Scenario.Disruption.Settle.Duration)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	// A process that hands over to a successor may go; the port may not.
	s.noteExit()
	s.history.Left = history.Left{Looked: true, PortTaken: s.server.PortTaken()}
	return nil
}
