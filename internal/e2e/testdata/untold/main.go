// Untold is a server whose HTTP/2 connections are told with GOAWAY when it stops,
// but for those that begin to speak only then: it serves them as if nothing were
// (kaseiwang/http2-grace-shutdown-test shows nginx doing so at a reload). With -right
// it looks whether it is stopping where such a connection begins.
//
//	untold [-right] PORT
package main

import (
	"bufio"
	"context"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/http2"
)

// server tells HTTP/2 from HTTP/1 by the first bytes of a connection.
type server struct {
	net.Listener               // hands out the connections that speak HTTP/1
	one          *http.Server  // serves them, and tells those of HTTP/2 at the end
	ones         chan net.Conn // never closed: the process ends
	two          http2.Server
	right        bool
	stopping     atomic.Bool
	working      sync.WaitGroup // requests in hand
}

// begun is a connection whose first bytes were looked at.
type begun struct {
	net.Conn
	in *bufio.Reader
}

func (b begun) Read(p []byte) (int, error) { return b.in.Read(p) }

// Accept returns the next connection that speaks HTTP/1.
func (s *server) Accept() (net.Conn, error) { return <-s.ones, nil }

func main() {
	s := &server{ones: make(chan net.Conn)}
	flag.BoolVar(&s.right, "right", false, "tell those as well that begin to speak after the signal")
	flag.Parse()
	ln, err := net.Listen("tcp", "127.0.0.1:"+flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	s.Listener = ln
	s.one = &http.Server{Handler: http.HandlerFunc(s.serve)}
	if err := http2.ConfigureServer(s.one, &s.two); err != nil {
		log.Fatal(err)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() { _ = s.one.Serve(s) }() // it ends with the process
	go s.accept(ln)
	<-told
	s.stopping.Store(true)
	_ = s.one.Shutdown(context.Background()) // it closes the listener, and sends GOAWAY
	s.working.Wait()
}

func (s *server) accept(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return // it is closed
		}
		go s.begin(begun{conn, bufio.NewReader(conn)})
	}
}

// begin waits for a connection's first bytes.
func (s *server) begin(c begun) {
	first, err := c.in.Peek(len(http2.ClientPreface))
	switch {
	case string(first) != http2.ClientPreface && len(first) > 0:
		s.ones <- c
	case err != nil:
		c.Close()
	case s.right && s.stopping.Load():
		goAway(c)
	default:
		s.two.ServeConn(c, &http2.ServeConnOpts{BaseConfig: s.one, Handler: s.one.Handler})
	}
}

// goAway says that nothing was and will be processed.
func goAway(c begun) {
	defer c.Close()
	framer := http2.NewFramer(c, c)
	if framer.WriteSettings() == nil && framer.WriteGoAway(0, http2.ErrCodeNo, nil) == nil {
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // or a reset could overtake it
		_, _ = io.Copy(io.Discard, c.in)
	}
}

// serve answers /slow?for=600ms, or anything else at once.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.working.Add(1)
	defer s.working.Done()
	if d, err := time.ParseDuration(r.URL.Query().Get("for")); err == nil {
		time.Sleep(d)
	}
	_, _ = w.Write([]byte("ok\n"))
}
