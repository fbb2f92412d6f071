package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/net/http/httpguts"

	"lastcall/internal/bug"
)

// MaxHead bounds the heads of one answer, 1xx included, in bytes: thousands of
// requests may be open, and a server gone mad must not fill our memory. What has a
// longer head is no answer.
const MaxHead = 256 << 10

const (
	// writeChunk is how much is handed to the kernel at once, in bytes, and recordChunk
	// over TLS: one record (RFC 8446 section 5.1).
	writeChunk  = 64 << 10
	recordChunk = 16 << 10
	// atOnce is the longest body that is written before the answer is read, in bytes: an
	// idle socket takes so much without waiting. A longer one, and one of unknown length,
	// is written by a goroutine of its own.
	atOnce = 32 << 10
	// lastWrite is how long a writer may go on after the answer, before the connection is
	// given up: as long as net/http lets it (transport.go, maxWriteWaitBeforeConnReuse).
	lastWrite = 50 * time.Millisecond
)

// RoundTrip writes the request and reads the head of its answer, by a deadline on the
// clock. The body of the answer must be read to its end, or the connection closed,
// before it is used again. An error with Seen().Out 0 and a fate that is theirs means
// that the connection was dead before a byte was out. The request's body is closed.
//
// If the server ends the connection within a request, the rest goes nowhere, and is
// not missed: the answer may have come, as that of a server which declines an upload
// and closes. The reader alone brings the answer, or the end: the kernel keeps what it
// has received.
func (c *Conn) RoundTrip(req *http.Request, seq uint32, deadline time.Duration) (*http.Response, error) {
	c.begin(seq, hasBody(req))
	if err := c.tap.until(deadline); err != nil {
		c.note(err)
		closeBody(req)
		return nil, err
	}
	if err := c.request(req); err != nil {
		return nil, err
	}
	return c.answer(req)
}

// begin forgets the exchange before.
func (c *Conn) begin(seq uint32, body bool) {
	c.written.Store(0)
	c.head.Store(0)
	c.read.Store(0)
	c.sent.Store(0)
	c.first.Store(0)
	c.cut.Store(false)
	c.whole.Store(false)
	c.limit = MaxHead
	c.x.start(seq, body, c.tap.sent.Load())
}

// request writes the request. Of one with a long body it writes the beginning, and has
// the rest written while the answer is read: so whether a byte is out is known here.
func (c *Conn) request(req *http.Request) error {
	if err := sendable(req); err != nil {
		closeBody(req)
		return err
	}
	c.out.begin()
	if !hasBody(req) || req.ContentLength > 0 && req.ContentLength <= atOnce {
		return c.out.send(req)
	}
	started := make(chan struct{})
	c.out.started, c.writer = started, make(chan struct{})
	go c.inBackground(req)
	<-started
	if c.written.Load() == 0 {
		<-c.writer // it has failed
		return c.out.failed
	}
	return nil
}

// sendable refuses a header that Request.Write would leave out, or change, without a
// word.
func sendable(req *http.Request) error {
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("the header %q cannot be sent", name)
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return fmt.Errorf("the value %q of the header %s cannot be sent", value, name)
			}
		}
	}
	return nil
}

// inBackground writes a request while its answer is read. If it fails for a reason of
// ours, there is no answer to wait for.
func (c *Conn) inBackground(req *http.Request) {
	defer close(c.writer) // closed by the only goroutine that writes
	defer c.out.start()
	defer bug.Catch()
	c.out.failed = c.out.send(req)
	if c.out.failed != nil {
		c.cut.Store(true)
		_ = c.tap.giveUp() // its reader, too; its owner closes it
	}
}

// answer reads the head of the answer. Those of 1xx come before it (RFC 9110 section
// 15.2); but after 101 the connection carries no HTTP any more.
func (c *Conn) answer(req *http.Request) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(c.in, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 100 || resp.StatusCode > 199 || resp.StatusCode == http.StatusSwitchingProtocols {
			c.limit = math.MaxInt64 // bodies have no bound
			return resp, nil
		}
	}
}

// Reusable reports whether the connection may carry another exchange after a whole
// answer. It waits for a writer that is still at work, but not for long.
func (c *Conn) Reusable(req *http.Request, resp *http.Response) bool {
	if resp.Close || req.Close || resp.StatusCode < 200 || c.Fate() != Alive || c.cut.Load() || c.in.Buffered() > 0 {
		return false
	}
	return c.settled() && c.whole.Load()
}

// settled reports whether the writer has ended.
func (c *Conn) settled() bool {
	if c.writer == nil {
		return true
	}
	patience := time.NewTimer(lastWrite) // only uploads that were answered early come here
	defer patience.Stop()
	select {
	case <-c.writer:
		c.writer = nil
		return true
	case <-patience.C:
		return false
	}
}

// Farewell reports whether the server took leave of the connection right after a whole
// answer: nothing was outstanding when it did.
func (c *Conn) Farewell() bool { return c.in.Buffered() > 0 && !c.Surplus() }

// Surplus reports whether the server said more after a whole answer than that: what it
// declared as the answer's length is not what it sent. A 408 by which it takes leave of
// a connection is none (RFC 9110 section 15.5.9).
func (c *Conn) Surplus() bool {
	n := c.in.Buffered()
	if n == 0 {
		return false
	}
	rest, _ := c.in.Peek(n) // it is there
	return !isFarewell(rest)
}

// isFarewell reports whether the text begins as an answer of status 408.
func isFarewell(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte("HTTP/1."))
	return ok && len(rest) > 5 && string(rest[1:5]) == " 408" && rest[5] < '0'
}

// outgoing is what http.Request.Write writes to. It is a buffer, or net/http would make
// one for each request (it makes none for an io.ByteWriter). A request whose body is
// short goes out in one piece, as any client sends it.
type outgoing struct {
	c     *Conn
	buf   []byte
	total int64 // bytes so far, written or not
	head  int64 // how many of them are the head, 0: it goes on

	started chan struct{} // closed once the first write(2) has returned; nil: not waited for
	failed  error         // why it ended, once it has
}

// begin forgets the request before.
func (o *outgoing) begin() { o.buf, o.total, o.head, o.failed = o.buf[:0], 0, 0, nil }

// put hands a piece to the connection.
func (o *outgoing) put(p []byte) error {
	err := o.c.write(p)
	o.start()
	return err
}

// start tells the one that waits that the request has begun to go out, or never will.
func (o *outgoing) start() {
	if o.started != nil {
		close(o.started) // closed once, by the goroutine that writes
		o.started = nil
	}
}

// endOfHead ends a request's head. net/http writes an empty line by itself, and no
// field that it lets through contains one.
const endOfHead = "\r\n\r\n"

// Write takes p. Once the head is known, whole chunks are handed to the kernel: what of
// a piece is head must be known when it goes out. The last is left to flush.
func (o *outgoing) Write(p []byte) (int, error) {
	size, chunk := len(p), o.chunk()
	for o.head > 0 && len(o.buf)+len(p) > chunk {
		fill := min(max(0, chunk-len(o.buf)), len(p))
		piece := p[:fill] // not copied, if nothing lies before it
		if len(o.buf) > 0 {
			o.buf = append(o.buf, piece...)
			piece = o.buf
		}
		if err := o.put(piece); err != nil {
			return 0, err
		}
		p, o.buf = p[fill:], o.buf[:0]
	}
	o.buf = append(o.buf, p...)
	o.added(size)
	return size, nil
}

// WriteString is as Write.
func (o *outgoing) WriteString(s string) (int, error) {
	if o.head > 0 {
		return o.Write([]byte(s))
	}
	o.buf = append(o.buf, s...) // without making bytes of it: a head is all strings
	o.added(len(s))
	return len(s), nil
}

// WriteByte is as Write.
func (o *outgoing) WriteByte(b byte) error {
	_, err := o.Write([]byte{b})
	return err
}

func (o *outgoing) added(n int) {
	o.total += int64(n)
	if o.head == 0 && bytes.HasSuffix(o.buf, []byte(endOfHead)) {
		o.head = o.total
		o.c.head.Store(o.head)
	}
}

// send writes a request, and closes its body.
func (o *outgoing) send(req *http.Request) error {
	if err := req.Write(o); err != nil {
		return err
	}
	return o.flush()
}

func (o *outgoing) chunk() int {
	if o.c.stream == net.Conn(o.c.tap) {
		return writeChunk
	}
	return recordChunk
}

// flush writes what is left, and notes that all is out.
func (o *outgoing) flush() error {
	for rest, chunk := o.buf, o.chunk(); len(rest) > 0; {
		piece := rest[:min(chunk, len(rest))]
		if rest = rest[len(piece):]; len(rest) == 0 && !o.c.cut.Load() {
			o.c.whole.Store(true) // before the write, as all that it notes
		}
		if err := o.put(piece); err != nil {
			return err
		}
	}
	if o.buf = o.buf[:0]; o.c.whole.Load() {
		o.c.x.end.Store(o.c.tap.sent.Load())
	}
	return nil
}

// write counts what the kernel accepted. Time and bytes are noted before the
// system call and put right after it: by the time it returns, the answer may
// have been read and judged, and must not look like that of a request of which
// nothing was sent.
//
// Over TLS these are the bytes that were encrypted. A record of which the kernel
// took only a part counts as none of it (crypto/tls returns 0): the server cannot
// decrypt it, so it is not sent.
func (c *Conn) write(p []byte) error {
	if c.cut.Load() {
		return nil // the server has ended the connection, and the reader says how
	}
	now := int64(c.clock.Now())
	c.x.begun.CompareAndSwap(0, now)
	before := c.sent.Swap(now)
	c.written.Add(int64(len(p)))
	n, err := c.stream.Write(p)
	if err == nil {
		c.x.wrote(c.written.Load(), c.head.Load(), c.tap.sent.Load())
		return nil
	}
	left := c.written.Add(int64(n - len(p)))
	if n == 0 {
		c.sent.Store(before)
	}
	c.whole.Store(false)
	c.cut.Store(true)
	c.note(err)
	if left > 0 && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || c.kept.Load()) {
		return nil
	}
	return err
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // a RoundTripper must close it; what it says no longer matters
	}
}
