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

// secondTermKills stops handling signals after the first one, as many examples do,
// so that a second Ctrl-C ends a drain that hangs. From then on SIGTERM has its
// default action again. A second SIGTERM ends the process in the middle of its
// drain: from an impatient operator, or from a supervisor that forwards a signal
// which the whole group has already got (cockroachdb/cockroach #48070).
func secondTermKills(ln net.Listener, app *App) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(ctx.Done(), server, ln); err != nil {
		return err
	}
	stop() // here is the mistake: the second SIGTERM kills

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
