package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// withCancelReturn is with-cancel as most programs have it: SIGTERM cancels the
// context that every request inherits, and a handler sees that its context has
// ended and returns. It has written nothing, so net/http answers for it: 200, with
// an empty body. To its client that is success, and no log shows the loss.
func withCancelReturn(ln net.Listener, app *App) error {
	root, cancel := context.WithCancel(context.Background())
	told := interrupted()
	go func() {
		<-told
		cancel() // every handler's r.Context() ends now
	}()

	app.GivesUp = func(http.ResponseWriter, *http.Request) {} // case <-r.Context().Done(): return
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
