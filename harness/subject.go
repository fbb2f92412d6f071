package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"lastcall/harness/ledger"
	"lastcall/harness/process"
)

// Subject is a server that can be booted again and again. It is all that the
// harness knows of what it tests.
type Subject interface {
	Name() string
	Kind() string // "strategy" or "command"
	// Boot starts a fresh server that keeps its ledger in the named file, and
	// returns when it is ready to serve. The error says what it said instead.
	Boot(ctx context.Context, ledgerPath string) (Server, error)
}

// Server is a running subject.
type Server interface {
	Addr() string // host:port
	PID() int
	// Signal sends a signal, and returns the clock on either side of the
	// system call.
	Signal(os.Signal) (before, after time.Time, err error)
	Exited() <-chan struct{} // closed once it has exited
	Exit() process.Exit      // valid once Exited is closed
	Stderr() []string        // the last lines it wrote there
	Close()                  // kills it if it lives, and releases everything
}

// readyTimeout bounds the boot of a subject.
const readyTimeout = 10 * time.Second

// Strategy is a subject that announces itself with a ready line on its standard
// output: a JSON object with its address in "addr".
type Strategy struct {
	Label    string   // its name in the reports
	Path     string   // the program
	Args     []string // without the program's name
	Lifeline string   // the environment variable that gets the lifeline's descriptor
	Health   string   // path of the readiness check, "" if the ready line is enough
}

var _ Subject = Strategy{}

// Name returns the strategy's name.
func (s Strategy) Name() string { return s.Label }

// Kind returns "strategy".
func (s Strategy) Kind() string { return "strategy" }

// Boot starts the strategy's process.
func (s Strategy) Boot(ctx context.Context, ledgerPath string) (Server, error) {
	p, err := process.Start(process.Command{
		Path: s.Path, Args: s.Args, Lifeline: s.Lifeline,
		Env: []string{ledger.EnvPath + "=" + ledgerPath},
	})
	if err != nil {
		return nil, err
	}
	server := &local{Process: p}
	if err := server.ready(ctx, s.Health); err != nil {
		p.Close()
		return nil, &BootError{Reason: err, Stderr: p.Stderr()}
	}
	return server, nil
}

// BootError says why a subject did not get ready, with its last words.
type BootError struct {
	Reason error
	Stderr []string
}

// Error returns the reason.
func (e *BootError) Error() string { return "not ready: " + e.Reason.Error() }

// Unwrap returns the reason.
func (e *BootError) Unwrap() error { return e.Reason }

// local is a server in a process of this machine.
type local struct {
	*process.Process
	addr string
}

// Addr returns host:port.
func (l *local) Addr() string { return l.addr }

func (l *local) ready(ctx context.Context, health string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("nothing after %s", readyTimeout))
	defer cancel()
	text, err := l.FirstLine(ctx)
	if err != nil {
		return l.explain(err)
	}
	var line struct {
		Addr string `json:"addr"`
	}
	if err := json.Unmarshal([]byte(text), &line); err != nil || line.Addr == "" {
		return fmt.Errorf("%q is no ready line", text)
	}
	l.addr = line.Addr
	if health == "" {
		return nil
	}
	if err := l.awaitHealth(ctx, health); err != nil {
		return l.explain(err)
	}
	return nil
}

// explain prefers a known exit to what it led to.
func (l *local) explain(err error) error {
	patience := time.NewTimer(100 * time.Millisecond) // an end of stdout comes just before the exit
	defer patience.Stop()
	select {
	case <-l.Exited():
		return fmt.Errorf("it ended with %s", l.Exit())
	case <-patience.C:
		return err
	}
}

// awaitHealth asks for the readiness check until it answers 2xx.
func (l *local) awaitHealth(ctx context.Context, path string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}}
	target := url.URL{Scheme: "http", Host: l.addr, Path: path}
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
		if err != nil {
			return fmt.Errorf("readiness check: %w", err)
		}
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode/100 == 2 {
				return nil
			}
			err = fmt.Errorf("readiness check %s answers %s", path, resp.Status)
		}
		select {
		case <-again.C:
		case <-l.Exited():
			return errors.Join(err, errors.New("it exited"))
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
