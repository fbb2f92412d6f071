package load

import (
	"errors"
	"io"
	"net/http"

	"lastcall/harness/history"
)

// body is an answer's body that settles its request when it ends. It is read by
// one goroutine, the one that owns the record.
type body struct {
	io.ReadCloser
	transport *transport
	conn      *conn
	request   *http.Request
	record    *history.Request
	text      *excerpt // nil if no expression asks for it
	settled   bool
}

// Read reads on, and settles the request at the end of the body or at the
// error that cuts it off.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.text != nil {
		b.text.add(p[:n])
	}
	if err != nil && !b.settled {
		err = b.settle(err)
	}
	return n, err
}

// Close settles a request whose body was not read to its end by reading the
// rest: without its end nobody knows whether the answer was whole.
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
	seen, at := t.sighting(c, err), t.measure(c, b.request, r) // before the expression takes its time
	if errors.Is(err, io.EOF) || b.closed(err) {
		v := t.expect.judge(int(r.Status), b.text)
		if !b.cut(v) {
			t.finishAnswer(c, r, at, v)
			return io.EOF
		}
		err = io.ErrUnexpectedEOF
	}
	c.client.Close()
	t.finishLoss(b.request, r, at, seen)
	return err
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
