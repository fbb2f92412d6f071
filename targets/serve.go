package targets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"lastcall/harness/ledger"
)

// EnvLifeline names the environment variable that holds the number of an
// inherited descriptor: a pipe whose other end the parent keeps open. When it
// reads end-of-file the parent is gone, however it went.
const EnvLifeline = "LASTCALL_LIFELINE"

// Ready is the line, in JSON, by which a server says that it listens.
type Ready struct {
	Strategy string `json:"strategy"`
	Addr     string `json:"addr"` // host:port
	PID      int    `json:"pid"`
}

// Options says how to serve.
type Options struct {
	Addr       string        // host:port; port 0 chooses a free one
	Delay      time.Duration // how long /work takes when the request does not say
	LogRequest bool          // one line for each request on stderr
}

// Serve is the scaffold around a strategy: it opens the ledger, listens,
// announces itself on stdout, and hands the strategy a listener that is ready.
// It returns when the strategy does.
func Serve(s Strategy, o Options, stdout, stderr io.Writer) error {
	level := slog.LevelWarn
	if o.LogRequest {
		level = slog.LevelInfo
	}
	service := &Service{
		Log:   slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
		Delay: o.Delay,
	}
	if path := os.Getenv(ledger.EnvPath); path != "" {
		book, err := ledger.Open(path)
		if err != nil {
			return err
		}
		defer book.Close()
		service.Ledger = book
	}
	orphaned, err := lifeline()
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return fmt.Errorf("serve %s: %w", s.Name, err)
	}
	defer ln.Close()
	if err := json.NewEncoder(stdout).Encode(Ready{s.Name, ln.Addr().String(), os.Getpid()}); err != nil {
		return fmt.Errorf("announce %s: %w", s.Name, err)
	}
	stopped := make(chan error, 1) // buffered: an orphan does not wait for its strategy
	go func() { stopped <- s.Run(ln, service.Handler()) }()
	select {
	case err := <-stopped:
		return err
	case <-orphaned:
		return errors.New("parent is gone")
	}
}

// lifeline returns a channel that is closed when the parent is gone. There is
// nobody left then to whom a clean stop would mean anything, so it is meant to
// end the process at once. Without a lifeline the channel is nil and never
// closes.
func lifeline() (<-chan struct{}, error) {
	text := os.Getenv(EnvLifeline)
	if text == "" {
		return nil, nil
	}
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%q is not the number of an inherited descriptor", EnvLifeline, text)
	}
	syscall.CloseOnExec(fd) // a child of this process must not hold the pipe
	pipe := os.NewFile(uintptr(fd), "lifeline")
	gone := make(chan struct{})
	go func() {
		defer close(gone)                // closed by the only goroutine that reads the pipe
		_, _ = io.Copy(io.Discard, pipe) // ends at end-of-file, or at an error that means the same
	}()
	return gone, nil
}
