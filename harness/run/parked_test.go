package run

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// scripted is a server that does to each connection what a test says, and knows
// nothing of the libraries that lastcall speaks with.
type scripted struct {
	net.Listener
	stop chan struct{} // closed as the signal would come
	all  sync.WaitGroup
}

// script plays the server's part on the nth connection, and then the connection
// is closed.
type script func(s *scripted, n int, conn *net.TCPConn)

func newScripted(t *testing.T, play script) *scripted {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{Listener: ln, stop: make(chan struct{})}
	s.all.Go(func() {
		for n := 1; ; n++ {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.all.Go(func() {
				defer conn.Close()
				play(s, n, conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		s.all.Wait()
	})
	return s
}

// endpoint names a host that no resolver knows: only the address is dialled.
func (s *scripted) endpoint() subject.Endpoint {
	return subject.Endpoint{Address: s.Addr().String(), URL: &url.URL{Scheme: "http", Host: "shop.invalid", Path: "/"}}
}

// ask reads a request and answers with a head.
func ask(conn net.Conn, head string) *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return nil
	}
	if strings.HasPrefix(head, "101") {
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455 section 1.3
		head += "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:])
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 "+head+"\r\n\r\n")
	return r
}

// says answers with a head, waits for the signal, sends some last words, and
// lets the client go first if it wants to.
func says(head, last string) script {
	return func(s *scripted, _ int, conn *net.TCPConn) {
		ask(conn, head)
		<-s.stop
		_, _ = io.WriteString(conn, last)
		_ = conn.CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	}
}

// resets answers with a head, and resets the connection at the signal.
func resets(head string) script {
	return func(s *scripted, _ int, conn *net.TCPConn) {
		ask(conn, head)
		<-s.stop
		_ = conn.SetLinger(0)
	}
}

const (
	upgraded  = "101 Switching Protocols"
	whole     = "200 OK\r\nContent-Length: 0"
	chunked   = "200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked"
	goingAway = "\x88\x02\x03\xe9" // the close frame 1001
	hello     = "\x81\x05hello"
)

// TestParkedConnections: what a server does to a connection is what the history
// says of it.
func TestParkedConnections(t *testing.T) {
	for _, c := range []struct {
		name, kind string
		play       script
		want       history.Parked // but for its times and the text of its error
		says       string         // in the error
	}{
		{"a close frame", scenario.WebSocket, says(upgraded, goingAway), history.Parked{Clean: true, Code: 1001}, ""},
		{"a message, and a close frame", scenario.WebSocket, says(upgraded, hello+goingAway), history.Parked{Clean: true, Code: 1001}, ""},
		{"a close frame without a code", scenario.WebSocket, says(upgraded, "\x88\x00"), history.Parked{Clean: true, Code: 1005}, ""},
		{"no close frame", scenario.WebSocket, says(upgraded, ""), history.Parked{Code: 1006}, "EOF"},
		{"half a close frame", scenario.WebSocket, says(upgraded, goingAway[:3]), history.Parked{Code: 1006}, "EOF"},
		{"a websocket is reset", scenario.WebSocket, resets(upgraded), history.Parked{Code: 1006}, "reset"},
		{"the last chunk", scenario.EventStream, says(chunked, "0\r\n\r\n"), history.Parked{Clean: true}, ""},
		{"an event, and the last chunk", scenario.EventStream, says(chunked, "3\r\nbye\r\n0\r\n\r\n"), history.Parked{Clean: true}, ""},
		{"no last chunk", scenario.EventStream, says(chunked, ""), history.Parked{}, "EOF"},
		{"half a chunk", scenario.EventStream, says(chunked, "9\r\nby"), history.Parked{}, "EOF"},
		{"an event stream is reset", scenario.EventStream, resets(chunked), history.Parked{}, "reset"},
		{"a silent one is closed", scenario.Silent, func(s *scripted, _ int, _ *net.TCPConn) { <-s.stop }, history.Parked{Clean: true}, ""},
		{"a silent one is answered", scenario.Silent, func(s *scripted, _ int, conn *net.TCPConn) {
			<-s.stop
			_, _ = io.WriteString(conn, "HTTP/1.1 408 Request Timeout\r\n\r\n")
		}, history.Parked{Clean: true}, ""},
		{"an idle one is closed", scenario.Idle, says(whole, ""), history.Parked{Clean: true}, ""},
		{"an idle one is told that its time is over", scenario.Idle, says(whole, "HTTP/1.1 408 Request Timeout\r\n\r\n"), history.Parked{Clean: true}, ""},
		{"an idle one is reset", scenario.Idle, resets("100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0"), history.Parked{Clean: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScripted(t, c.play)
			base := time.Now()
			now := func() time.Duration { return time.Since(base) }
			p := park(t.Context(), []scenario.Park{{Kind: c.kind, URL: "/x", Count: 3}}, s.endpoint(), now)
			signal := now()
			p.signal()
			close(s.stop)
			for _, got := range p.result(true) {
				if got.Opened <= 0 || got.Opened > signal || got.Ended < signal {
					t.Errorf("opened at %s and ended at %s, and the signal came at %s", got.Opened, got.Ended, signal)
				}
				if !strings.Contains(got.Error, c.says) || (got.Error == "") != (c.says == "") {
					t.Errorf("error %q does not say %q", got.Error, c.says)
				}
				got.Opened, got.Ended, got.Error = 0, 0, ""
				if c.want.Kind, c.want.URL = c.kind, "/x"; got != c.want {
					t.Errorf("got %+v, want %+v", got, c.want)
				}
			}
		})
	}
}

// TestWhatCannotBeParked is not opened, and the history says why.
func TestWhatCannotBeParked(t *testing.T) {
	const elsewhere = "302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0"
	for _, c := range []struct {
		name, kind, head, says string
	}{
		{"no such websocket", scenario.WebSocket, "404 Not Found\r\nContent-Length: 0", "answered 404"},
		{"a page, and no websocket", scenario.WebSocket, "200 OK\r\nContent-Length: 0", "answered 200"},
		{"a websocket elsewhere", scenario.WebSocket, elsewhere, "answered 302"},
		{"no such event stream", scenario.EventStream, "404 Not Found\r\nContent-Length: 0", "answered 404"},
		{"an event stream elsewhere", scenario.EventStream, elsewhere, "answered 302"},
		{"an event stream without chunks", scenario.EventStream, "200 OK", "its end looks like a cut"},
		{"an idle one that is closed", scenario.Idle, "200 OK\r\nContent-Length: 0\r\nConnection: close", "answered 200 with Connection: close"},
		{"an idle one whose answer ends with it", scenario.Idle, "200 OK", "answered 200 with Connection: close, or without a length"},
		{"an idle one whose answer is cut", scenario.Idle, "200 OK\r\nContent-Length: 5", "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScripted(t, func(_ *scripted, _ int, conn *net.TCPConn) { ask(conn, c.head) })
			got := park(t.Context(), []scenario.Park{{Kind: c.kind, URL: "/x", Count: 1}}, s.endpoint(), func() time.Duration { return 1 }).result(false)
			if len(got) != 1 || got[0].Opened != 0 || got[0].Ended != 0 || !strings.Contains(got[0].Error, c.says) {
				t.Errorf("got %+v, want one that says %q", got, c.says)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		s := newScripted(t, nil)
		s.Close()
		for _, kind := range scenario.ParkKinds() {
			got := park(t.Context(), []scenario.Park{{Kind: kind, URL: "/x", Count: 1}}, s.endpoint(), func() time.Duration { return 1 }).result(false)
			if got[0].Opened != 0 || got[0].Error != "connection refused" && !strings.Contains(got[0].Error, "refused") {
				t.Errorf("got %+v, want a refusal", got[0])
			}
		}
	})
}

// TestWhatEndsEarly: a websocket or an event stream that ends before the signal
// stays ended. A silent or idle connection is opened again, so that it is there at
// the signal.
func TestWhatEndsEarly(t *testing.T) {
	for _, c := range []struct {
		kind, head string
	}{
		{scenario.WebSocket, upgraded},
		{scenario.EventStream, "200 OK\r\nContent-Length: 0"},
		{scenario.Silent, ""},
		{scenario.Idle, whole},
	} {
		t.Run(c.kind, func(t *testing.T) {
			renewed := c.kind == scenario.Silent || c.kind == scenario.Idle
			again := make(chan struct{})
			s := newScripted(t, func(s *scripted, n int, conn *net.TCPConn) {
				if c.head != "" {
					ask(conn, c.head)
				}
				if n > 1 {
					close(again)
					<-s.stop
				}
			})
			base := time.Now()
			now := func() time.Duration { return time.Since(base) }
			p := park(t.Context(), []scenario.Park{{Kind: c.kind, URL: "/x", Count: 1}}, s.endpoint(), now)
			if renewed {
				<-again
			} else {
				<-p.spots[0].done
			}
			signal := now()
			p.signal()
			close(s.stop)
			got := p.result(true)[0]
			if early := got.Ended < signal; early == renewed || got.Opened == 0 {
				t.Errorf("%+v, and the signal came at %s", got, signal)
			}
		})
	}
}

// TestWhatNobodyEnds is given up: by a result, and by the end of the run.
func TestWhatNobodyEnds(t *testing.T) {
	for _, c := range []struct{ kind, head string }{
		{scenario.WebSocket, upgraded}, {scenario.EventStream, chunked}, {scenario.Silent, ""}, {scenario.Idle, whole},
	} {
		for _, interrupted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, interrupted: %t", c.kind, interrupted), func(t *testing.T) {
				s := newScripted(t, func(_ *scripted, _ int, conn *net.TCPConn) {
					if c.head != "" {
						ask(conn, c.head)
					}
					_, _ = io.Copy(io.Discard, conn) // until the client goes
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				p := park(ctx, []scenario.Park{{Kind: c.kind, URL: "/x", Count: 2}}, s.endpoint(), func() time.Duration { return 1 })
				if interrupted {
					cancel()
				}
				for range 2 { // a second time it says the same
					for _, got := range p.result(!interrupted) {
						if want := (history.Parked{Kind: c.kind, URL: "/x", Opened: 1}); got != want {
							t.Errorf("got %+v, want %+v", got, want)
						}
					}
				}
			})
		}
	}
}

// TestParkingAsksOneServerOnly: the host is named and not resolved, and nothing
// tells the server to close.
func TestParkingAsksOneServerOnly(t *testing.T) {
	seen := make(chan *http.Request, 1)
	s := newScripted(t, func(_ *scripted, _ int, conn *net.TCPConn) { seen <- ask(conn, chunked) })
	park(t.Context(), []scenario.Park{{Kind: scenario.EventStream, URL: "/events?a=b", Count: 1}}, s.endpoint(), func() time.Duration { return 1 }).result(true)
	r := <-seen
	if r.Host != "shop.invalid" || r.RequestURI != "/events?a=b" || r.Close || r.Header.Get("Accept") != "text/event-stream" {
		t.Errorf("the request is %s %s to %s, %v", r.Method, r.RequestURI, r.Host, r.Header)
	}
	if p := park(t.Context(), nil, s.endpoint(), nil); p.result(true) != nil {
		t.Error("nothing is wanted, and something parked")
	}
}
