package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// drain is made for a server behind a load balancer. The balancer goes on sending
// for a while after the signal. So the server first announces that it stops, in
// two ways: its readiness check fails, and every answer says Connection: close.
// Then it goes on serving until the balancer knows, and only then closes the
// listener.
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
