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

// fatalServe is log.Fatal(server.ListenAndServe()), the line that many examples
// end with. It takes ErrServerClosed, by which Serve says that Shutdown has
// begun, for a failure: the process exits with 1 before a single request in
// flight is answered.
func fatalServe(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)

	drained := make(chan error, 1)
	go func() {
		<-stop
		bound, cancel := context.WithTimeout(context.Background(), drainBound)
		defer cancel()
		drained <- errors.Join( // one after the other
			app.Streams.Close(),
			app.Sockets.Close(bound),
			server.Shutdown(bound),
			app.Queue.Flush(bound),
			app.Store.Close(),
		)
	}()

	return server.Serve(ln) // here is the mistake: it returns as Shutdown begins
}
