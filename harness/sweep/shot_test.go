package sweep

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
)

// flat are the weights of bins that are alike.
func flat(p Plan) []float64 { return weights(make([]float64, p.Grid.Bins())) }

func TestShotsAreSpreadOverEveryBin(t *testing.T) {
	p := Plan{
		Plan:    run.Plan{Seed: 3, Scenario: scenario.Default()},
		Grid:    Grid{From: -time.Millisecond, To: time.Millisecond, Step: 100 * time.Microsecond},
		PerStep: 3,
	}
	dues := func(number int) (all []time.Duration) {
		count := make([]int, p.Grid.Bins())
		for _, s := range p.shots(number, p.connections(0), fresh, flat(p)) {
			all = append(all, s.due)
			bin, ok := p.Grid.Bin(s.due)
			if !ok {
				t.Fatalf("one is due at %s, in no bin", s.due)
			}
			count[bin]++
		}
		for bin, n := range count {
			if n != 3 {
				t.Errorf("bin %d has %d", bin, n)
			}
		}
		return all
	}
	first := dues(1)
	if !slices.IsSorted(first) {
		t.Error("they are not in order")
	}
	if !slices.Equal(first, dues(1)) || slices.Equal(first, dues(2)) {
		t.Error("the seed and the number of the shutdown do not decide")
	}
}

// TestFewShotsComeToEveryBinInTheEnd: one in ten bins has a request each time.
func TestFewShotsComeToEveryBinInTheEnd(t *testing.T) {
	p := Plan{Grid: Grid{From: -time.Millisecond, To: time.Millisecond, Step: 100 * time.Microsecond}, PerStep: 0.1}
	count := make([]int, p.Grid.Bins())
	for number := range 200 {
		shots := p.shots(number, p.connections(0), reused, flat(p))
		if len(shots) != 2 {
			t.Fatalf("%d requests, want 2", len(shots))
		}
		for _, s := range shots {
			bin, _ := p.Grid.Bin(s.due)
			count[bin]++
		}
	}
	for bin, n := range count {
		if n < 5 {
			t.Errorf("bin %d has %d of 400", bin, n)
		}
	}
}

func TestRender(t *testing.T) {
	target := load.Target{
		Method: "PUT", URL: "http://shop.test:80/orders/{id}?a=b", Body: []byte(`{"id":"{id}"}`),
		Header: http.Header{"X-Order": {"no {id}"}},
	}
	text, err := render(target, "run-1-7")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(text))))
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 100)
	n, _ := req.Body.Read(body)
	if req.Method != "PUT" || req.RequestURI != "/orders/run-1-7?a=b" || req.Host != "shop.test:80" ||
		req.Header.Get("X-Order") != "no run-1-7" || req.Header.Get(ledger.HeaderID) != "run-1-7" || string(body[:n]) != `{"id":"run-1-7"}` {
		t.Errorf("%s", text)
	}
	if text, _ := render(target, ""); strings.Contains(string(text), ledger.HeaderID) {
		t.Errorf("a request of the warm-up has an id:\n%s", text)
	}
}

// listen is a server that does that with the first connection, and then waits
// for the end of the test.
func listen(t *testing.T, do func(*net.TCPConn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		do(conn.(*net.TCPConn))
		<-over
	}()
	t.Cleanup(func() { close(over); ln.Close(); <-done }) // over: the only writer is the test's end
	return ln.Addr().String()
}

func TestOutcomes(t *testing.T) {
	say := func(text string) func(*net.TCPConn) {
		return func(c *net.TCPConn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = c.Write([]byte(text))
		}
	}
	then := func(text string, end func(*net.TCPConn)) func(*net.TCPConn) {
		return func(c *net.TCPConn) { say(text)(c); end(c) }
	}
	fin := func(c *net.TCPConn) { c.Close() }
	rst := func(c *net.TCPConn) { _ = c.SetLinger(0); c.Close() }
	for name, tt := range map[string]struct {
		server  func(*net.TCPConn)
		outcome history.Outcome
		cause   history.Cause
	}{
		"answered":         {say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), history.Completed, history.None},
		"rejected":         {say("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), history.Rejected, history.None},
		"failed":           {say("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), history.Failed, history.None},
		"closed":           {then("", fin), history.Dropped, history.Closed},
		"reset":            {then("", rst), history.Dropped, history.Reset},
		"cut in the head":  {then("HTTP/1.1 200", fin), history.Dropped, history.Truncated},
		"cut in the body":  {then("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", fin), history.Dropped, history.Truncated},
		"reset in the end": {then("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", rst), history.Dropped, history.Truncated},
		"no HTTP":          {say("220 mail.test ESMTP\r\n"), history.Dropped, history.Corrupt},
		"nothing":          {say(""), history.Dropped, history.Hung},
	} {
		t.Run(name, func(t *testing.T) {
			socket, err := openSocket(listen(t, tt.server))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			now := func() time.Duration { return time.Since(began) }
			s := &shot{lane: fresh, socket: socket, method: "GET", request: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}
			if err := socket.connect(); err != nil {
				t.Fatal(err)
			}
			deadline := 20 * time.Second
			if tt.cause == history.Hung {
				deadline = 50 * time.Millisecond
			}
			s.finish(now, time.Now().Add(deadline)) // which also writes what was not written
			if r := s.record; r.Outcome != tt.outcome || r.Cause != tt.cause || !r.Written || r.End < r.Sent || r.Sent == 0 {
				t.Errorf("%+v, want %s, %s", r, tt.outcome, tt.cause)
			}
		})
	}
}

// TestClosedByPeerLooksWithoutReading: an idle connection is seen to be open,
// closed or broken, and what lies in it stays there.
func TestClosedByPeerLooksWithoutReading(t *testing.T) {
	proceed := make(chan func(*net.TCPConn))
	conn, err := net.Dial("tcp", listen(t, func(c *net.TCPConn) { (<-proceed)(c) }))
	if err != nil {
		t.Fatal(err)
	}
	socket, err := takeSocket(conn.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.close()
	if socket.closedByPeer() {
		t.Error("an open connection is said to be closed")
	}
	proceed <- func(c *net.TCPConn) { c.Close() }
	for began := time.Now(); !socket.closedByPeer(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatal("a closed connection is never seen to be")
		}
	}
	conn, err = socket.conn()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestASocketIsRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	socket, err := openSocket(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer socket.close()
	err = socket.connect()
	for began := time.Now(); err == nil || errors.Is(err, errNotYet); _, err = socket.write([]byte("x")) {
		if time.Since(began) > 20*time.Second {
			t.Fatal("nothing comes of it")
		}
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(err)
	}
}
