package subject

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"lastcall/harness/load"
	"lastcall/harness/process"
)

// endpointState is where a server is, whichever program started it.
type endpointState struct {
	mu       sync.Mutex // guards endpoint: a server can be signalled while it is waited for
	endpoint Endpoint
	check    *readiness // nil: none is known
	book     *LedgerFile
	front    string // the process that listens at the endpoint in the server's place, "" if none does
}

// Endpoint returns where the server is asked. It is empty as long as that is not
// known.
func (s *endpointState) Endpoint() Endpoint {
	s.mu.Lock() // not in the middle of found
	defer s.mu.Unlock()
	return s.endpoint
}

// found notes where the server is.
func (s *endpointState) found(e Endpoint) {
	s.mu.Lock() // the goroutine that signals it asks for the endpoint
	defer s.mu.Unlock()
	s.endpoint = e
}

// Book is the file to which the server appends its ledger.
func (s *endpointState) Ledger() *LedgerFile { return s.book }

// Ready asks the readiness check once.
func (s *endpointState) Ready(ctx context.Context) error {
	if s.check == nil {
		return ErrNoCheck
	}
	return s.check.ask(ctx)
}

// Holders returns the processes that listen at the endpoint.
func (s *endpointState) Holders() ([]process.Info, error) {
	if s.front != "" {
		return nil, fmt.Errorf("the front %s listens there, and forwards to the command", s.front)
	}
	return process.Holders(s.Endpoint().Address)
}

// Front returns the process that listens at the endpoint in the server's place, ""
// if none does.
func (s *endpointState) Front() string { return s.front }

// PortTaken reports whether a process listens at the endpoint. A front always does.
func (s *endpointState) PortTaken() bool {
	return s.front == "" && process.PortTaken(s.Endpoint().Address)
}

// Between is how long to wait between two looks at a server that boots.
const Between = 5 * time.Millisecond

// errGone says that the process ended before its server was ready.
var errGone = errors.New("the process has exited")

// awaitReady waits until the server can be asked: its readiness check answers
// 2xx, or, if there is none, it accepts connections. The place's first address
// that accepts becomes the endpoint's. The error is errGone if the process
// exited meanwhile.
func (s *endpointState) awaitReady(ctx context.Context, p place, exited <-chan struct{}) error {
	again := time.NewTicker(Between)
	defer again.Stop()
	var last error
	for {
		err := s.tryReady(ctx, p)
		if err == nil {
			return nil
		}
		if hopeless(err) {
			return helped(err) // it will not be any better by waiting
		}
		if ctx.Err() == nil && (last == nil || !TimedOut(err)) { // one that our own patience cut off says nothing
			last = err
		}
		select {
		case <-again.C:
		case <-exited:
			return errGone
		case <-ctx.Done():
			return notReady(context.Cause(ctx), last)
		}
	}
}

// TimedOut reports whether an error is that of a deadline.
func TimedOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// notReady says whose patience ended, and what was seen last.
func notReady(cause, last error) error {
	if last == nil {
		return cause
	}
	return fmt.Errorf("%w: %w", cause, last)
}

func (s *endpointState) tryReady(ctx context.Context, p place) error {
	address, err := accepting(ctx, p.addresses)
	if err != nil {
		return err
	}
	e := Endpoint{Address: address, URL: p.url, TLS: p.tls}
	s.found(e)
	switch {
	case s.check == nil && s.front != "":
		return s.relays(ctx, e)
	case s.check == nil:
		return nil
	}
	s.check.pin(e)
	return s.check.try(ctx)
}

// accepting returns the first address that accepts a connection.
func accepting(ctx context.Context, addresses []string) (string, error) {
	dialer := net.Dialer{Timeout: askTimeout}
	var last error
	for _, address := range addresses {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
			return address, nil
		}
		last = err
	}
	return "", last
}

// shakeHands explains a certificate that is not trusted, before the load meets
// it. Without https there is nothing to do.
func (s *endpointState) shakeHands(ctx context.Context) error {
	e := s.Endpoint()
	if e.TLS == nil {
		return nil
	}
	return helped(load.Handshake(ctx, e.Address, e.TLS))
}

func untrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// hopeless reports whether a server that is asked again would say the same.
func hopeless(err error) bool {
	return untrusted(err) || errors.Is(err, errOnlyTLS) || otherwise(err) != ""
}

// helped adds to an error what would help.
func helped(err error) error {
	if untrusted(err) {
		return fmt.Errorf("%w: trust its issuer (--ca), or any certificate (--insecure)", err)
	}
	if help := otherwise(err); help != "" {
		return fmt.Errorf("%w: %s", err, help)
	}
	return err
}
