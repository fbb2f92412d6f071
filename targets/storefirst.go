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

// storeFirst closes the database first, while requests that need it are in flight.
// All of them are waited for, and all of them are answered: with 500. The queue
// is flushed, and cannot be written.
func storeFirst(ln net.Listener, app *App) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(ctx.Done(), server, ln); err != nil {
		return err
	}

	bound, cancel := context.WithTimeout(context.Background(), drainBound)
	defer cancel()
	return errors.Join( // one after the other
		app.Store.Close(), // here is the mistake: it belongs at the end
		app.Streams.Close(),
		app.Sockets.Close(bound),
		server.Shutdown(bound),
		app.Queue.Flush(bound),
	)
}
