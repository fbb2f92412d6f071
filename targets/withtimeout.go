package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// withTimeout gives each step of the stop an allowance. The requests in flight
// get eight seconds; whoever is not done by then is hung up on, because the
// platform's SIGKILL, at ten, would take the queue and the store with it.
func withTimeout(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(interrupted(), server, ln); err != nil {
		return err
	}

	drain, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	err := errors.Join( // one after the other
		app.Streams.Close(),
		app.Sockets.Close(drain),
		server.Shutdown(drain), // returns the context's error if the time is up
		server.Close(),         // whoever is left is hung up on
	)

	// The drain may have used up its allowance: this one is not a part of it.
	flush, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(err, app.Queue.Flush(flush), app.Store.Close())
}
