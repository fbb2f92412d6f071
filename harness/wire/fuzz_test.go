package wire

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// played is a connection whose server is a text: it is said, in pieces, once a request
// has come, and then the server closes its side.
type played struct {
	mu     sync.Mutex // the rest is shared by the reader and the writer of net/http
	asked  chan struct{}
	once   sync.Once
	text   []byte
	piece  int
	closed bool
}

func play(text []byte, piece int) *played {
	return &played{asked: make(chan struct{}), text: text, piece: max(1, piece)}
}

func (p *played) Read(b []byte) (int, error) {
	<-p.asked
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, net.ErrClosed
	}
	if len(p.text) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.piece)], p.text)
	p.text = p.text[n:]
	return n, nil
}

func (p *played) Write(b []byte) (int, error) {
	p.once.Do(func() { close(p.asked) }) // closed once, by the first write
	return len(b), nil
}

func (p *played) Close() error {
	p.once.Do(func() { close(p.asked) })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

func (p *played) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *played) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
func (p *played) SetDeadline(time.Time) error      { return nil }
func (p *played) SetReadDeadline(time.Time) error  { return nil }
func (p *played) SetWriteDeadline(time.Time) error { return nil }

// said is what a client makes of an answer.
type said struct {
	status int
	body   string
	closes bool
	err    error
}

func readAnswer(resp *http.Response, err error) said {
	if err != nil {
		return said{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return said{resp.StatusCode, string(body), resp.Close, err}
}

// quiet keeps net/http from writing about every answer that nobody asked for.
var quiet = sync.OnceFunc(func() { log.SetOutput(io.Discard) })

// theirs is what net/http's client makes of a text.
func theirs(req *http.Request, text []byte, piece int) said {
	quiet()
	transport := &http.Transport{
		DisableCompression: true, DisableKeepAlives: false, MaxResponseHeaderBytes: MaxHead,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return play(text, piece), nil },
	}
	defer transport.CloseIdleConnections()
	return readAnswer(transport.RoundTrip(req))
}

// answers are the ways to say things, right and wrong.
var answers = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 408 Request Timeout\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;name=value\r\nok\r\n0;last\r\nX-Sum: 1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nok",
	"HTTP/1.1 200 OK\r\n\r\nuntil the end",
	"HTTP/1.0 200 OK\r\n\r\nuntil the end",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nanything",
	"HTTP/1.1 204 No Content\r\n\r\n",
	"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
	"HTTP/1.1 200\r\n\r\n",
	"HTTP/2.0 200 OK\r\n\r\n",
	"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	"SSH-2.0-OpenSSH\r\n",
	"",
}

// FuzzAnswer feeds the exchange what a server may say, and compares it with net/http's
// client where both take the answer for whole.
func FuzzAnswer(f *testing.F) {
	for i, text := range answers {
		f.Add([]byte(text), uint16(1+i*7), byte(i))
		f.Add([]byte(text), uint16(4096), byte(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, piece uint16, kind byte) {
		if piece == 0 || len(text)/int(piece) > 1<<12 {
			return // too slow to tell anything
		}
		compare(t, text, int(piece), []string{http.MethodGet, http.MethodHead, http.MethodPost}[kind%3])
	})
}

func compare(t *testing.T, text []byte, piece int, method string) {
	t.Helper()
	request := func() *http.Request {
		var body io.Reader
		if method == http.MethodPost {
			body = strings.NewReader("order")
		}
		req, err := http.NewRequest(method, "http://127.0.0.1:2/", body)
		if err != nil {
			t.Fatal(err)
		}
		return req
	}
	closed := 0
	c := New(play(bytes.Clone(text), piece), Clock{time.Now()}, 1, Owner{
		IdleEnd: func(*Conn, time.Duration) {}, Closed: func(*Conn) { closed++ },
	})
	req := request()
	resp, err := c.RoundTrip(req, 7, time.Minute)
	if _, open := c.Outstanding(); !open {
		t.Error("the request is not outstanding before its answer is read")
	}
	ours := readAnswer(resp, err)
	seen := c.Seen()
	if !seen.Whole || seen.Begun == 0 || seen.Sent < seen.Begun {
		t.Errorf("whole is %t, begun %s, sent %s", seen.Whole, seen.Begun, seen.Sent)
	}
	if seen.In > int64(len(text)) || (seen.In > 0) != (seen.FirstByte > 0) {
		t.Errorf("%d bytes in of %d, the first at %s", seen.In, len(text), seen.FirstByte)
	}
	if c.Over(); err == nil && ours.err == nil && c.Reusable(req, resp) && (ours.closes || c.Surplus() || ours.status < 200) {
		t.Errorf("it may be used again after %+v", ours)
	}
	c.Close()
	c.Close()
	if closed != 1 {
		t.Errorf("closed %d times", closed)
	}
	if ours.err != nil || ours.status == http.StatusSwitchingProtocols {
		return // over a protocol that is not HTTP the two differ
	}
	want := theirs(request(), bytes.Clone(text), piece)
	if want.err == nil && ours != want {
		t.Errorf("%q to %s: %+v, net/http says %+v", text, method, ours, want)
	}
}

// TestAnswersAsNetHTTP: both clients take the same answers for whole, and those that it
// takes no other way.
func TestAnswersAsNetHTTP(t *testing.T) {
	for _, text := range answers {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			for _, piece := range []int{1, 3, 4096} {
				compare(t, []byte(text), piece, method)
			}
		}
	}
}
