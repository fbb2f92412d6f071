package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// closeServer calls Close instead of Shutdown. Close ends the listener and every
// connection at once, also connections with a request in flight. It even exits
// with 0.
func closeServer(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(interrupted(), server, ln); err != nil {
		return err
	}

	drain, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	err := errors.Join( // one after the other
		app.Streams.Close(),
		app.Sockets.Close(drain),
		server.Close(), // here is the mistake: it does not wait
	)

	flush, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(err, app.Queue.Flush(flush), app.Store.Close())
}
