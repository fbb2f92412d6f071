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

// signalNotify is the textbook: SIGTERM arrives on a channel, Shutdown closes
// the listener and waits until every request in flight has been answered, and
// main waits for Shutdown before it returns.
func signalNotify(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}

	stop := make(chan os.Signal, 1) // buffered: signal.Notify never waits for a reader
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)

	drained := make(chan error, 1)
	go func() {
		<-stop
		bound, cancel := context.WithTimeout(context.Background(), drainBound)
		defer cancel()
		drained <- errors.Join( // one after the other
			app.Streams.Close(),      // answers without an end: Shutdown would wait without end
			app.Sockets.Close(bound), // WebSocket connections: Shutdown does not know them
			server.Shutdown(bound),   // the listener; then it waits for the requests in flight
			app.Queue.Flush(bound),   // orders that are acknowledged and not written
			app.Store.Close(),        // last: all of the above needs it
		)
	}()

	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained // Serve returns as soon as Shutdown begins: wait for its end
}
