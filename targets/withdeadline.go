package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// withDeadline has one instant by which all must be over, and shares the time
// until then: what one step leaves over the next may use. It fits where a
// platform says until when, and not how long. A second before the end the drain
// is over in any case: somebody still has to write what was acknowledged.
func withDeadline(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(interrupted(), server, ln); err != nil {
		return err
	}

	end := time.Now().Add(9 * time.Second) // before the platform's SIGKILL, at ten
	whole, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	drain, cancel := context.WithDeadline(whole, end.Add(-time.Second))
	defer cancel()
	return errors.Join( // one after the other
		app.Streams.Close(),
		app.Sockets.Close(drain),
		server.Shutdown(drain), // returns the context's error if the time is up
		server.Close(),         // whoever is left is hung up on
		app.Queue.Flush(whole),
		app.Store.Close(),
	)
}
