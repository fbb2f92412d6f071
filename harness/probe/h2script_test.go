package probe

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lastcall/harness/process"
	"lastcall/harness/subject"
)

// h2script is a server whose every frame a test decides: a right one would not
// misbehave on demand. It speaks HTTP/2 as soon as it has heard the preface.
type h2script struct {
	subject.Server // what is not overridden is not asked for
	listener       net.Listener
	told           chan struct{} // closed by the signal
	running        sync.WaitGroup
	mu             sync.Mutex // guards conns, and told's closing
	conns          []net.Conn
}

// peer is one connection to the script.
type peer struct {
	net.Conn
	*http2.Framer
	told    chan struct{}
	streams chan uint32 // as they are opened; closed at the end of the connection
}

// newH2Script plays a part on every connection, and returns a bench before it.
func newH2Script(t *testing.T, play func(*peer)) *bench {
	t.Helper()
	return newRawScript(t, func(conn net.Conn, told chan struct{}) {
		if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		p := &peer{conn, http2.NewFramer(conn, conn), told, make(chan uint32, 100)}
		if p.WriteSettings() != nil {
			return
		}
		over := make(chan struct{})
		go func() { defer close(over); p.listen() }()
		play(p)
		conn.Close()
		<-over
	})
}

// newRawScript does the same, and says nothing by itself.
func newRawScript(t *testing.T, play func(net.Conn, chan struct{})) *bench {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("what the server has read can only be seen on Linux")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &h2script{listener: ln, told: make(chan struct{})}
	s.running.Go(func() { s.accept(play) })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	b := &bench{
		ctx: ctx, server: s, run: "run", ordinal: 1, plan: &Plan{Signal: syscall.SIGTERM, Grace: 3 * time.Second},
		facts: facts{slow: time.Second, slowStatus: 200},
	}
	t.Cleanup(func() {
		cancel()
		b.closeAll()
		s.Close()
	})
	return b
}

func (s *h2script) accept(play func(net.Conn, chan struct{})) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock() // with Close
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		s.running.Go(func() {
			defer conn.Close()
			play(conn, s.told)
		})
	}
}

// listen takes what the client sends.
func (p *peer) listen() {
	defer close(p.streams) // by the only writer
	for {
		frame, err := p.ReadFrame()
		if err != nil {
			return
		}
		if f, ok := frame.(*http2.HeadersFrame); ok {
			p.streams <- f.StreamID
		}
	}
}

// answer completes a stream.
func (p *peer) answer(id uint32, status string) {
	var block bytes.Buffer
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: status})
	_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true})
	_ = p.WriteData(id, true, []byte("served"))
}

// take returns so many streams, or those that came before the connection's end.
func (p *peer) take(n int) (ids []uint32) {
	for id := range p.streams {
		if ids = append(ids, id); len(ids) == n {
			break
		}
	}
	return ids
}

// rest waits for the client to go.
func (p *peer) rest() {
	for range p.streams {
	}
}

// Endpoint is where the script listens.
func (s *h2script) Endpoint() subject.Endpoint {
	address := s.listener.Addr().String()
	return subject.Endpoint{Address: address, URL: &url.URL{Scheme: "http", Host: address, Path: "/"}}
}

// Book is none.
func (s *h2script) Book() *subject.LedgerFile { return nil }

// Holders is nobody.
func (s *h2script) Holders() ([]process.Info, error) { return nil, nil }

// Signal tells every connection.
func (s *h2script) Signal(syscall.Signal, string, []process.Info, func() error) (subject.Sent, error) {
	s.mu.Lock() // once, whoever calls
	defer s.mu.Unlock()
	now := time.Now()
	close(s.told)
	return subject.Sent{Before: now, After: now}, nil
}

// Close ends every connection.
func (s *h2script) Close() {
	s.listener.Close()
	s.mu.Lock() // with accept
	for _, conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}
