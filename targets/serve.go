package targets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"lastcall/harness/ledger"
)

// EnvKey names the environment variable with the key that a request must bring in the
// header HeaderKey. Without a key every request is answered.
const EnvKey = "LASTCALL_KEY"

// HeaderKey is the request header that carries the key.
const HeaderKey = "X-Lastcall-Key"

// EnvLag names the environment variable that says, as a duration, how long
// balancers go on sending after a server began to leave. Strategies that drain
// serve on for so long, and lagMargin more.
const EnvLag = "LASTCALL_LAG"

const (
	presetLag = 2 * time.Second
	maxLag    = 10 * time.Minute
	lagMargin = 500 * time.Millisecond
)

// Ready is the line, in JSON, by which a server says that it listens.
type Ready struct {
	Strategy string `json:"strategy"`
	Addr     string `json:"addr"` // host:port
	PID      int    `json:"pid"`
}

// Options says how to serve.
type Options struct {
	Addr       string        // host:port; port 0 chooses a free one
	Delay      time.Duration // how long /work and /orders take when the request does not say
	LogRequest bool          // one line for each request on stderr
	H2C        bool          // speak HTTP/2 without TLS too, on the same port
}

// Serve is the scaffold around a strategy: it opens the ledger, and the store
// if EnvStore names one, listens, and hands the strategy the listener and the
// service. As the strategy begins to accept, Serve announces it on stdout: a
// signal that comes after that line meets whatever the strategy does about
// signals.
//
// It returns when the strategy does, and then the process must end at once. It
// finishes nothing that the strategy left open: that would hide the lesson.
func Serve(s Strategy, o Options, stdout, stderr io.Writer) error {
	app, err := prepare(o, stderr)
	if err != nil {
		return fmt.Errorf("serve %s: %w", s.Name, err)
	}
	defer app.Store.discard()
	own, err := takeSeat(s, o.Addr)
	if err != nil {
		return fmt.Errorf("serve %s: %w", s.Name, err)
	}
	defer own.listener.Close()
	app.Upgrader = own.upgrader

	ln := &announcer{TCPListener: own.listener, say: func() error {
		if own.inherited {
			return nil // the reader of stdout knows this server: only its process is another one
		}
		return json.NewEncoder(stdout).Encode(Ready{s.Name, own.listener.Addr().String(), os.Getpid()})
	}}
	if o.H2C {
		ln.introduction = &introduction{ended: make(chan struct{})}
	}
	stopped := make(chan error, 1) // buffered: an orphan does not wait for its strategy
	go func() { stopped <- s.Run(ln, app) }()
	select {
	case err := <-stopped:
		return err
	case <-own.orphaned:
		return errors.New("parent is gone")
	}
}

// prepare makes the service, with all that the environment asks for.
func prepare(o Options, stderr io.Writer) (*App, error) {
	level := slog.LevelWarn
	if o.LogRequest {
		level = slog.LevelInfo
	}
	// The ledger is closed by the end of the process: until then a request that
	// a hasty strategy left behind may still have something to say.
	var book *ledger.Writer
	if path := os.Getenv(ledger.EnvPath); path != "" {
		var err error
		if book, err = ledger.Open(path); err != nil {
			return nil, err
		}
	}
	app := newApp(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})), book, o.Delay)
	app.key = os.Getenv(EnvKey)
	var err error
	if app.Lag, err = lag(os.Getenv(EnvLag)); err != nil {
		return nil, err
	}
	if app.Store.path = os.Getenv(EnvStore); app.Store.path != "" {
		// A user has named this file: an error is reported now.
		if err := app.Store.open(); err != nil {
			if locked(err) {
				return nil, fmt.Errorf("%w: another process holds it", err)
			}
			return nil, fmt.Errorf("%w: %s must name a file in a directory that can be written to", err, EnvStore)
		}
	}
	return app, nil
}

// lag reads the value of EnvLag and adds the margin.
func lag(text string) (time.Duration, error) {
	if text == "" {
		return presetLag + lagMargin, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxLag {
		return 0, fmt.Errorf("%s=%q must be a duration from 0s to %s", EnvLag, text, maxLag)
	}
	return d + lagMargin, nil
}

// announcer is a listener that says so as its owner begins to accept.
type announcer struct {
	*net.TCPListener // a hand-over needs the socket below
	once             sync.Once
	say              func() error
	err              error
	introduction     *introduction // nil: it speaks HTTP/1 only
}

// Accept announces the server, once, and accepts.
func (a *announcer) Accept() (net.Conn, error) {
	a.once.Do(func() { a.err = a.say() })
	if a.err != nil {
		return nil, fmt.Errorf("announce: %w", a.err) // no request would ever come
	}
	if conn := a.introduction.first(); conn != nil {
		return conn, nil
	}
	return a.TCPListener.Accept()
}
