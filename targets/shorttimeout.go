package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// shortTimeout has all the right steps, and a bound that was measured on an idle
// laptop. In production the handlers take longer, and requests without an answer
// at the bound are dropped.
func shortTimeout(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(interrupted(), server, ln); err != nil {
		return err
	}

	drain, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond) // here is the mistake
	defer cancel()
	err := errors.Join( // one after the other
		app.Streams.Close(),
		app.Sockets.Close(drain),
		server.Shutdown(drain),
		server.Close(),
	)

	flush, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(err, app.Queue.Flush(flush), app.Store.Close())
}
