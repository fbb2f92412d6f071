package subject

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lastcall/harness/ledger"
	"lastcall/harness/process"
	"lastcall/harness/scenario"
)

// Spec describes a server of the user's: the command, where it serves, and how
// it shows that it is ready. It has the form of a scenario's subject.
type Spec = scenario.Subject

// DefaultURL is where a command serves that does not say.
const DefaultURL = "http://127.0.0.1:" + scenario.PortMark + "/"

// EnvPort is the environment variable that carries the port.
const EnvPort = "PORT"

// Command is a subject that is a command of the user's, in any language. It is
// started again for every shutdown, on a port that was free. {port} in its
// arguments, its environment and its URLs, and PORT in its environment, are
// that port, or, where the URL names one, the URL's.
type Command struct {
	Spec scenario.Subject
	// Supervisor is the command line of the program that starts the command and
	// leaves nothing of it behind, however we end: lastcall itself, with
	// "supervise", or any program that calls Supervise. Without one the command
	// dies with us on Linux, but what it has started may not, and Spec.Applied
	// cannot be run.
	Supervisor []string
}

var _ Starter = Command{}

// Name returns the name that was given, or the program's.
func (c Command) Name() string {
	if c.Spec.Name != "" || len(c.Spec.Command) == 0 {
		return c.Spec.Name
	}
	return filepath.Base(c.Spec.Command[0])
}

// Kind returns KindCommand.
func (c Command) Kind() string { return scenario.KindCommand }

// complete is the description with what was left out filled in.
func (c Command) complete() scenario.Subject {
	s := c.Spec
	s.URL = cmp.Or(s.URL, DefaultURL)
	s.ReadyTimeout.Duration = cmp.Or(s.ReadyTimeout.Duration, scenario.DefaultReadyTimeout)
	return s
}

// Expected returns where the command will be asked.
func (c Command) Expected() Endpoint { return expected(c.complete().URL) }

// Check refuses a program that is not there or cannot be executed, a directory
// that is none, and a URL that leads to another machine.
func (c Command) Check(ctx context.Context) error {
	if len(c.Spec.Command) == 0 {
		return &scenario.Invalid{Field: "subject.command", Problem: "is empty, must be a program and its arguments"}
	}
	if err := checkFront(c.Spec); err != nil {
		return err
	}
	if dir := c.Spec.Dir; dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return &scenario.Invalid{Field: "subject.dir", Problem: fmt.Sprintf("is %q, which is not a directory", dir)}
		}
	}
	if _, err := FindProgram(c.Spec.Command[0], c.Spec.Dir); err != nil {
		return &scenario.Invalid{Field: "subject.command", Problem: err.Error()}
	}
	return checkSpec(ctx, c.complete(), c.Supervisor)
}

// checkSpec refuses what cannot work of a server that the user has described,
// whoever starts it.
func checkSpec(ctx context.Context, s scenario.Subject, supervisor []string) error {
	if err := checkPlace(ctx, s); err != nil {
		return err
	}
	if err := checkLedger(s.Ledger); err != nil {
		return err
	}
	return checkLookup(s.Applied, s.Dir, supervisor)
}

// Lookup returns the command of the description, with the port and the PID in it.
func (c Command) Lookup(server Server) process.Command { return lookup(c.Spec, server, c.Supervisor) }

// checkPlace resolves the URLs of a subject, to see whether that can be done and
// leads to no other machine.
func checkPlace(ctx context.Context, s scenario.Subject) error {
	if _, err := locate(ctx, s, 1); err != nil {
		return &scenario.Invalid{Field: "subject.url", Problem: "cannot be used: " + err.Error()}
	}
	if strings.Contains(s.Ready, "://") {
		ready := s
		ready.URL, ready.CA = s.Ready, ""
		if _, err := locate(ctx, ready, 1); err != nil {
			return &scenario.Invalid{Field: "subject.ready", Problem: "cannot be used: " + err.Error()}
		}
	}
	return nil
}

// FindProgram looks a program up as a shell would, but from the directory in
// which it will run. The error says what is wrong with it.
func FindProgram(name, dir string) (string, error) {
	path := name
	if strings.Contains(name, "/") && !filepath.IsAbs(name) && dir != "" {
		path = filepath.Join(dir, name)
	}
	found, err := exec.LookPath(path)
	switch {
	case err == nil:
		return filepath.Abs(found)
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("%q is not found in PATH: name a program that is installed, or the path of one", name)
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%q does not exist", name)
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("%q cannot be executed: make it executable (chmod +x), or name its interpreter", name)
	}
	return "", fmt.Errorf("%q cannot be started: %w", name, err)
}

// Boot starts the command, on a port that is free, and waits until it is ready.
func (c Command) Boot(ctx context.Context, ledgerPath string) (Server, error) {
	return boot(ctx, c, ledgerPath)
}

// Start starts the command on a port that is free.
func (c Command) Start(ctx context.Context, ledgerPath string) (Server, Await, error) {
	s := c.complete()
	port, err := choosePort(s.URL)
	if err != nil {
		return nil, nil, err
	}
	p, err := locate(ctx, s, port)
	if err != nil {
		return nil, nil, err
	}
	front, err := frontOf(ctx, s, p)
	if err != nil {
		return nil, nil, err
	}
	book, err := openLedger(putPort(s.Ledger, strconv.Itoa(port)), ledgerPath)
	if err != nil {
		return nil, nil, err
	}
	own := strconv.Itoa(port)
	if front != "" {
		own = "" // the port is the front's
	}
	child, err := process.Start(c.process(s, own, book.Path()))
	if err != nil {
		book.Close()
		return nil, nil, notStarted(err, c.Supervisor[:min(len(c.Supervisor), 1)]...)
	}
	server := &local{Process: child, endpointState: endpointState{book: book, front: front}}
	server.found(Endpoint{Address: p.addresses[0], URL: p.url, TLS: p.tls}) // as far as that is known now
	if s.Ready != "" {
		server.check = &readiness{template: s.Ready, port: port}
	}
	return server, func(ctx context.Context) error { return server.awaitCommand(ctx, p, s.ReadyTimeout.Duration) }, nil
}

// choosePort returns the port that the URL names, or a free one.
func choosePort(rawURL string) (int, error) {
	if !strings.Contains(rawURL, scenario.PortMark) {
		u, err := url.Parse(rawURL)
		if err != nil {
			return 0, fmt.Errorf("url %q: %w", rawURL, scenario.UnwrapURL(err))
		}
		return strconv.Atoi(PortOf(u))
	}
	return process.ChoosePort()
}

func (c Command) process(s scenario.Subject, text, ledgerPath string) process.Command {
	var args []string
	for _, word := range s.Command[1:] {
		args = append(args, putPort(word, text))
	}
	program := putPort(s.Command[0], text)
	if found, err := FindProgram(program, s.Dir); err == nil {
		program = found
	}
	return process.Command{Path: program, Args: args, Dir: s.Dir, Env: environ(s, text, ledgerPath), Supervisor: c.Supervisor}
}

func putPort(text, port string) string { return strings.ReplaceAll(text, scenario.PortMark, port) }

// environ is what a server finds in its environment, and whoever is asked about
// it. The port is "" where it is not the server's.
func environ(s scenario.Subject, port, ledgerPath string) []string {
	env := []string{ledger.EnvPath + "=" + ledgerPath}
	if port != "" {
		env = append(env, EnvPort+"="+port)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		env = append(env, name+"="+putPort(s.Env[name], port))
	}
	return env
}

// awaitCommand waits until the command serves: ready, in the foreground, and,
// with https, able to shake hands.
func (l *local) awaitCommand(ctx context.Context, p place, timeout time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it was not ready after %s", timeout))
	defer cancel()
	err := l.awaitReady(ctx, p, l.Exited())
	if errors.Is(err, errGone) {
		return l.exitedEarly()
	}
	if err == nil {
		err = l.shakeHands(ctx)
	}
	if refused(err) && ctx.Err() != nil {
		return l.listensElsewhere(err, p)
	}
	if err != nil {
		return err
	}
	select {
	case <-l.Exited(): // it accepts, but not from the process that was started
		return l.exitedEarly()
	default:
		return nil
	}
}

// refused reports whether no process listened.
func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// listensElsewhere explains a server that lives and was not found: the commonest
// mistake is that it was never told its port.
func (l *local) listensElsewhere(err error, p place) error {
	found, lookErr := l.Listens()
	switch {
	case lookErr != nil:
		return err
	case len(found) == 0:
		return fmt.Errorf("%w: it does not listen yet; give it more time (--ready-timeout), or find out what it waits for", err)
	}
	return fmt.Errorf("%w: it listens on %s instead; tell it its port (%s in its arguments, or %s in its environment, which is %s), or name its address (--url)",
		err, strings.Join(found, ", "), scenario.PortMark, EnvPort, PortOf(p.url))
}
