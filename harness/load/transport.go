package load

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
)

// maxAttempts is how many connections a request may find dead, before a byte of
// it was written, until it counts as refused.
const maxAttempts = 3

// seqHeader is where vegeta puts a request's sequence number.
const seqHeader = "X-Vegeta-Seq"

var errNoSequence = errors.New("request without a sequence number: it does not come from the attack")

// clock reads the one monotonic clock of a shutdown.
type clock struct{ base time.Time }

func (c clock) now() time.Duration { return time.Since(c.base) }

// transport is a wire-true http.RoundTripper: every request travels once, on
// one connection, and its record says what that connection saw. It never
// replays a request of which a byte was written; http.Transport does, silently,
// which is why no load generator that is built on it sees what a stopping
// server loses.
type transport struct {
	pool      *pool
	clock     clock
	records   *slab
	lanes     history.Connections
	timeout   time.Duration
	prefix    string // of the ids
	cancelled atomic.Bool

	begun   atomic.Int64  // requests that have begun
	open    atomic.Int64  // requests that have begun and not ended
	waiting atomic.Bool   // the Pacer waits for a request to end
	room    chan struct{} // told when one ended while the Pacer waited
}

var _ http.RoundTripper = (*transport)(nil)

// RoundTrip sends the request and records its fate. For a request with an
// answer the record is finished when the answer's body has been read to its
// end or closed.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	seq, err := strconv.ParseUint(req.Header.Get(seqHeader), 10, 32)
	if err != nil {
		closeBody(req)
		return nil, errNoSequence
	}
	r := t.records.at(uint32(seq))
	r.Started = t.clock.now()
	r.Idempotent = idempotent(req.Method)
	r.Pooled = t.lanes == history.Reused || t.lanes == history.Mixed && seq%2 == 0
	t.begun.Add(1)
	t.open.Add(1)
	return t.attempt(t.withID(req, uint32(seq)), r)
}

// attempt tries connections until one takes the request's first byte.
func (t *transport) attempt(req *http.Request, r *history.Request) (*http.Response, error) {
	for {
		c, err := t.take(r)
		if err != nil {
			closeBody(req)
			t.finish(r, classifyDial(err, t.cancelled.Load()))
			return nil, err
		}
		r.Attempts++
		resp, err := t.send(c, req, r)
		if err == nil {
			return resp, nil
		}
		seen := t.sighting(c, err)
		c.client.Close()
		dead := seen.written == 0 && (seen.fate.theirs() || seen.fate == ours) && !seen.cancelled
		if dead {
			r.Stale = saturate(r.Stale, 1)
		}
		if !dead || r.Attempts == maxAttempts || !rewind(req) {
			closeBody(req) // net/http has not, if it did not come to writing
			t.copyBytes(c, r)
			t.finishLoss(c, req, r, seen)
			return nil, err
		}
	}
}

// take returns a connection for the request, idle or new.
func (t *transport) take(r *history.Request) (*conn, error) {
	if r.Pooled {
		c, stale := t.pool.reuse()
		r.Stale = saturate(r.Stale, stale)
		if c != nil {
			return c, nil
		}
	}
	return t.pool.dial(r.Started + t.timeout)
}

// send sends the request on a connection that nobody else holds.
func (t *transport) send(c *conn, req *http.Request, r *history.Request) (*http.Response, error) {
	c.begin()
	r.Conn, r.Port, r.Connected, r.Reused = c.number, c.port, c.connected, c.served
	// The deadline sits on the connection. One in http.Client.Timeout or in a
	// context would cost goroutines and timers for every request.
	if err := c.SetDeadline(t.clock.base.Add(r.Started + t.timeout)); err != nil {
		c.note(err)
		c.client.Release()
		return nil, err
	}
	resp, err := c.client.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	r.Status = uint16(resp.StatusCode)
	// net/http removes the header and sets Close, which it also does for an
	// answer without a length: that is Unframed, and no shutdown in which one
	// was exposed is judged.
	r.Closes = resp.Close
	resp.Header.Del("Location") // never followed; http.Client would stumble over a bad one
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// The connection is no longer HTTP and its "body" would never end.
		_ = resp.Body.Close()
		resp.Body = http.NoBody
	}
	if resp.Body == http.NoBody {
		t.finishAnswer(c, req, r)
		return resp, nil
	}
	r.Unframed = resp.ContentLength < 0 && len(resp.TransferEncoding) == 0
	resp.Body = &body{ReadCloser: resp.Body, transport: t, conn: c, request: req, record: r}
	return resp, nil
}

// body is an answer's body that settles its request when it ends. It is read by
// one goroutine, the one that owns the record.
type body struct {
	io.ReadCloser
	transport *transport
	conn      *conn
	request   *http.Request
	record    *history.Request
	settled   bool
}

// Read reads on, and settles the request at the end of the body or at the
// error that cuts it off.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !b.settled {
		b.settle(err)
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

func (b *body) settle(err error) {
	b.settled = true
	if errors.Is(err, io.EOF) {
		b.transport.finishAnswer(b.conn, b.request, b.record)
		return
	}
	t, c, r := b.transport, b.conn, b.record
	seen := t.sighting(c, err)
	t.copyBytes(c, r)
	c.client.Close()
	t.finishLoss(c, b.request, r, seen)
}

// finishAnswer ends a request that got a whole answer. Its numbers are copied
// before the connection is given back: from then on they belong to the next.
func (t *transport) finishAnswer(c *conn, req *http.Request, r *history.Request) {
	t.copyBytes(c, r)
	r.Written = fullyWritten(c, req) // an answer can come before all of the request is out
	c.served = true
	if r.Pooled && c.client.Available() > 0 && c.SetDeadline(time.Time{}) == nil {
		t.pool.put(c)
	} else {
		c.client.Close()
	}
	t.finish(r, verdict{outcome: classifyAnswer(int(r.Status))})
}

func (t *transport) finishLoss(c *conn, req *http.Request, r *history.Request, seen sighting) {
	v := classifyLoss(seen)
	r.Written = fullyWritten(c, req)
	r.Outcome, r.Cause = v.outcome, v.cause
	r.Masked = masked(req, r)
	t.finish(r, v)
}

// finish sets the outcome and tells a Pacer that waits for room.
func (t *transport) finish(r *history.Request, v verdict) {
	r.End = t.clock.now()
	r.Outcome, r.Cause, r.Reason = v.outcome, v.cause, v.reason
	t.open.Add(-1)
	if t.waiting.Load() {
		select {
		case t.room <- struct{}{}:
		default: // it has been told already
		}
	}
}

func (t *transport) copyBytes(c *conn, r *history.Request) {
	r.BytesOut, r.BytesIn = c.written.Load(), c.read.Load()
	r.Sent, r.FirstByte = time.Duration(c.sent.Load()), time.Duration(c.first.Load())
}

func (t *transport) sighting(c *conn, err error) sighting {
	return sighting{
		err: err, fate: fate(c.fate.Load()),
		written: c.written.Load(), read: c.read.Load(), cancelled: t.cancelled.Load(),
	}
}

// withID returns a copy of the request that carries its ledger id, and a body
// that knows whether it was read to its end. A RoundTripper must not change
// the request it was given.
func (t *transport) withID(req *http.Request, seq uint32) *http.Request {
	clone := req.WithContext(req.Context())
	clone.Header = make(http.Header, len(req.Header)+1)
	for k, v := range req.Header {
		clone.Header[k] = v
	}
	clone.Header[ledger.HeaderID] = []string{t.prefix + strconv.FormatUint(uint64(seq), 10)}
	if hasBody(clone) && !knownLength(clone) {
		clone.Body = &upload{ReadCloser: clone.Body}
	}
	return clone
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// knownLength reports whether the request's body has a known length. It is then
// left as it is: net/http sends a small one that lies in memory in one piece
// with its head, as any client does, but only if it can see that it does.
func knownLength(req *http.Request) bool { return req.ContentLength > 0 }

// upload is a body of unknown length that notes its end. net/http's writer reads
// it while the answer may already be coming.
type upload struct {
	io.ReadCloser
	ended atomic.Bool
}

// Read reads on and notes the end.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		u.ended.Store(true)
	}
	return n, err
}

// fullyWritten reports whether all of the request went out: its head, its body
// if it has one, and no write failed.
func fullyWritten(c *conn, req *http.Request) bool {
	head, written := c.head.Load(), c.written.Load()
	switch {
	case head == 0 || c.cut.Load():
		return false
	case !hasBody(req):
		return true
	case knownLength(req):
		return written-head >= req.ContentLength
	}
	u, ok := req.Body.(*upload)
	return ok && u.ended.Load()
}

// rewind gives the request its body again, for another connection. It reports
// false if that cannot be done.
func rewind(req *http.Request) bool {
	if !hasBody(req) {
		return true
	}
	if req.GetBody == nil {
		return false
	}
	again, err := req.GetBody()
	if err != nil {
		return false
	}
	closeBody(req)
	req.Body = again
	if !knownLength(req) {
		req.Body = &upload{ReadCloser: again}
	}
	return true
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // a RoundTripper must close it; what it says no longer matters
	}
}

func saturate(n uint8, more int) uint8 { return uint8(min(int(n)+more, 255)) }

// String describes the transport for debugging.
func (t *transport) String() string {
	return fmt.Sprintf("wire-true transport to %s, %d open", t.pool.address, t.open.Load())
}
