package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// withCancelDetached has a root context, like many programs, and SIGTERM cancels
// it. But the requests do not inherit the cancellation: it only says that it is
// time to stop. Handlers finish their work, and Shutdown waits for them.
func withCancelDetached(ln net.Listener, app *App) error {
	root, cancel := context.WithCancel(context.Background())
	told := interrupted()
	go func() {
		<-told
		cancel()
	}()

	server := &http.Server{
		Handler: app, ReadHeaderTimeout: headBound,
		// Requests keep the root's values, and not its end. A client that goes
		// away still cancels its own request: the server does that.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(root) },
	}
	if err := serveUntil(root.Done(), server, ln); err != nil {
		return err
	}

	bound, done := context.WithTimeout(context.Background(), drainBound)
	defer done()
	return errors.Join( // one after the other
		app.Streams.Close(),
		app.Sockets.Close(bound),
		server.Shutdown(bound),
		app.Queue.Flush(bound),
		app.Store.Close(),
	)
}
