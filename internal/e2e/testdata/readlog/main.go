// Command readlog is a server on raw sockets that keeps a log of what it has read:
// one line a request, written as soon as read(2) has returned the end of its head. It
// dies of SIGTERM, in the middle of everything.
//
//	readlog PORT FILE [-lazy | -http]
//
// With -http it is one of net/http, whose handler keeps the log. A lazy one waits for 20 ms before it reads a connection, and before it accepts the
// next one: what it has not read is often more than what it has.
package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	file, err := os.OpenFile(os.Args[2], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	option := ""
	if len(os.Args) > 3 {
		option = os.Args[3]
	}
	lazy := option == "-lazy"
	if option == "-http" {
		_ = http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(file, "%s %d\n", r.Header.Get("X-Lastcall-Id"), time.Now().UnixNano())
			time.Sleep(60 * time.Millisecond)
			fmt.Fprint(w, "ok\n")
		}))
		return
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go serve(conn, file, lazy)
		if lazy {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func serve(conn net.Conn, log *os.File, lazy bool) {
	defer conn.Close()
	buffer := make([]byte, 4096)
	for {
		if lazy {
			time.Sleep(20 * time.Millisecond)
		}
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		_, rest, _ := bytes.Cut(buffer[:n], []byte("X-Lastcall-Id: "))
		id, _, _ := bytes.Cut(rest, []byte("\r\n"))
		fmt.Fprintf(log, "%s %d\n", id, time.Now().UnixNano())
		time.Sleep(60 * time.Millisecond)
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
	}
}
