package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// withDeadline has one deadline for all steps: the next step may use the time that
// a step leaves. It fits a platform that names an instant, and not a duration. The
// drain ends a second before the deadline, because acknowledged work must still
// be written.
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
		server.Close(),         // drops the requests that are left
		app.Queue.Flush(whole),
		app.Store.Close(),
	)
}
