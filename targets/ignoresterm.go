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

// ignoresTerm stops cleanly on Ctrl-C, as its author tried it. SIGTERM, which
// is what every platform sends, it ignores, and so it is killed at the end of
// the grace period. The same happens by itself to a program without a handler
// that runs as process 1 of a container: the kernel spares process 1 the
// default actions of signals.
func ignoresTerm(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	signal.Ignore(syscall.SIGTERM) // here is the mistake

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

	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}
