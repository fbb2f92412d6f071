package targets

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// drainBound is how long signalNotify waits for the requests in flight. Keep
// yours below the grace period of your platform, or SIGKILL will come first.
const drainBound = 30 * time.Second

// signalNotify is the textbook: SIGTERM arrives on a channel, Shutdown closes
// the listener and waits until every request in flight has been answered, and
// main waits for Shutdown before it returns.
func signalNotify(ln net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler}

	stop := make(chan os.Signal, 1) // buffered: signal.Notify never waits for a reader
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	drained := make(chan error, 1)
	go func() {
		<-stop
		bound, cancel := context.WithTimeout(context.Background(), drainBound)
		defer cancel()
		drained <- server.Shutdown(bound) // requests keep their own contexts: nothing is cancelled
	}()

	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained // Serve returns as soon as Shutdown begins: wait for its end
}
