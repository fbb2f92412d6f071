// Untold is a server whose HTTP/2 connections are told with GOAWAY when it stops,
// but for those that begin to speak only then: it serves them as if nothing were
// (kaseiwang/http2-grace-shutdown-test shows nginx doing so at a reload). With -right
// it looks whether it is stopping where a connection begins.
//
//	untold [-right] PORT
package main

import (
	"bufio"
	"context"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// begun hands out connections whose first byte has come.
type begun struct {
	net.Listener
	conns chan net.Conn // never closed: the process ends
	over  chan struct{} // closed when it hands out no more
	once  sync.Once
}

// Accept returns the next one.
func (b *begun) Accept() (net.Conn, error) {
	select {
	case conn := <-b.conns:
		return conn, nil
	case <-b.over:
		return nil, net.ErrClosed
	}
}

// Close ends the handing out, and no more: the socket is shared.
func (b *begun) Close() error {
	b.once.Do(func() { close(b.over) })
	return nil
}

// peeked is a connection whose first byte was looked at.
type peeked struct {
	net.Conn
	in *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.in.Read(b) }

func main() {
	right := flag.Bool("right", false, "close what begins to speak after the signal")
	flag.Parse()
	ln, err := net.Listen("tcp", "127.0.0.1:"+flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	inTime, server := serve(ln)
	late, _ := serve(ln) // here is the mistake: nobody tells this one
	go accept(ln, inTime, late, *right)
	<-told
	ln.Close()
	if err := server.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// serve serves what is begun, HTTP/2 without TLS as well.
func serve(ln net.Listener) (*begun, *http.Server) {
	b := &begun{Listener: ln, conns: make(chan net.Conn), over: make(chan struct{})}
	server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(answer)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go func() { log.Print(server.Serve(b)) }() // it ends with the process
	return b, server
}

// accept waits for the first byte of each connection, and hands it on.
func accept(ln net.Listener, inTime, late *begun, right bool) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return // it is closed
		}
		go func() {
			p := peeked{conn, bufio.NewReader(conn)}
			if _, err := p.in.Peek(1); err != nil {
				conn.Close()
				return
			}
			select {
			case inTime.conns <- p:
			case <-inTime.over:
				if right {
					conn.Close()
				} else {
					late.conns <- p
				}
			}
		}()
	}
}

// answer answers /slow?for=600ms, or anything else at once.
func answer(w http.ResponseWriter, r *http.Request) {
	if d, err := time.ParseDuration(r.URL.Query().Get("for")); err == nil {
		time.Sleep(d)
	}
	_, _ = w.Write([]byte("ok\n"))
}
