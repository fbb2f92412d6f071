package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// withTimeout gives each step of the stop its own time. The requests in flight get
// eight seconds. Requests that take longer are dropped, because the platform's
// SIGKILL, at ten seconds, would also destroy the queue and the store.
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
		server.Close(),         // drops the requests that are left
	)

	// The drain may have used up its allowance: this one is not a part of it.
	flush, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(err, app.Queue.Flush(flush), app.Store.Close())
}
