package load

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
	"golang.org/x/sys/unix"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/scenario"
	"lastcall/harness/wire"
)

// ample is a deadline that no test is meant to meet, and short one that is.
const (
	ample = time.Minute
	short = 700 * time.Millisecond
)

const prefix = "run-1-"

// eventually waits until the condition holds. Its bound is only there so that a
// broken test ends.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	const bound = 20 * time.Second
	for began := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(began) > bound {
			t.Fatalf("after %s still not: %s", bound, what)
		}
	}
}

// script is a TCP server whose every move a test decides. It speaks HTTP by
// hand, for net/http's server would not misbehave on demand.
type script struct {
	t        testing.TB
	listener net.Listener
	tls      *tls.Config     // nil: it speaks plainly
	play     func(*exchange) // called for every request
	stop     chan struct{}   // closed when the test is over
	running  sync.WaitGroup

	mu       sync.Mutex // what follows is shared by the connections and the test
	conns    []net.Conn
	ids      map[string]int
	requests []*exchange
}

func newScript(t testing.TB, play func(*exchange)) *script {
	t.Helper()
	return startScript(t, nil, play)
}

// newTLSScript makes a script that speaks TLS, as our own authority vouches.
func newTLSScript(t testing.TB, play func(*exchange)) *script {
	t.Helper()
	return startScript(t, ours509().server("localhost"), play)
}

func startScript(t testing.TB, config *tls.Config, play func(*exchange)) *script {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, listener: listener, tls: config, play: play, stop: make(chan struct{}), ids: make(map[string]int)}
	s.running.Go(s.accept)
	t.Cleanup(s.close)
	return s
}

func (s *script) address() string { return s.listener.Addr().String() }

func (s *script) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, c)
		n := len(s.conns)
		s.mu.Unlock()
		s.running.Go(func() { s.serve(c.(*net.TCPConn), n) })
	}
}

func (s *script) serve(c *net.TCPConn, number int) {
	tap := &wiretap{Conn: c}
	var stream net.Conn = tap
	if s.tls != nil {
		stream = tls.Server(tap, s.tls)
	}
	in := bufio.NewReader(stream)
	for nth := 1; ; nth++ {
		x := &exchange{TCPConn: c, wire: tap, stream: stream, script: s, in: in, number: number, nth: nth}
		if x.readHead() != nil {
			return
		}
		s.note(x)
		s.play(x)
		if x.over {
			return
		}
	}
}

func (s *script) note(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids[x.header.Get(ledger.HeaderID)]++
	s.requests = append(s.requests, x)
}

// close ends the server. Whatever the test was about, nothing may have been
// sent twice.
func (s *script) close() {
	close(s.stop)
	s.listener.Close()
	s.mu.Lock()
	for _, c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
	for id, n := range s.ids {
		if n != 1 || id == "" {
			s.t.Errorf("id %q was received %d times", id, n)
		}
	}
}

// received returns the requests that have come.
func (s *script) received() []*exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*exchange(nil), s.requests...)
}

// exchange is one request, and the connection on which it came.
type exchange struct {
	*net.TCPConn
	wire   *wiretap // what TLS reads from
	stream net.Conn // what HTTP travels on: TLS, or the wire
	script *script
	in     *bufio.Reader
	number int // of the connection, from 1
	nth    int // of the request on its connection, from 1
	method string
	header textproto.MIMEHeader
	over   bool    // the connection is to carry nothing more
	read   *string // the body, once it has been read
}

func (x *exchange) readHead() error {
	text := textproto.NewReader(x.in)
	first, err := text.ReadLine()
	if err != nil {
		return err
	}
	x.method, _, _ = strings.Cut(first, " ")
	x.header, err = text.ReadMIMEHeader()
	return err
}

// body reads the request's body to its end, once.
func (x *exchange) body() string {
	if x.read != nil {
		return *x.read
	}
	n, _ := strconv.Atoi(x.header.Get("Content-Length"))
	body := make([]byte, n)
	_, _ = io.ReadFull(x.in, body) // a client that gave up is no concern of the script
	text := string(body)
	x.read = &text
	return text
}

// Write writes to the client as HTTP does. What is written to the TCPConn itself
// is no TLS.
func (x *exchange) Write(p []byte) (int, error) { return x.stream.Write(p) }

// say writes to the client, which may have gone.
func (x *exchange) say(text string) { _, _ = io.WriteString(x, text) }

// answer reads the whole request and answers it as a good server does.
func (x *exchange) answer() {
	x.body()
	x.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
}

// fin closes the connection, over TLS without a closure alert. The body is read first: the kernel answers unread
// bytes with RST.
func (x *exchange) fin() {
	x.over = true
	x.body()
	x.Close()
}

// awaitUnread waits until bytes lie unread in the kernel, or half a second: then its
// close is an RST.
func (x *exchange) awaitUnread() {
	raw, err := x.SyscallConn()
	for end := time.Now().Add(time.Second / 2); err == nil && time.Now().Before(end); time.Sleep(time.Millisecond) {
		var n int
		_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
		if n > 0 {
			return
		}
	}
}

// drop closes the connection with the body unread: the kernel makes RST of it.
func (x *exchange) drop() {
	x.over = true
	x.Close()
}

// bye closes the connection as a TLS server should, with a closure alert.
func (x *exchange) bye() {
	x.over = true
	x.body()
	x.stream.Close()
}

// rst resets the connection.
func (x *exchange) rst() {
	x.over = true
	_ = x.SetLinger(0)
	x.Close()
}

// hold leaves the client waiting until the test is over.
func (x *exchange) hold() {
	x.over = true
	<-x.script.stop
}

// rig is a transport under test, driven as vegeta drives it but one request at
// a time.
type rig struct {
	*transport
	t      testing.TB
	client *http.Client
	seq    uint32
}

func newRig(t testing.TB, address string, lanes scenario.Connections, timeout time.Duration) *rig {
	clock := wire.Clock{Base: time.Now()}
	r := &rig{t: t, transport: &transport{
		pool: newPool(address, clock), clock: clock, records: new(slab),
		lanes: lanes, timeout: timeout, prefix: prefix, room: make(chan struct{}, 1),
	}}
	r.client = &http.Client{
		Transport:     r.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(r.close)
	return r
}

// newTLSRig makes a rig for a script that speaks TLS.
func newTLSRig(t testing.TB, address string, lanes scenario.Connections, timeout time.Duration) *rig {
	r := newRig(t, address, lanes, timeout)
	r.pool.tls = clientTLS(ours509().client(), "localhost")
	return r
}

// close ends the transport and looks for what it left behind.
func (r *rig) close() {
	r.pool.close()
	if n := r.open.Load(); n != 0 {
		r.t.Errorf("%d requests are open after the last", n)
	}
	if n := r.connections(); n != 0 {
		r.t.Errorf("%d connections are open after the pool closed", n)
	}
}

func (r *rig) connections() int {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	return len(r.pool.open)
}

func (r *rig) idle() int {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	return len(r.pool.idle)
}

// tamper wraps every connection that the pool dials from now on.
func (r *rig) tamper(wrap func(number uint32, c net.Conn) net.Conn) {
	r.pool.wrap = wrap
}

// park dials n connections and leaves them idle in the pool.
func (r *rig) park(n int) {
	r.t.Helper()
	for range n {
		c, err := r.pool.dial(ample)
		if err != nil {
			r.t.Fatal(err)
		}
		c.Served = true
		r.pool.put(c)
	}
}

func (r *rig) request(method, body string) *http.Request {
	r.t.Helper()
	var content io.Reader // nil, not an empty reader: as vegeta does it
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, "http://"+r.pool.address+"/", content)
	if err != nil {
		r.t.Fatal(err)
	}
	return req
}

// do sends a request to its end and returns its record.
func (r *rig) do(method, body string) history.Request {
	r.t.Helper()
	return r.send(r.request(method, body))
}

func (r *rig) send(req *http.Request) history.Request {
	r.t.Helper()
	seq := r.seq
	r.seq++
	record := r.records.at(seq)
	record.Seq, record.Scheduled = seq, r.clock.Now()
	req.Header.Set(seqHeader, strconv.FormatUint(uint64(seq), 10))
	if result := hit(r.client, req); disagree(result, record) {
		r.t.Errorf("vegeta would say %d %q of what is recorded as %s", result.Code, result.Error, record.Outcome)
	}
	checkRecord(r.t, record)
	return *record
}

// hit does what vegeta's attacker does with a request.
func hit(client *http.Client, req *http.Request) *vegeta.Result {
	res, err := client.Do(req)
	if err != nil {
		return &vegeta.Result{Error: err.Error()}
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return &vegeta.Result{Error: err.Error()}
	}
	return &vegeta.Result{Code: uint16(res.StatusCode)}
}

// checkRecord looks for what must hold of every ended request.
func checkRecord(t testing.TB, r *history.Request) {
	t.Helper()
	if r.Outcome == history.Pending {
		t.Errorf("request %d has not ended", r.Seq)
	}
	if r.Started < r.Scheduled || r.End < r.Started {
		t.Errorf("request %d: scheduled %s, started %s, ended %s", r.Seq, r.Scheduled, r.Started, r.End)
	}
	if r.Sent != 0 && (r.Sent < r.Started || r.Sent > r.End || r.Connected == 0 || r.Connected > r.Sent) {
		t.Errorf("request %d: connected %s, started %s, sent %s, ended %s", r.Seq, r.Connected, r.Started, r.Sent, r.End)
	}
	if r.FirstByte != 0 && (r.FirstByte < r.Started || r.FirstByte > r.End) {
		t.Errorf("request %d: started %s, first byte %s, ended %s", r.Seq, r.Started, r.FirstByte, r.End)
	}
	// A request whose body is cut short by its answer is written on after it.
	if r.FirstByte != 0 && r.Written && r.Sent > r.FirstByte {
		t.Errorf("request %d: sent %s, after its first byte %s", r.Seq, r.Sent, r.FirstByte)
	}
	if (r.BytesOut > 0) != (r.Sent > 0) || (r.BytesIn > 0) != (r.FirstByte > 0) {
		t.Errorf("request %d: %d bytes out, sent %s; %d in, first byte %s", r.Seq, r.BytesOut, r.Sent, r.BytesIn, r.FirstByte)
	}
}

// facts strips a record of what differs from one run to the next.
func facts(r history.Request) history.Request {
	r.Seq, r.Conn, r.Port = 0, 0, 0
	r.Scheduled, r.Started, r.Connected, r.Begun, r.Sent, r.FirstByte, r.End = 0, 0, 0, 0, 0, 0, 0
	r.State, r.Later = 0, 0 // the kernel's: see TestEnds
	r.BytesIn, r.BytesOut = 0, 0
	r.Framing, r.Length = history.UnknownFraming, 0 // TestLengthOfAnAnswer asks for these
	return r
}

// delivered waits until the client has read n bytes of the current answer on
// its only connection: an RST may overtake what is still on its way.
func (r *rig) delivered(n int) {
	eventually(r.t, "the client has read what was sent", func() bool {
		r.pool.mu.Lock()
		defer r.pool.mu.Unlock()
		for c := range r.pool.open {
			if c.Seen().In < int64(n) {
				return false
			}
		}
		return true // or it has read enough to give up, and closed
	})
}

// noticed waits until the pool's idle connections have seen their end.
func (r *rig) noticed() {
	r.t.Helper()
	eventually(r.t, "the client has seen the idle connection's end", func() bool {
		r.pool.mu.Lock()
		defer r.pool.mu.Unlock()
		for _, c := range r.pool.idle {
			if c.Fate() == wire.Alive {
				return false
			}
		}
		return true
	})
}

// flaw is a connection that fails its owner in a way of its own.
type flaw struct {
	net.Conn
	write func(net.Conn, []byte) (int, error)
}

// SyscallConn is that of what lies beneath.
func (f *flaw) SyscallConn() (syscall.RawConn, error) { return f.Conn.(syscall.Conn).SyscallConn() }

func (f *flaw) Write(p []byte) (int, error) { return f.write(f.Conn, p) }
