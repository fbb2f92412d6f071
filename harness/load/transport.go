package load

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/harness/wire"
	"lastcall/internal/bug"
)

// maxAttempts is how many connections a request may find dead, before a byte of
// it was written, until it counts as refused.
const maxAttempts = 3

// seqHeader is where vegeta puts a request's sequence number.
const seqHeader = "X-Vegeta-Seq"

var errNoSequence = errors.New("request without a sequence number: it does not come from the attack")

// transport is a wire-true http.RoundTripper: every request travels once, on
// one connection, and its record says what that connection saw. It never
// replays a request of which a byte was written; http.Transport does, silently,
// which is why no load generator that is built on it sees what a stopping
// server loses.
type transport struct {
	pool      *pool
	clock     wire.Clock
	records   *slab
	lanes     scenario.Connections
	targets   int     // how many are sent in turn
	forms     []*form // those of them that hold IDMark, nil if none does
	timeout   time.Duration
	prefix    string // of the ids
	expect    Expect
	watch     func(*history.Request) // nil: there is no watcher
	lines     lines
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
	defer bug.Catch() // in a goroutine of vegeta's

	seq, err := strconv.ParseUint(req.Header.Get(seqHeader), 10, 32)
	if err != nil {
		closeBody(req)
		return nil, errNoSequence
	}
	r := t.records.at(uint32(seq))
	r.Started = t.clock.Now()
	r.Target, r.Idempotent = targetOf(req), idempotent(req.Method)
	r.Pooled = pooled(t.lanes, seq, uint64(t.targets))
	t.begun.Add(1)
	t.open.Add(1)
	if t.watch != nil {
		t.watch(r)
	}
	return t.attempt(t.withID(req, uint32(seq)), r)
}

// pooled reports whether a request travels on kept-alive connections. Mixed, one
// in two does. An even number of targets would have each of them in one lane for
// ever: then every round begins in the other.
func pooled(lanes scenario.Connections, seq, targets uint64) bool {
	if targets > 0 && targets%2 == 0 {
		seq += seq / targets
	}
	return lanes == scenario.Reused || lanes == scenario.Mixed && seq%2 == 0
}

// attempt tries connections until one takes the request's first byte.
func (t *transport) attempt(req *http.Request, r *history.Request) (*http.Response, error) {
	for {
		c, err := t.take(r)
		if err != nil {
			closeBody(req)
			t.finish(r, t.clock.Now(), classifyDial(err, t.cancelled.Load()))
			return nil, err
		}
		r.Attempts++
		resp, err := t.send(c, req, r)
		if err == nil {
			return resp, nil
		}
		seen := t.sighting(c, err)
		c.Close()
		dead := seen.Out == 0 && (seen.Fate.Theirs() || seen.Fate == wire.Ours) && !seen.cancelled
		if dead {
			r.Stale = saturate(r.Stale, 1)
		}
		if !dead || r.Attempts == maxAttempts || !rewind(req) {
			t.finishLoss(c, req, r, t.measure(c, r), seen)
			return nil, err
		}
		c.LetGo()
	}
}

// take returns a connection for the request, idle or new.
func (t *transport) take(r *history.Request) (*wire.Conn, error) {
	if r.Pooled {
		c, stale := t.pool.reuse()
		r.Stale = saturate(r.Stale, stale)
		if c != nil {
			return c, nil
		}
	}
	return t.pool.dial(r.Started + t.timeout)
}

// send sends the request on a connection that this caller alone holds.
func (t *transport) send(c *wire.Conn, req *http.Request, r *history.Request) (*http.Response, error) {
	r.Conn, r.Port, r.Connected, r.Reused = c.Number, c.Port(), c.Connected, c.Served
	resp, err := c.RoundTrip(req, r.Seq, r.Started+t.timeout)
	if err != nil {
		return nil, err
	}
	r.Status = uint16(resp.StatusCode)
	// net/http removes the header and sets Close, which it also does for an
	// answer without a length: that is Unframed, and no shutdown in which one
	// was exposed is judged.
	r.Closes = resp.Close
	r.Framing = framing(req, resp)
	resp.Header.Del("Location") // never followed; http.Client would stumble over a bad one
	text := t.expect.excerpt(req, resp)
	if resp.Body == http.NoBody {
		seen, at := t.sighting(c, nil), t.measure(c, r)
		if c.Surplus() {
			return nil, t.refute(c, req, r, at, seen)
		}
		t.finishAnswer(c, req, resp, r, at, t.expect.judge(resp.StatusCode, text))
		return resp, nil
	}
	r.Unframed = r.Framing == history.ByClose
	resp.Body = &body{ReadCloser: resp.Body, transport: t, conn: c, request: req, answer: resp, record: r, text: text}
	return resp, nil
}

// finishAnswer ends a request that got a whole answer. It must have been
// measured before the connection is given back: from then on the numbers belong
// to the next.
func (t *transport) finishAnswer(c *wire.Conn, req *http.Request, resp *http.Response, r *history.Request, at time.Duration, v verdict) {
	if c.Farewell() {
		t.pool.over(c, at)
	}
	c.Served = true
	stays := c.Reusable(req, resp)
	switch {
	case stays && r.Pooled:
		t.pool.put(c)
	case stays && t.lanes == scenario.Fresh && t.pool.keep(c):
	default:
		c.Close()
		c.LetGo()
	}
	t.finish(r, at, v)
}

func (t *transport) finishLoss(c *wire.Conn, req *http.Request, r *history.Request, at time.Duration, seen sighting) {
	v := classifyLoss(seen)
	r.Outcome, r.Cause, r.State = v.outcome, v.cause, seen.State
	r.Masked = masked(req, r)
	t.finish(r, at, v)
	if c.Kept() {
		t.pool.lingers.add(c, r) // after finish: the record is its own now
	}
}

// finish sets the outcome and when it was certain, and tells a Pacer that waits
// for room.
func (t *transport) finish(r *history.Request, at time.Duration, v verdict) {
	r.End = at
	r.Outcome, r.Cause, r.Reason = v.outcome, v.cause, v.reason
	if t.watch != nil {
		t.watch(r)
	}
	t.open.Add(-1)
	if t.waiting.Load() {
		select {
		case t.room <- struct{}{}:
		default: // it has been told already
		}
	}
}

// measure copies what the connection saw of the request, and returns when: no
// number is later.
func (t *transport) measure(c *wire.Conn, r *history.Request) time.Duration {
	seen := c.Seen()
	r.Written, r.BytesOut, r.BytesIn = seen.Whole, seen.Out, seen.In
	r.Begun, r.Sent, r.FirstByte = seen.Begun, seen.Sent, seen.FirstByte
	c.Over()
	return t.clock.Now()
}

func (t *transport) sighting(c *wire.Conn, err error) sighting {
	return sighting{Seen: c.Seen(), err: err, cancelled: t.cancelled.Load()}
}

func saturate(n uint8, more int) uint8 { return uint8(min(int(n)+more, 255)) }

// String describes the transport for debugging.
func (t *transport) String() string {
	return fmt.Sprintf("wire-true transport to %s, %d open", t.pool.address, t.open.Load())
}
