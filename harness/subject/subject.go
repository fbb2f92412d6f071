// Package subject starts what is tested, finds out when it is ready, and ends it: a Command
// of the user's, in any language; a Strategy of lastcall's sample service; or a server that
// is Running already.
package subject

import (
	"context"
	"errors"
	"syscall"
	"time"

	"lastcall/harness/process"
)

// Subject is a server that can be booted again and again. It is all that the
// harness knows of what it tests.
type Subject interface {
	Name() string
	Kind() string // one of the kinds in scenario
	// Expected is where the server will be asked, as far as that can be told before its
	// port is known.
	Expected() Endpoint
	// Check refuses what cannot work, before anything is started. The error is
	// an *Invalid where a field of the scenario is to blame.
	Check(ctx context.Context) error
	// Boot starts a fresh server that keeps its ledger in the named file, unless
	// the subject has one of its own, and returns when it is ready to serve. The
	// error says what it said instead.
	Boot(ctx context.Context, ledgerPath string) (Server, error)
	// Lookup returns the command that prints the ids which the server has applied,
	// one a line. It has no Path if there is no command to ask.
	Lookup(server Server) process.Command
}

// Starter is a subject whose server can be told to stop before it is ready. All
// are, but what runs already.
type Starter interface {
	Subject
	// Start starts a fresh server as Boot does, and does not wait until it is
	// ready. Until Await has returned nil its Endpoint may be empty.
	Start(ctx context.Context, ledgerPath string) (Server, Await, error)
}

// Await waits until a server is ready. The error says what it did instead.
type Await func(context.Context) error

// boot starts a server and waits until it is ready.
func boot(ctx context.Context, subject Starter, ledgerPath string) (Server, error) {
	server, ready, err := subject.Start(ctx, ledgerPath)
	if err != nil {
		return nil, err
	}
	if err = ready(ctx); err == nil {
		err = server.Ledger().begin()
	}
	if err != nil {
		server.Close() // first, so that its last words are complete
		return nil, &BootError{Reason: err, Stderr: server.Stderr()}
	}
	return server, nil
}

// Server is a running subject.
type Server interface {
	Endpoint() Endpoint
	Ledger() *LedgerFile // where it keeps its ledger
	PID() int            // of the process that was started, 0 if none was
	// Ready asks the readiness check once. Nil is a 2xx; a *NotReady is another
	// answer; ErrNoCheck says that none is known.
	Ready(ctx context.Context) error
	// Holders returns the processes that listen at the endpoint, the topmost
	// first.
	Holders() ([]process.Info, error)
	// Front returns the process that listens at the endpoint in the server's place
	// and relays to it, "" if none does: then nothing is known of the Holders.
	Front() string
	// Signal sends a signal to the target: history.Leader, Group or Owner, who is
	// the first of the holders. The mark is called once it is known whom it goes
	// to, just before the system call; its error keeps the signal back.
	Signal(s syscall.Signal, target string, holders []process.Info, mark func() error) (Sent, error)
	Kill() error                   // everything that belongs to it
	Exited() <-chan struct{}       // closed once the process that was started has exited
	Exit() process.Exit            // valid once Exited is closed
	Tree() ([]process.Info, error) // what lives of it now
	PortTaken() bool               // a process listens at the endpoint now
	Stderr() []string              // the last lines it wrote there
	Close()                        // kills what lives, and releases everything
}

// Sent says whom a signal was sent to, and when: the clock on either side of the
// system call.
type Sent struct {
	To            []process.Info
	Before, After time.Time
}

// ErrInterrupted is what the error wraps of a run whose context ended.
var ErrInterrupted = errors.New("interrupted")

// BootError says why a subject did not get ready, with its last words.
type BootError struct {
	Reason error
	Stderr []string
}

// Error returns the reason.
func (e *BootError) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *BootError) Unwrap() error { return e.Reason }
