package probe

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lastcall/internal/bug"
)

// h2conn is a connection that speaks HTTP/2 without TLS, with prior knowledge (RFC
// 9113 section 3.3). What comes is read by a goroutine of its own, for the server
// wants its settings and pings acknowledged whatever a case waits for.
type h2conn struct {
	*conn
	framer *http2.Framer
	done   chan struct{} // closed when the reader has ended

	writes sync.Mutex // one frame at a time: two goroutines write
	block  bytes.Buffer
	fields *hpack.Encoder

	mu      sync.Mutex // guards what follows: it is what was read
	next    uint32     // the next stream's identifier
	streams map[uint32]*stream
	away    []goaway
	greeted bool   // its settings came, the first frame of all
	foreign string // what came instead: it speaks something else
	ended   bool   // the connection did
	end     ending
	endedAt time.Time
}

// stream is one request.
type stream struct {
	id     uint32
	status string
	whole  bool           // the end of its answer came
	reset  *http2.ErrCode // the server gave it up
	opened time.Time
	closed time.Time
}

// over reports whether nothing more comes of it.
func (s *stream) over() bool { return s.whole || s.reset != nil }

// goaway is one frame that says that the connection ends (RFC 9113 section 6.8).
type goaway struct {
	at   time.Time
	last uint32 // streams above it were not and will not be processed
	code http2.ErrCode
}

// maxWindow is the most that a peer may be allowed to send (RFC 9113 section
// 6.9.1), so that no answer waits for us.
const maxWindow = 1<<31 - 1

// dialH2 connects and exchanges the prefaces. The error is inapplicable if the
// server does not speak HTTP/2.
func (b *bench) dialH2() (*h2conn, error) {
	c, err := b.dial()
	if err != nil {
		return nil, err
	}
	h := startH2(c)
	_ = h.preface() // where it fails the reader learns how the connection ended
	if _, err = b.watch(h, time.Now().Add(settle), func(s state) bool { return s.spoken || s.ended }); err == nil {
		err = h.greeting()
	}
	if err != nil {
		h.leave()
		return nil, err
	}
	return h, nil
}

// startH2 begins to read. Nothing is written yet.
func startH2(c *conn) *h2conn {
	h := &h2conn{conn: c, done: make(chan struct{}), next: 1, streams: make(map[uint32]*stream)}
	h.framer = http2.NewFramer(c.tcp, c.in)
	h.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	h.fields = hpack.NewEncoder(&h.block)
	go func() {
		defer close(h.done) // by the only reader
		defer bug.Catch()
		h.read()
	}()
	return h
}

// leave closes the connection and waits for the reader.
func (h *h2conn) leave() {
	h.close()
	<-h.done
}

// preface writes what a client begins with, at once: a server that speaks something
// else may close after the first bytes.
func (h *h2conn) preface() error {
	var all bytes.Buffer
	all.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&all, nil)
	err := framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: maxWindow}, http2.Setting{ID: http2.SettingEnablePush, Val: 0})
	if err == nil {
		err = framer.WriteWindowUpdate(0, maxWindow-65535) // on top of what it begins with
	}
	if err != nil {
		return err
	}
	return h.write(func() error {
		_, err := h.tcp.Write(all.Bytes())
		return err
	})
}

// write writes frames, one goroutine at a time.
func (h *h2conn) write(frames func() error) error {
	h.writes.Lock() // two goroutines write: this one, and the reader who acknowledges
	defer h.writes.Unlock()
	_ = h.tcp.SetWriteDeadline(time.Now().Add(settle)) // a dead connection says so at the write
	return frames()
}

// open sends a request on a new stream.
func (h *h2conn) open(r request) (*stream, error) {
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(r.text)))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	var s *stream
	err = h.write(func() error {
		h.block.Reset()
		field := func(name, value string) { _ = h.fields.WriteField(hpack.HeaderField{Name: name, Value: value}) } // into memory
		field(":method", req.Method)
		field(":scheme", "http")
		field(":authority", req.Host)
		field(":path", req.URL.RequestURI())
		for name, values := range req.Header {
			for _, value := range values {
				field(strings.ToLower(name), value)
			}
		}
		s = h.newStream() // before its frame: the answer can be quicker than we are
		return h.framer.WriteHeaders(http2.HeadersFrameParam{
			StreamID: s.id, BlockFragment: h.block.Bytes(), EndHeaders: true, EndStream: true,
		})
	})
	if err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.streams, s.id) // no caller has it
		return nil, err
	}
	return s, nil
}

func (h *h2conn) newStream() *stream {
	h.mu.Lock() // with the reader
	defer h.mu.Unlock()
	s := &stream{id: h.next, opened: time.Now()}
	h.streams[s.id] = s
	h.next += 2 // a client's are odd
	return s
}

// look returns what is known of a stream now.
func (h *h2conn) look(s *stream) stream {
	h.mu.Lock() // with the reader
	defer h.mu.Unlock()
	return *s
}

// state is what is known of the connection now.
type state struct {
	spoken  bool // something came that tells what the server speaks
	away    []goaway
	open    int // streams of which more can come
	ended   bool
	end     ending
	endedAt time.Time
}

func (h *h2conn) state() state {
	h.mu.Lock() // with the reader
	defer h.mu.Unlock()
	s := state{spoken: h.greeted || h.foreign != "", away: append([]goaway{}, h.away...), ended: h.ended, end: h.end, endedAt: h.endedAt}
	for _, stream := range h.streams {
		if !stream.over() {
			s.open++
		}
	}
	return s
}

// greeting is an error if the server has not sent its settings: it does not speak
// HTTP/2, which is nothing against it.
func (h *h2conn) greeting() error {
	h.mu.Lock() // with the reader
	defer h.mu.Unlock()
	switch {
	case h.greeted:
		return nil
	case h.foreign != "":
		return inapplicable(fmt.Sprintf("it does not speak HTTP/2 without TLS: it answered the preface with %q", h.foreign))
	case h.ended:
		return inapplicable(fmt.Sprintf("it does not speak HTTP/2 without TLS: the connection was %s on the preface", h.end))
	}
	return inapplicable("it does not speak HTTP/2 without TLS: it said nothing to the preface")
}

// watch waits until something is seen on the connection, or the deadline.
func (b *bench) watch(h *h2conn, deadline time.Time, seen func(state) bool) (state, error) {
	for {
		s := h.state()
		if seen(s) || time.Now().After(deadline) {
			return s, nil
		}
		if err := b.pause(time.Millisecond); err != nil {
			return s, err
		}
	}
}
