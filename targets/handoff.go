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

// handoff replaces itself, and the port is never without a listener. On SIGHUP it
// starts its own program again, perhaps a new version, and passes the listening
// socket on. When the new process accepts connections, the old process stops, in
// this order:
//
//  1. It stops accepting. The socket stays open in the new process, so no
//     connection is refused, and none waits in a queue without a reader.
//  2. It serves its open connections, and says Connection: close with every
//     answer: the next requests of these clients go to the new process.
//  3. It calls Shutdown, when hardly a connection is left that Shutdown could
//     close.
//
// On SIGTERM there is no new process, and it stops as drain does.
func handoff(ln net.Listener, app *App) error {
	server := &http.Server{Handler: app, ReadHeaderTimeout: headBound}
	told := interrupted()
	renew := make(chan os.Signal, 1)
	signal.Notify(renew, syscall.SIGHUP)
	go func() {
		for range renew {
			if err := app.Upgrader.Upgrade(); err != nil { // waits until the successor is ready
				app.Log.Error("no process took over: this process goes on serving", "err", err)
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
		app.Upgrader.Stop() // no process may take over now
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
