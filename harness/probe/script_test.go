package probe

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"lastcall/harness/ledger"
)

// script is a server on raw sockets: by default it does everything right, and each
// of its faults is one thing that it does wrong on the wire or with its process.
//
// Right is: at the signal it turns readiness red, says Connection: close, goes on
// accepting for lameDuck, closes the listener, tells streams and sockets to end,
// closes idle connections, waits for what it works on, but not beyond drainFor, and
// exits with 0.
type script struct {
	faults   []string
	ln       *net.TCPListener
	book     *ledger.Writer
	stopping chan struct{} // closed at the signal
	quitting chan struct{} // closed when idle connections are to go
	working  atomic.Int32  // requests in hand
	holding  atomic.Int32  // connections that hold the exit
	mu       sync.Mutex    // guards idle: connections come and go
	idle     map[net.Conn]bool
}

const (
	lameDuck = 150 * time.Millisecond
	drainFor = 1200 * time.Millisecond
)

func (s *script) has(fault string) bool { return slices.Contains(s.faults, fault) }

// play is the main of the test binary as a server.
func play(faults []string) {
	time.AfterFunc(time.Minute, func() { os.Exit(9) }) // whatever happens to the test
	s := &script{faults: faults, stopping: make(chan struct{}), quitting: make(chan struct{}), idle: make(map[net.Conn]bool)}
	if s.has("starts a child that serves") {
		again("serves")
		select {}
	}
	if s.has("leaves a child") {
		again("idles")
	}
	if s.has("idles") {
		select {}
	}
	if path := os.Getenv(ledger.EnvPath); path != "" && !s.has("keeps no ledger") {
		book, err := ledger.Open(path)
		must(err)
		s.book = book
	}
	told := make(chan os.Signal, 4)
	if !s.has("dies of the signal") {
		signal.Notify(told, syscall.SIGTERM)
	}
	if s.has("ignores SIGINT") {
		signal.Ignore(syscall.SIGINT)
	} else {
		signal.Notify(told, syscall.SIGINT)
	}
	if s.has("starts slowly") {
		time.Sleep(400 * time.Millisecond)
	}
	early := len(told) > 0
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	s.ln = ln.(*net.TCPListener)
	go s.accept()
	must(json.NewEncoder(os.Stdout).Encode(map[string]string{"addr": ln.Addr().String()}))
	<-told
	if early && s.has("serves on") {
		time.Sleep(time.Second)
	}
	s.stop(told)
}

// again starts the test binary as another server, in our process group.
func again(fault string, files ...*os.File) {
	cmd := exec.Command(os.Args[0], serveAs, fault)
	cmd.ExtraFiles = files
	cmd.Stdout = os.Stdout
	must(cmd.Start())
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

func (s *script) stop(told <-chan os.Signal) {
	switch {
	case s.has("dies"):
		os.Exit(0)
	case s.has("is killed"): // as by a system that is out of memory
		must(syscall.Kill(os.Getpid(), syscall.SIGKILL))
	case s.has("ignores the signal"):
		select {}
	}
	if s.has("dies of a second signal") {
		go func() {
			<-told
			os.Exit(0)
		}()
	}
	close(s.stopping)
	if s.has("closes at once") {
		s.ln.Close()
		s.closeIdle()
	}
	if s.has("closes soon") {
		time.Sleep(edge / 2) // what comes meanwhile waits in the accept queue, and is reset
		s.ln.Close()
	}
	time.Sleep(lameDuck)
	if !s.has("never closes the listener") {
		s.ln.Close()
	}
	if !s.has("keeps connections for ever") {
		close(s.quitting)
		s.closeIdle()
	}
	s.drain()
	if s.has("exits with 1") {
		os.Exit(1)
	}
	os.Exit(0)
}

func (s *script) drain() {
	for end := time.Now().Add(drainFor); ; time.Sleep(5 * time.Millisecond) {
		busy := s.working.Load() > 0
		if s.has("waits for every connection") {
			busy = busy || s.holding.Load() > 0
		} else if time.Now().After(end) && !s.has("waits for ever") {
			return
		}
		if !busy {
			return
		}
	}
}

func (s *script) closeIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.idle {
		c.Close()
	}
}

// mark notes whether a connection is idle.
func (s *script) mark(c net.Conn, idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if idle {
		s.idle[c] = true
	} else {
		delete(s.idle, c)
	}
}

func (s *script) accept() {
	for {
		if s.stopped() && s.has("accepts nobody any more") {
			select {}
		}
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		if s.has("accepts slowly") {
			time.Sleep(time.Millisecond)
		}
		s.holding.Add(1)
		one := func() {
			defer s.holding.Add(-1)
			s.serve(c)
		}
		if s.has("works on one at a time") {
			one()
		} else {
			go one()
		}
	}
}

func (s *script) stopped() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

func (s *script) serve(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		s.mark(c, true)
		r, err := http.ReadRequest(in)
		s.mark(c, false)
		if err != nil {
			c.Close()
			return
		}
		s.working.Add(1)
		if id := r.Header.Get(ledger.HeaderID); s.book != nil {
			must(s.book.Append(id, ledger.Received))
		}
		more := s.answer(c, in, r)
		s.working.Add(-1)
		if !more {
			return
		}
	}
}

// answer answers one request, and reports whether the connection goes on.
func (s *script) answer(c net.Conn, in *bufio.Reader, r *http.Request) bool {
	status := http.StatusOK
	if s.has("leaves its connections to a child") {
		file, err := c.(*net.TCPConn).File()
		must(err)
		again("idles", file)
	}
	switch r.URL.Path {
	case "/health":
		if s.stopped() && !s.has("stays green") {
			status = http.StatusServiceUnavailable
		}
	case "/slow":
		if s.has("dies of a client's reset") {
			go func() {
				if _, err := in.Peek(1); errors.Is(err, syscall.ECONNRESET) {
					os.Exit(0)
				}
			}()
		}
		status = s.work(r)
	case "/gives-up":
		_ = s.work(r)
		_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			c.Close()
			return false
		}
		_ = c.SetReadDeadline(time.Time{})
	case "/down":
		return s.large(c, in, r)
	case "/events":
		return s.events(c)
	case "/upload":
		if !s.upload(c, r) {
			return false
		}
		if s.stopped() && s.has("answers 503 after 100") {
			status = http.StatusServiceUnavailable
		}
	case "/ws":
		return s.socket(c, in)
	}
	if s.stopped() && s.has("cuts what it works on") {
		c.Close()
		return false
	}
	leave := s.stopped() && !s.has("keeps connections for ever")
	header := ""
	if leave && !s.has("does not say close") {
		header = "Connection: close\r\n"
	}
	fmt.Fprintf(c, "HTTP/1.1 %d x\r\n%sContent-Length: 4\r\n\r\ndone", status, header)
	if leave {
		s.leave(c, in)
	}
	return !leave
}

// work takes its time. It does not notice a client that has gone, unless that is a
// fault of it.
func (s *script) work(r *http.Request) int {
	ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	stopping := s.stopping
	if !s.has("gives up with 503") {
		stopping = nil
	}
	select {
	case <-timer.C:
		return http.StatusOK
	case <-stopping:
		return http.StatusServiceUnavailable
	}
}

// leave closes a connection in stages.
func (s *script) leave(c net.Conn, in io.Reader) {
	if !s.has("closes hard") {
		_ = c.(*net.TCPConn).CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = io.Copy(io.Discard, in)
	}
	c.Close()
}

func (s *script) large(c net.Conn, in *bufio.Reader, r *http.Request) bool {
	const piece, pieces = 1 << 20, 16
	chunked := r.URL.RawQuery == "chunked"
	head := fmt.Sprintf("Content-Length: %d", piece*pieces)
	if chunked {
		head = "Transfer-Encoding: chunked"
	}
	fmt.Fprintf(c, "HTTP/1.1 200 x\r\n%s\r\n\r\n", head)
	for range pieces {
		text := strings.Repeat("x", piece)
		if chunked {
			text = fmt.Sprintf("%x\r\n%s\r\n", piece, text)
		}
		if s.stopped() && s.has("cuts answers") {
			c.Close()
			return false
		}
		if _, err := io.WriteString(c, text); err != nil {
			c.Close()
			return false
		}
	}
	if chunked {
		_, _ = io.WriteString(c, "0\r\n\r\n")
	}
	s.leave(c, in)
	return false
}

func (s *script) events(c net.Conn) bool {
	fmt.Fprint(c, "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n")
	for !s.stopped() || s.has("never ends a stream") {
		if _, err := io.WriteString(c, "3\r\nhi\n\r\n"); err != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if !s.has("cuts streams") {
		_, _ = io.WriteString(c, "0\r\n\r\n")
	}
	c.Close()
	return false
}

func (s *script) upload(c net.Conn, r *http.Request) bool {
	if r.Header.Get("Expect") != "" {
		if s.has("declines before 100") {
			fmt.Fprint(c, "HTTP/1.1 417 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			c.Close()
			return false
		}
		if s.has("hints early") {
			fmt.Fprint(c, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
		}
		if s.has("asks late") {
			<-s.stopping
			time.Sleep(2 * breath)
		}
		fmt.Fprint(c, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	if s.has("cuts uploads") {
		go func() {
			<-s.stopping
			c.Close()
		}()
	}
	_, err := io.Copy(io.Discard, r.Body)
	return err == nil
}

func (s *script) socket(c net.Conn, in *bufio.Reader) bool {
	fmt.Fprint(c, "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_, _ = io.WriteString(c, "\x82\x7e\x01\x00"+strings.Repeat("x", 256)) // a message first
	<-s.stopping
	if !s.has("cuts sockets") {
		_, _ = io.WriteString(c, "\x88\x02\x03\xe9") // 1001
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = in.ReadByte()
	}
	c.Close()
	return false
}
