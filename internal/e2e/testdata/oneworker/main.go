// Oneworker is a server that works on one request at a time, as gunicorn's sync
// worker does. Told to stop it finishes that one and ends: whoever waits in the
// accept queue, the request long sent, is reset by the kernel (benoitc/gunicorn
// #2529). With -right it first serves all who wait.
//
//	oneworker [-right] PORT
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	right := flag.Bool("right", false, "serve all who wait before the end")
	flag.Parse()
	ln, err := net.Listen("tcp", "127.0.0.1:"+flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	listener := ln.(*net.TCPListener)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	var stopping atomic.Bool
	go func() {
		<-told
		stopping.Store(true)
		_ = listener.SetDeadline(time.Now()) // it wakes whoever waits for a client
	}()
	for !stopping.Load() || *right {
		if stopping.Load() { // nobody has come for so long: nobody waits
			_ = listener.SetDeadline(time.Now().Add(20 * time.Millisecond))
		}
		conn, err := listener.Accept()
		switch {
		case err == nil:
			serve(conn)
		case !errors.Is(err, os.ErrDeadlineExceeded):
			log.Fatal(err)
		case stopping.Load():
			return
		}
	}
}

// serve answers one request: /slow?for=600ms, or anything else at once.
func serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(time.Second)) // nobody may hold the only worker
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	if d, err := time.ParseDuration(r.URL.Query().Get("for")); err == nil {
		time.Sleep(d)
	}
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n")
}
