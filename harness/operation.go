package harness

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/process"
)

// pidMark is replaced by the subject's PID in a command that is run instead of a
// signal.
const pidMark = "{pid}"

// operate runs the command during which the subject promises to stay up, and
// lets the load go on for a while afterwards. The command has the grace period
// for its work, and is killed then.
func (s *shutdown) operate(ctx context.Context) error {
	op := &history.Operation{Command: s.operation()}
	s.history.Operation = op
	s.history.Signal.Open = s.attack.Open()
	if err := s.book.MarkSignal(); err != nil {
		return err
	}
	before := time.Now()
	p, err := process.Start(process.Command{
		Path: op.Command[0], Args: op.Command[1:], Dir: s.plan.Operator.Dir,
		Env: []string{envPort + "=" + portOf(s.server.Endpoint().URL)}, Supervisor: s.plan.Operator.Supervisor,
	})
	if err != nil {
		s.history.Signal.Error = err.Error()
		return fmt.Errorf("run the command: %w", err)
	}
	defer p.Close()
	s.signalled(before, time.Now())
	if err := s.awaitOperation(ctx, p, op); err != nil {
		return err
	}
	s.event(history.EventOperated, op.End)
	s.attack.Signalled(op.End)
	return s.settle(ctx)
}

// operation is the command with the subject's port and PID in it.
func (s *shutdown) operation() []string {
	marks := strings.NewReplacer(
		portMark, portOf(s.server.Endpoint().URL),
		pidMark, strconv.Itoa(s.server.PID()),
	)
	var argv []string
	for i, word := range s.plan.Scenario.Disruption.While {
		word = marks.Replace(word)
		if found, err := findProgram(word, s.plan.Operator.Dir); i == 0 && err == nil {
			word = found
		}
		argv = append(argv, word)
	}
	return argv
}

func (s *shutdown) awaitOperation(ctx context.Context, p *process.Process, op *history.Operation) error {
	grace := time.NewTimer(s.plan.Scenario.Disruption.Grace.Duration)
	defer grace.Stop()
	select {
	case <-p.Exited():
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-grace.C:
		s.event(history.EventKilled, s.now())
		if err := p.KillTree(); err != nil {
			return err
		}
		<-p.Exited() // KillTree has seen it go
	}
	exit := p.Exit()
	op.End, op.Code, op.Signal = exit.At.Sub(s.base), exit.Code, exit.Signal
	p.Close() // before the last lines are read: it waits for them
	op.Stderr = p.Stderr()
	return nil
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
