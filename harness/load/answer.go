package load

import (
	"errors"
	"io"
	"net/http"
	"syscall"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/wire"
)

// body is an answer's body that settles its request when it ends. It is read by
// one goroutine, the one that owns the record.
type body struct {
	io.ReadCloser
	transport *transport
	conn      *wire.Conn
	request   *http.Request
	answer    *http.Response
	record    *history.Request
	text      *excerpt // nil if no expression asks for it
	length    int64    // what has been read of it, in bytes
	settled   bool

	beginning [history.MaxExcerpt]byte // of the body: as much of it as length says, and fits
}

// Read reads on, and settles the request at the end of the body or at the
// error that cuts it off.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.length < int64(len(b.beginning)) {
		copy(b.beginning[b.length:], p[:n])
	}
	b.length += int64(n)
	if b.text != nil {
		b.text.add(p[:n])
	}
	if err != nil && !b.settled {
		err = b.settle(err)
	}
	return n, err
}

// Close settles a request whose body was not read to its end by reading the
// rest: without its end it is not known whether the answer was whole.
func (b *body) Close() error {
	if !b.settled {
		if _, err := io.Copy(io.Discard, b); err != nil {
			return err
		}
	}
	return b.ReadCloser.Close()
}

// settle ends the request, and returns what its reader is to be told: vegeta
// must take an answer for whole exactly if we do.
func (b *body) settle(err error) error {
	b.settled = true
	t, c, r := b.transport, b.conn, b.record
	seen, at := t.sighting(c, err), t.measure(c, r) // before the expression takes its time
	if b.record.Unframed && errors.Is(err, io.EOF) && seen.Fate == wire.Broken {
		err = syscall.ECONNRESET // what ended it: our write has met the RST, and left the reader an end-of-file
	}
	if errors.Is(err, io.EOF) || b.closed(err) {
		v := t.expect.judge(int(r.Status), b.text)
		if c.Surplus() {
			return t.refute(c, b.request, r, at, seen)
		}
		if !b.cut(v) {
			r.Length = b.length
			t.finishAnswer(c, b.request, b.answer, r, at, v)
			t.lines.add(r, b.beginning[:min(b.length, int64(len(b.beginning)))])
			return io.EOF
		}
		err = io.ErrUnexpectedEOF
	}
	r.Framing = history.UnknownFraming
	c.Close()
	t.finishLoss(c, b.request, r, at, seen)
	return err
}

// refute ends a request whose answer was whole by its own account, but more followed
// that belongs to nothing.
func (t *transport) refute(c *wire.Conn, req *http.Request, r *history.Request, at time.Duration, seen sighting) error {
	r.Framing, r.Unframed = history.UnknownFraming, false
	c.Close()
	seen.err = errSurplus
	t.finishLoss(c, req, r, at, seen)
	return errSurplus
}

var errSurplus = errors.New("more bytes came than the answer had announced")

// framing says how the end of an answer's body is told (RFC 9112 section 6.3).
func framing(req *http.Request, resp *http.Response) history.Framing {
	switch {
	case req.Method == http.MethodHead, resp.StatusCode < http.StatusOK,
		resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusNotModified:
		return history.Bodiless
	case len(resp.TransferEncoding) > 0:
		return history.Chunked
	case resp.ContentLength >= 0:
		return history.ByLength
	}
	return history.ByClose
}

// telling reports whether the expression tells the end of an answer that has
// none but its connection's. It must have seen all of it; and it describes
// answers of an expected status only.
func (b *body) telling() bool {
	return b.record.Unframed && b.text != nil && !b.text.more && b.transport.expect.Status.Has(int(b.record.Status))
}

// closed reports whether an error is the end of such an answer over TLS, where
// FIN came within a record. Without a closure alert RFC 9112 section 9.8 takes
// no such answer for complete; an expression knows better.
func (b *body) closed(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) && b.telling()
}

// cut reports whether the expression shows that such an answer was cut off, and
// notes if it shows that it was whole.
func (b *body) cut(v verdict) bool {
	if !b.telling() {
		return false
	}
	if v.outcome != history.Completed {
		return true
	}
	b.record.Unframed = false
	return false
}
