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

// fatalServe is log.Fatal(server.ListenAndServe()), the line at the end of many
// examples. Serve returns ErrServerClosed when Shutdown begins. This line takes
// that for a failure: the process exits with 1 before it answers a single request
// in flight.
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
