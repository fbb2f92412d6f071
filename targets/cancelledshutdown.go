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

// cancelledShutdown drains under the context that the signal has just ended.
// Shutdown closes the listener, looks at its context, and returns at once:
// "context canceled". The process ends, with code 1, in the middle of the
// requests for which it should have waited.
func cancelledShutdown(ln net.Listener, app *App) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(ctx.Done(), server, ln); err != nil {
		return err
	}

	bound := ctx        // here is the mistake: it is over, that is why we are here
	return errors.Join( // one after the other
		app.Streams.Close(),
		app.Sockets.Close(bound),
		server.Shutdown(bound),
		app.Queue.Flush(bound),
		app.Store.Close(),
	)
}
