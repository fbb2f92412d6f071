package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

// ackThenLose completes every request, and drops acknowledged work. Orders that
// were acknowledged with 202 wait in memory for the next batch. The process exits
// before it writes them. The clients have their promise, the exit code is 0, and
// the rows do not exist.
func ackThenLose(ln net.Listener, app *App) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(ctx.Done(), server, ln); err != nil {
		return err
	}

	bound, cancel := context.WithTimeout(context.Background(), drainBound)
	defer cancel()
	return errors.Join( // one after the other
		app.Streams.Close(),
		app.Sockets.Close(bound),
		server.Shutdown(bound),
		app.Queue.Close(), // here is the mistake: Close forgets, Flush writes
		app.Store.Close(),
	)
}
