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

// unbufferedNotify never gets the signal. signal.Notify does not wait: it gives a
// signal to a goroutine that is receiving at that moment, or leaves it in the
// channel's buffer, or drops it. Here there is no buffer, and the goroutine does
// other work and only polls the channel now and then: the two never meet. A
// buffer of 1 would mend it. (go vet warns of make(chan os.Signal), and does not
// see through the 0.)
func unbufferedNotify(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}

	stop := make(chan os.Signal, 0) // here is the mistake
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)

	drained := make(chan error, 1)
	go func() {
		for !arrived(stop) {
			time.Sleep(50 * time.Millisecond) // other work
		}
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

// arrived looks whether a signal is there, and does not wait for one.
func arrived(stop <-chan os.Signal) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

//lint:file-ignore SA1017,S1019 linters see the mistake: it is what this file shows
