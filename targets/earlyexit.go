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

// earlyExit drains in a goroutine for which nobody waits. Shutdown makes Serve
// return at once, with ErrServerClosed; the function returns, main returns, and
// the process is gone while Shutdown is still waiting for the requests in
// flight. It exits with 0, as if all were well (golang/go #19579).
func earlyExit(ln net.Listener, app *App) error {
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

	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil // here is the mistake: drained is what it should wait for
}
