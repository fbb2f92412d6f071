// Rude is a server that answers every request with what it is told, and ends at SIGTERM as
// a program does that does not handle it.
//
//	rude ANSWER PORT        write ANSWER, and close
//	rude -drip ANSWER PORT  write ANSWER, and its last byte again every 100 ms
//	rude -flood FIRST AGAIN PORT  write FIRST, and AGAIN without an end
//
// The answers are Go strings without their quotes.
package main

import (
	"bufio"
	"flag"
	"log"
	"net"
	"strconv"
	"strings"
	"time"
)

func main() {
	drip, flood := flag.Bool("drip", false, ""), flag.Bool("flood", false, "")
	flag.Parse()
	words := flag.Args()
	ln, err := net.Listen("tcp", "127.0.0.1:"+words[len(words)-1])
	if err != nil {
		log.Fatal(err)
	}
	first := unquoted(words[0])
	var again string
	switch {
	case *drip:
		again = first[len(first)-1:]
	case *flood:
		again = unquoted(words[1])
		again = strings.Repeat(again, 1+(32<<10)/len(again))
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn, first, again, *drip)
	}
}

func unquoted(text string) string {
	text, err := strconv.Unquote(`"` + text + `"`)
	if err != nil {
		log.Fatal(err)
	}
	return text
}

// serve answers one request, until the client has enough.
func serve(conn net.Conn, first, again string, slow bool) {
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
	_, err := conn.Write([]byte(first))
	for err == nil && again != "" {
		if slow {
			time.Sleep(100 * time.Millisecond)
		}
		_, err = conn.Write([]byte(again))
	}
}
