package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// withCancel ties every request to the life of the program: SIGTERM cancels
// one root context, the handlers inherit it, and so they abandon their work at
// the moment at which they should finish it. Then Shutdown waits for answers that
// say 503.
func withCancel(ln net.Listener, app *App) error {
	root, cancel := context.WithCancel(context.Background())
	told := interrupted()
	go func() {
		<-told
		cancel() // every handler's r.Context() ends now
	}()

	server := &http.Server{
		Handler: app, ReadHeaderTimeout: headBound,
		BaseContext: func(net.Listener) context.Context { return root }, // here is the mistake
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
