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

// withCancel ties every request to the life of the program: SIGTERM cancels
// one root context, the handlers inherit it, and so they abandon their work at
// the very moment at which they should have finished it. Shutdown then waits,
// politely, for answers that say 503.
func withCancel(ln net.Listener, handler http.Handler) error {
	root, cancel := context.WithCancel(context.Background())
	defer cancel()
	server := &http.Server{
		Handler:     handler,
		BaseContext: func(net.Listener) context.Context { return root }, // here is the mistake
	}

	stop := make(chan os.Signal, 1) // buffered: signal.Notify never waits for a reader
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	drained := make(chan error, 1)
	go func() {
		<-stop
		cancel() // every handler's r.Context() ends now
		drained <- server.Shutdown(context.Background())
	}()

	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained // Serve returns as soon as Shutdown begins: wait for its end
}
