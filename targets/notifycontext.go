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

// notifyContext is signalNotify with a context in place of the channel:
// signal.NotifyContext ends the context when SIGTERM arrives. There are two
// mistakes to avoid: to give this context to Shutdown, and to call its stop
// function too early.
func notifyContext(ln net.Listener, app *App) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop() // last: after it a second SIGTERM would kill

	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(ctx.Done(), server, ln); err != nil {
		return err
	}

	bound, cancel := context.WithTimeout(context.Background(), drainBound) // not of ctx: that one is over
	defer cancel()
	return errors.Join( // one after the other
		app.Streams.Close(),      // answers without an end: Shutdown would wait without end
		app.Sockets.Close(bound), // WebSocket connections: Shutdown does not know them
		server.Shutdown(bound),   // the listener; then it waits for the requests in flight
		app.Queue.Flush(bound),   // orders that are acknowledged and not written
		app.Store.Close(),        // last: all of the above needs it
	)
}
