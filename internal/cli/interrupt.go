package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"lastcall/harness/process"
	"lastcall/internal/bug"
)

// interruption is the cause of a context that a signal ended.
type interruption struct{ signal syscall.Signal }

func (i *interruption) Error() string { return "interrupted by " + process.SignalName(i.signal) }

// interruptible returns a context that ends at the first SIGINT or SIGTERM. A
// second one has its default action: it ends the process at once, and the
// lifelines of its children with it.
//
// Only commands that run experiments may call it: serve must leave the signals
// to its strategy, or naive would not be naive.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	came := make(chan os.Signal, 1) // buffered: signal.Notify never waits for a reader
	signal.Notify(came, os.Interrupt, syscall.SIGTERM)
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
		return &exitError{128 + int(i.signal), i.Error() + ": what was reported is partial"}
	}
	return context.Cause(ctx)
}
