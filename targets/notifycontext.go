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
// signal.NotifyContext ends it when SIGTERM comes. Two things must not be done
// with that context: to give it to Shutdown, and to call its stop too early.
func notifyContext(ln net.Listener, app *App) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop() // at the very end: from then on a second SIGTERM would kill

	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(ctx.Done(), server, ln); err != nil {
		return err
	}

	bound, cancel := context.WithTimeout(context.Background(), drainBound) // not of ctx: that one is over
	defer cancel()
	return errors.Join( // one after the other
		app.Streams.Close(),      // answers without end: Shutdown would wait for them for ever
		app.Sockets.Close(bound), // websockets: Shutdown does not know of them
		server.Shutdown(bound),   // the listener; then it waits for the requests in flight
		app.Queue.Flush(bound),   // what those have acknowledged, and nobody has written
		app.Store.Close(),        // last: all of the above needs it
	)
}
