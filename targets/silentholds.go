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

// silentHolds can be delayed by a client that sends nothing. A browser opens a
// connection in advance and sends nothing on it. Shutdown takes it for a request
// that is about to come, and waits five seconds (golang/go #22682). If the grace
// period is shorter, SIGKILL comes first.
func silentHolds(ln net.Listener, app *App) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server := &http.Server{Handler: app} // here is the mistake: no ReadHeaderTimeout
	if err := serveUntil(ctx.Done(), server, ln); err != nil {
		return err
	}

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
