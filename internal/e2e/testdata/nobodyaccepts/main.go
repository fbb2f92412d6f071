// Nobodyaccepts is a server that, told to stop, accepts nobody any more, and leaves
// its listening socket open while it finishes what it has: the kernel goes on taking
// connections for it, which wait until the end and are then reset, where a refusal
// would have sent them elsewhere (benoitc/gunicorn #901). With -right it closes the
// socket at once.
//
//	nobodyaccepts [-right] PORT
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// listener hands out no connection after the signal.
type listener struct {
	net.Listener
	right   bool
	stopped chan struct{} // closed at the signal
}

// Accept returns the next connection, until the signal.
func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	select {
	case <-l.stopped:
		if err == nil {
			conn.Close()
		}
		return nil, http.ErrServerClosed
	default:
		return conn, err
	}
}

// Close closes the socket only where that is meant.
func (l listener) Close() error {
	if l.right {
		return l.Listener.Close()
	}
	return nil
}

func main() {
	right := flag.Bool("right", false, "close the listening socket at the signal")
	flag.Parse()
	ln, err := net.Listen("tcp", "127.0.0.1:"+flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	stopped := make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(serve)}
	go func() {
		if err := server.Serve(listener{ln, *right, stopped}); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	<-told
	close(stopped)
	if err := server.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// serve answers /slow?for=600ms, or anything else at once.
func serve(w http.ResponseWriter, r *http.Request) {
	if d, err := time.ParseDuration(r.URL.Query().Get("for")); err == nil {
		time.Sleep(d)
	}
	_, _ = w.Write([]byte("ok\n"))
}
