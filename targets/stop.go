package targets

import (
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	// drainBound is how long a strategy waits for the requests in flight where
	// its lesson is another one. Keep yours below the grace period of your
	// platform, or SIGKILL will come first.
	drainBound = 30 * time.Second
	// headBound is how long a new connection may take to send its first
	// request's header. Without it (http.Server.ReadHeaderTimeout) a connection
	// that never sends a byte delays Shutdown for five seconds (golang/go #22682).
	headBound = time.Second
)

// interrupted returns a channel on which SIGTERM and SIGINT arrive. They arrive
// there for as long as the process lives: a second one does no harm.
func interrupted() <-chan os.Signal {
	told := make(chan os.Signal, 1) // buffered: signal.Notify never waits for a reader
	signal.Notify(told, syscall.SIGTERM, os.Interrupt)
	return told
}

// serveUntil serves on ln until something arrives on told, and returns nil: the
// server goes on serving, and it is time to stop it. If the server fails before,
// it returns the failure.
func serveUntil[T any](told <-chan T, server *http.Server, ln net.Listener) error {
	failed := make(chan error, 1) // buffered: after told there is no reader
	go func() { failed <- server.Serve(ln) }()
	select {
	case <-told:
		return nil
	case err := <-failed:
		return err
	}
}
