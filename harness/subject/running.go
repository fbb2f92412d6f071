package subject

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"syscall"

	"lastcall/harness/process"
	"lastcall/harness/scenario"
)

// Running is a subject that runs already and that lastcall neither starts nor
// stops: a command is run instead of a signal (Disruption.While), during which
// it promises to stay up.
type Running struct {
	Spec       scenario.Subject
	Supervisor []string // as in Command; it runs Spec.Applied
}

var _ Subject = Running{}

// Name returns the name that was given, or the URL.
func (r Running) Name() string {
	if r.Spec.Name != "" {
		return r.Spec.Name
	}
	return r.Spec.URL
}

// Kind returns "running".
func (r Running) Kind() string { return scenario.KindRunning }

// Expected returns where the server is asked.
func (r Running) Expected() Endpoint { return expected(r.Spec.URL) }

// Check refuses a URL that leads to another machine, or has no port.
func (r Running) Check(ctx context.Context) error {
	if r.Spec.URL == "" {
		return &scenario.Invalid{Field: "subject.url", Problem: "is missing: name the URL of the server that runs already"}
	}
	return checkSpec(ctx, r.Spec, r.Supervisor)
}

// Lookup returns the command of the description, with the port in it.
func (r Running) Lookup(server Server) process.Command { return lookup(r.Spec, server, r.Supervisor) }

// Boot starts nothing; it waits until the server is ready. Such a server has no
// ledger but the one that the description names.
func (r Running) Boot(ctx context.Context, ledgerPath string) (Server, error) {
	p, err := locate(ctx, r.Spec, 0)
	if err != nil {
		return nil, err
	}
	book, err := openLedger(putPort(r.Spec.Ledger, PortOf(p.url)), ledgerPath)
	if err != nil {
		return nil, err
	}
	server := &runningServer{endpointState: endpointState{book: book}}
	if r.Spec.Ready != "" {
		server.check = &readiness{template: r.Spec.Ready}
	}
	timeout := cmp.Or(r.Spec.ReadyTimeout.Duration, scenario.DefaultReadyTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%s was not ready after %s", r.Spec.URL, timeout))
	defer cancel()
	err = server.awaitReady(ctx, p, nil)
	if err == nil {
		err = server.shakeHands(ctx)
	}
	if err != nil {
		book.Close()
		return nil, &BootError{Reason: err}
	}
	return server, nil
}

// runningServer is a server whose processes are not ours.
type runningServer struct{ endpointState }

var _ Server = (*runningServer)(nil)

var errNotOurs = errors.New("the server was not started by lastcall, which sends it no signal")

// PID returns 0: there is no process of ours.
func (r *runningServer) PID() int { return 0 }

// Signal refuses.
func (r *runningServer) Signal(syscall.Signal, string, []process.Info, func() error) (Sent, error) {
	return Sent{}, errNotOurs
}

// Kill does nothing.
func (r *runningServer) Kill() error { return nil }

// Exited never closes.
func (r *runningServer) Exited() <-chan struct{} { return nil }

// Exit returns nothing: no exit is ever seen.
func (r *runningServer) Exit() process.Exit { return process.Exit{} }

// Tree is empty.
func (r *runningServer) Tree() ([]process.Info, error) { return nil, nil }

// Stderr is empty.
func (r *runningServer) Stderr() []string { return nil }

// Close leaves the server alone: lastcall did not start it.
func (r *runningServer) Close() { r.book.Close() }
