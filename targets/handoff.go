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

// handoff replaces itself without a moment in which nobody listens. On SIGHUP
// it starts its own program again, a new version perhaps, and passes the
// listening socket on. Once the successor accepts, the old process leaves, in
// this order:
//
//  1. It stops accepting. The socket lives on in the successor, so that no
//     connection is refused, and none waits in a queue that nobody will read.
//  2. It serves the connections that it has, and says Connection: close with
//     every answer: their clients' next requests go to the successor.
//  3. It calls Shutdown, when there is hardly a connection left to close under
//     somebody's hands.
//
// On SIGTERM there is no successor, and it stops as drain does.
func handoff(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	told := interrupted()
	renew := make(chan os.Signal, 1)
	signal.Notify(renew, syscall.SIGHUP)
	go func() {
		for range renew {
			if err := app.Upgrader.Upgrade(); err != nil { // waits until the successor is ready
				app.Log.Error("nobody took over: it serves on", "err", err)
			}
		}
	}()

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	if err := app.Upgrader.Ready(); err != nil { // tells the predecessor, if there is one
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-told:
		app.Upgrader.Stop() // nobody may take over now
		app.Drain()
	case <-app.Upgrader.Exit(): // the successor accepts
		ln.Close()    // 1.
		app.Dismiss() // 2.
	}
	time.Sleep(app.Lag)

	bound, cancel := context.WithTimeout(context.Background(), drainBound)
	defer cancel()
	return errors.Join( // 3.
		app.Streams.Close(),
		app.Sockets.Close(bound),
		server.Shutdown(bound),
		app.Queue.Flush(bound),
		app.Store.Close(),
	)
}
