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

// hijackForgotten leaves WebSocket connections to Shutdown. But a WebSocket
// connection is hijacked: Shutdown neither ends it nor waits for it. Its client
// gets no close frame. The connection ends with the process, and the client must
// call that 1006, abnormal closure.
func hijackForgotten(ln net.Listener, app *App) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	if err := serveUntil(ctx.Done(), server, ln); err != nil {
		return err
	}

	bound, cancel := context.WithTimeout(context.Background(), drainBound)
	defer cancel()
	return errors.Join( // one after the other
		app.Streams.Close(),
		// here is the mistake: no close frame is sent
		server.Shutdown(bound),
		app.Queue.Flush(bound),
		app.Store.Close(),
	)
}
