package wire

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a connection with both its ends.
type pair struct {
	*Conn
	server *net.TCPConn
	in     *bufio.Reader      // of the server
	idle   chan time.Duration // ends that were told while it was idle
}

// connect makes n connections.
func connect(t testing.TB, clock Clock, n int) []*pair {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var all []*pair
	for i := range n {
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		p := &pair{server: server.(*net.TCPConn), in: bufio.NewReader(server), idle: make(chan time.Duration, 1)}
		p.Conn = New(client, clock, uint32(i+1), Owner{
			IdleEnd: func(_ *Conn, at time.Duration) { p.idle <- at }, Closed: func(*Conn) {},
		})
		t.Cleanup(func() { p.Close(); p.LetGo(); p.server.Close() })
		all = append(all, p)
	}
	return all
}

// serve reads a request and answers it.
func (p *pair) serve(text string) {
	req, err := http.ReadRequest(p.in)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	_, _ = io.WriteString(p.server, text)
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// exchange sends one request, and reads its answer.
func (p *pair) exchange(t testing.TB, within time.Duration) (said, bool) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.RoundTrip(req, 0, p.clock.Now()+within)
	got := readAnswer(resp, err)
	p.Over()
	return got, got.err == nil && p.Reusable(req, resp)
}

// TestForgottenWhileItIsAdded: an attack that is aborted closes connections that their
// holders are just giving back. The race detector judges.
func TestForgottenWhileItIsAdded(t *testing.T) {
	clock := Clock{time.Now()}
	watch := NewWatch(clock)
	defer watch.Close()
	var both sync.WaitGroup
	for _, p := range connect(t, clock, 20) {
		both.Go(func() { watch.Add(p.Conn) })
		both.Go(func() { watch.Forget(p.Conn) })
	}
	both.Wait()
}

// TestWatch: the ends of idle connections are told, at once, once, and of those only;
// and no connection has a goroutine of its own.
func TestWatch(t *testing.T) {
	clock := Clock{time.Now()}
	watch := NewWatch(clock)
	defer watch.Close()
	const n = 60
	all := connect(t, clock, n)
	before := runtime.NumGoroutine()
	for _, p := range all {
		watch.Add(p.Conn)
		go p.serve(ok)
		if got, again := p.exchange(t, time.Minute); !again {
			t.Fatalf("%+v, and the connection is of no more use", got)
		}
		p.Rest()
	}
	if more := runtime.NumGoroutine() - before; more > n/10 {
		t.Errorf("%d more goroutines for %d connections", more, n)
	}
	for i, p := range all {
		switch i % 3 {
		case 0:
			p.server.Close()
		case 1:
			_ = p.server.SetLinger(0)
			p.server.Close()
		}
	}
	for i, p := range all {
		if i%3 == 2 {
			continue
		}
		select {
		case at := <-p.idle:
			if now := clock.Now(); at <= 0 || at > now {
				t.Errorf("ended at %s, it is %s", at, now)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("the end of connection %d was not told", i+1)
		}
		if p.Wake() {
			t.Errorf("connection %d is taken for alive", i+1)
		}
		if want := []Fate{Finished, Broken}[i%3]; p.Fate() != want {
			t.Errorf("connection %d ended with fate %d, want %d", i+1, p.Fate(), want)
		}
	}
	for i, p := range all {
		if i%3 == 2 && (!p.Wake() || len(p.idle) > 0) {
			t.Errorf("connection %d is alive, and was told to have ended", i+1)
		}
		if len(p.idle) > 0 {
			t.Errorf("the end of connection %d was told twice", i+1)
		}
	}
}

// TestEndedBeforeItRests: an end that comes during the exchange is told as soon as the
// connection is idle.
func TestEndedBeforeItRests(t *testing.T) {
	clock := Clock{time.Now()}
	watch := NewWatch(clock)
	defer watch.Close()
	p := connect(t, clock, 1)[0]
	watch.Add(p.Conn)
	go func() {
		p.serve(ok)
		p.server.Close()
	}()
	if got, _ := p.exchange(t, time.Minute); got.err != nil {
		t.Fatal(got.err)
	}
	p.Rest()
	select {
	case <-p.idle:
	case <-time.After(10 * time.Second):
		t.Fatal("its end was not told")
	}
}

// TestDeadlines: each exchange has its own, though the socket's is set once in a while.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	const patience = 400 * time.Millisecond
	p := connect(t, Clock{time.Now()}, 1)[0]
	for i := range 8 { // over several deadlines of the socket
		go func() {
			time.Sleep(patience / 3)
			p.serve(ok)
		}()
		if got, again := p.exchange(t, patience); !again {
			t.Fatalf("exchange %d: %+v (%v)", i, got, got.err)
		}
	}
	began := p.clock.Now()
	got, _ := p.exchange(t, patience)
	if took := p.clock.Now() - began; got.err == nil || p.Fate() != Overdue || took < patience {
		t.Errorf("%+v after %s, fate %d; want overdue after %s", got, took, p.Fate(), patience)
	}
}

// TestEarlyAnswer: an answer that comes before a long body is all out is the answer, and
// the connection is of use again if the rest goes out soon.
func TestEarlyAnswer(t *testing.T) {
	for name, reads := range map[string]bool{"the rest is read": true, "the rest is left": false} {
		size := 64 << 20 // more than any socket takes
		if reads {
			size = 256 << 10 // soon out, however slow the machine is
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := connect(t, Clock{time.Now()}, 1)[0]
			go func() {
				req, err := http.ReadRequest(p.in)
				if err != nil {
					return
				}
				_, _ = io.WriteString(p.server, ok)
				if reads {
					_, _ = io.Copy(io.Discard, req.Body)
				}
			}()
			req, _ := http.NewRequest(http.MethodPut, "http://127.0.0.1/", strings.NewReader(strings.Repeat("x", size)))
			resp, err := p.RoundTrip(req, 0, p.clock.Now()+time.Minute)
			if got := readAnswer(resp, err); got.err != nil || got.body != "ok" {
				t.Fatalf("%+v", got)
			}
			if again := p.Reusable(req, resp); again != reads || p.Seen().Whole != reads {
				t.Errorf("of use again: %t, all out: %t; want %t", again, p.Seen().Whole, reads)
			}
		})
	}
}

// TestHeadIsTold: whatever the length of head and body, the offsets say where they end.
func TestHeadIsTold(t *testing.T) {
	p := connect(t, Clock{time.Now()}, 1)[0]
	from := int64(0)
	for _, body := range []int{0, 1, 4000, atOnce, atOnce + 1, 200 << 10} {
		for _, long := range []int{0, 4090, 70 << 10} {
			go p.serve(ok)
			req, _ := http.NewRequest(http.MethodPut, "http://127.0.0.1/", strings.NewReader(strings.Repeat("x", body)))
			req.Header.Set("X-Long", strings.Repeat("y", long))
			var text strings.Builder
			if err := req.Clone(t.Context()).Write(&text); err != nil {
				t.Fatal(err)
			}
			head := int64(strings.Index(text.String(), endOfHead) + len(endOfHead))
			req, _ = http.NewRequest(http.MethodPut, "http://127.0.0.1/", strings.NewReader(strings.Repeat("x", body)))
			req.Header.Set("X-Long", strings.Repeat("y", long))
			resp, err := p.RoundTrip(req, 0, p.clock.Now()+time.Minute)
			if got := readAnswer(resp, err); got.err != nil {
				t.Fatal(got.err)
			}
			o, open := p.Outstanding()
			end := from + int64(text.Len())
			if !open || !p.Reusable(req, resp) {
				t.Fatalf("outstanding is %t", open)
			}
			if o, _ = p.Outstanding(); o.From != from || o.Head != from+head || o.End != end || o.Body != (body > 0) {
				t.Errorf("a body of %d: from %d, head until %d, end %d, body %t; want %d, %d, %d", body, o.From, o.Head, o.End, o.Body, from, from+head, end)
			}
			p.Over()
			from = end
		}
	}
}

// TestSurplus: what follows a whole answer on its heels makes that no answer, unless it
// takes leave.
func TestSurplus(t *testing.T) {
	for rest, want := range map[string]struct{ surplus, farewell bool }{
		"":                                      {false, false},
		" and more":                             {true, false},
		"HTTP/1.1 200 OK\r\n\r\n":               {true, false},
		"HTTP/1.1 408 Request Timeout\r\n\r\n":  {false, true},
		"HTTP/1.0 408 Request Time-out\r\n\r\n": {false, true},
		"HTTP/1.1 4080 is not a status\r\n\r\nrest": {true, false},
	} {
		p := connect(t, Clock{time.Now()}, 1)[0]
		go p.serve(ok + rest)
		got, again := p.exchange(t, time.Minute)
		if got.body != "ok" || again != (rest == "") {
			t.Errorf("%q: %+v, of use again: %t", rest, got, again)
		}
		if p.Surplus() != want.surplus || p.Farewell() != want.farewell {
			t.Errorf("%q: surplus %t, farewell %t", rest, p.Surplus(), p.Farewell())
		}
	}
}
