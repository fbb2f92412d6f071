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

// cancelledShutdown gives Shutdown the context that the signal has just cancelled.
// Shutdown closes the listener, checks its context, and returns at once:
// "context canceled". The process exits with 1 before it answers the requests in
// flight.
func cancelledShutdown(ln net.Listener, app *App) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(ctx.Done(), server, ln); err != nil {
		return err
	}

	bound := ctx        // here is the mistake: the signal has cancelled it
	return errors.Join( // one after the other
		app.Streams.Close(),
		app.Sockets.Close(bound),
		server.Shutdown(bound),
		app.Queue.Flush(bound),
		app.Store.Close(),
	)
}
