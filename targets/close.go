package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// closeServer calls Close where it means Shutdown. Close does what it says: it
// closes the listener and every connection, at once, whether a request is in
// flight on it or not. It even exits with 0.
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
		server.Close(), // here is the mistake: nobody has waited
	)

	flush, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(err, app.Queue.Flush(flush), app.Store.Close())
}
