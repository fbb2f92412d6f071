package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"lastcall/harness/scenario"
	"lastcall/internal/bug"
)

// interruption is the cause of a context that a signal ended.
type interruption struct{ signal syscall.Signal }

func (i *interruption) Error() string { return "interrupted by " + scenario.SignalName(i.signal) }

// interruptible returns a context that ends at the first SIGINT, SIGTERM or SIGHUP. A
// second one has its default action: it ends the process at once, and the
// lifelines of its children with it. A SIGHUP that is ignored as lastcall starts, as
// under nohup, stays ignored: it is meant to outlive the terminal.
//
// Only commands that run experiments may call it: serve must leave the signals
// to its strategy, or naive would not be naive.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	came := make(chan os.Signal, 1) // buffered: signal.Notify never waits for a reader
	signal.Notify(came, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(came, syscall.SIGHUP)
	}
	done := make(chan struct{})
	go func() {
		defer bug.Catch()
		select {
		case s := <-came:
			signal.Stop(came) // first, so that the second is not swallowed
			if sig, ok := s.(syscall.Signal); ok {
				cancel(&interruption{sig})
			}
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(came)
		close(done) // closed once: by the only caller of Run's stop
		cancel(nil)
	}
}

// interruptedExit returns the exit of a command that a signal ended, or nil if
// none did.
func interruptedExit(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	if i, ok := errors.AsType[*interruption](context.Cause(ctx)); ok {
		return &exitError{128 + int(i.signal), i.Error() + ": the report is partial"}
	}
	return context.Cause(ctx)
}

// afterWriting is interruptedExit once the reports were written, as far as they could be.
func afterWriting(ctx context.Context, failed error) error {
	interrupted := interruptedExit(ctx)
	if interrupted != nil && failed != nil {
		return fmt.Errorf("%w; %w", interrupted, failed)
	}
	return cmp.Or(interrupted, failed)
}

// outliveReaders makes a standard output or error that nobody reads any more an error of
// what is written there (EPIPE). By default the SIGPIPE ends the process, and with it the
// other reports. It is caught and not ignored, because what is ignored stays so in the
// children.
func outliveReaders() {
	never := make(chan os.Signal, 1) // buffered and never read: what does not fit is dropped
	signal.Notify(never, syscall.SIGPIPE)
}
