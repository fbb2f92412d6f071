package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// drain knows that it does not stand alone. A balancer that is told, or finds
// out, that this server leaves goes on sending for a while. So the server first
// says that it leaves, in two ways: its readiness check turns red, and every
// answer says Connection: close. Then it serves on as if nothing had happened
// until the news has spread, and only then closes the listener.
func drain(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(interrupted(), server, ln); err != nil {
		return err
	}

	app.Drain()
	time.Sleep(app.Lag) // requests that come now are served like all others

	bound, cancel := context.WithTimeout(context.Background(), drainBound)
	defer cancel()
	return errors.Join( // one after the other
		app.Streams.Close(),
		app.Sockets.Close(bound),
		server.Shutdown(bound),
		app.Queue.Flush(bound),
		app.Store.Close(),
	)
}
