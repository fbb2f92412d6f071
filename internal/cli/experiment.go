package cli

import (
	"context"
	"errors"
	"io"
	"log"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/subject"
)

// experiment is a plan, and what is to be done with what it shows.
type experiment struct {
	plan     run.Plan
	policy   check.Policy
	output   *outputOptions
	record   string
	prepare  func(context.Context, *experiment, io.Writer) // what has to be found out before; nil: nothing
	conclude func(context.Context, *output, result.Suite) error
}

// run runs, judges and renders. Everything that is written is opened before
// anything starts.
func (e experiment) run(ctx context.Context, s streams) error {
	out, err := openOutput(e.output, s)
	if err != nil {
		return err
	}
	defer out.discard()
	recorder, err := openRecorder(e.record)
	if err != nil {
		return err
	}
	// net/http reports a server's misbehaviour on idle connections through the
	// global logger: to a user that is noise, and our records have it.
	log.SetOutput(io.Discard)

	ctx, stop := interruptible(ctx)
	defer stop()
	out.ctx = ctx
	if e.prepare != nil {
		e.prepare(ctx, &e, s.err)
	}
	bar := newProgress(s.err, e.output.quiet, e.plan)
	e.plan.Progress, e.plan.Done, e.plan.Spill = bar.step, recorder.write, recorder.spill()
	e.plan.Blurred = func(h *history.History) bool { return check.Blurred(h, e.policy) }
	histories, err := run.Run(ctx, e.plan)
	bar.finish(ctx.Err() != nil)
	failed := err != nil && !errors.Is(err, subject.ErrInterrupted)
	if failed && len(histories) == 0 {
		return unmeasured(ctx, err) // an empty report must not replace an old one
	}
	out.histories = check.Chosen(histories, e.policy)
	why := ""
	if failed {
		why = plain(err).Error()
	}
	concluded := e.conclude(ctx, out, check.JudgePartial(histories, e.policy, why))
	if failed {
		return err // what was measured until then has been reported
	}
	return concluded
}

// unmeasured is the error of a run that measured nothing. An interruption can be the
// reason: it may have waited for a pipe that it was to read.
func unmeasured(ctx context.Context, err error) error {
	if interrupted := interruptedExit(ctx); interrupted != nil {
		return interrupted
	}
	return err
}

// conclude writes the reports and turns the suite's status into an exit. Without
// a gate the verdicts are the result: the status is then whether all could be
// judged.
func conclude(ctx context.Context, out *output, suite result.Suite, gate bool) error {
	if !gate && suite.Status != result.SuiteInterrupted {
		suite.Status = result.SuiteInconclusive
		if check.Judged(suite) {
			suite.Status = result.SuitePass
		}
	}
	if ctx.Err() != nil {
		suite.Status = result.SuiteInterrupted
	}
	out.summarize(suite)
	if err := afterWriting(ctx, out.write(suite)); err != nil {
		return err
	}
	return exitOfStatus(suite.Status)
}

// exitOfStatus is the exit of a command whose result is that status.
func exitOfStatus(status result.Overall) error {
	switch status {
	case result.SuitePass:
		return nil
	case result.SuiteFail:
		return &exitError{code: exitFail}
	case result.SuiteInconclusive, result.SuiteInterrupted:
	}
	return &exitError{code: exitInconclusive}
}
