// Rude is a server that answers every request in a way that no client can use, and ends
// at SIGTERM as a program does that does not handle it.
//
//	rude garbage|head|body|length|hundreds|drip PORT
package main

import (
	"bufio"
	"log"
	"net"
	"os"
	"strings"
	"time"
)

// answers are what follows a request. The last part is written again and again.
var answers = map[string][2]string{
	"garbage":  {"", strings.Repeat("\x00\xff\x1b[2J<>", 4<<10)},
	"head":     {"HTTP/1.1 200 OK\r\n", strings.Repeat("X-More: ", 4<<10) + "\r\n"},
	"body":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "8000\r\n" + strings.Repeat("x", 0x8000) + "\r\n"},
	"length":   {"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", strings.Repeat("x", 32<<10)},
	"hundreds": {"", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1<<10)},
	"drip":     {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "x"},
}

func main() {
	answer, ok := answers[os.Args[1]]
	if !ok {
		log.Fatalf("there is no %q", os.Args[1])
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn, answer, os.Args[1] == "drip")
	}
}

// serve writes its answer until the client has enough.
func serve(conn net.Conn, answer [2]string, slow bool) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for { // to the end of the request's head
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if strings.TrimSpace(line) == "" {
			break
		}
	}
	_, err := conn.Write([]byte(answer[0]))
	for ; err == nil; _, err = conn.Write([]byte(answer[1])) {
		if slow {
			time.Sleep(100 * time.Millisecond)
		}
	}
}
