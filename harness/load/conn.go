package load

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// fate is how a connection ended, as far as the connection itself has seen.
type fate uint32

// The fates, in the order of what they prove: see note.
const (
	alive    fate = iota
	piped         // EPIPE: what our write met after a FIN or RST
	finished      // FIN, or a closure alert of TLS: the server closed its side
	broken        // RST, without a FIN before it; or a fatal alert of TLS
	garbled       // what came is no TLS, or not what was sent
	overdue       // our deadline passed
	ours          // we closed it ourselves
)

// theirs reports whether the server ended the connection.
func (f fate) theirs() bool { return f == piped || f == finished || f == broken || f == garbled }

// endOfHead ends a request's head. net/http writes a head in one piece, unless
// it is longer than its buffer of 4 KiB; one that is split just there is not
// found, and its request counts as not fully written.
var endOfHead = []byte("\r\n\r\n")

// conn is a network connection that notes what passes. net/http hides what it
// saw behind its own errors; this does not. At most one request uses it at a
// time, but its reader and its writer are two goroutines of net/http, and both
// can be at work when an answer comes before its request is fully written: all
// that they touch is atomic.
type conn struct {
	net.Conn
	clock     clock
	client    *http.ClientConn
	number    uint32
	port      uint16
	connected time.Duration
	served    bool // has answered before; touched only by whoever holds the connection
	closed    func(*conn)

	written atomic.Int64 // bytes handed to the kernel for the current request
	head    atomic.Int64 // how many of them were its head, 0 until it is out
	read    atomic.Int64 // bytes read for it
	sent    atomic.Int64 // clock just before its last write(2)
	first   atomic.Int64 // clock just after the read that brought its first byte
	cut     atomic.Bool  // a write of it failed, in part or altogether
	fate    atomic.Uint32
	gone    atomic.Bool // Close was called
}

// begin forgets the previous request.
func (c *conn) begin() {
	c.written.Store(0)
	c.head.Store(0)
	c.read.Store(0)
	c.sent.Store(0)
	c.first.Store(0)
	c.cut.Store(false)
}

// Read counts bytes and notes the first of an answer, FIN and RST.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		if c.first.Load() == 0 {
			c.first.Store(int64(c.clock.now()))
		}
		c.read.Add(int64(n))
	}
	if err != nil {
		c.note(err)
	}
	return n, err
}

// What is handed to the kernel at once, in bytes, is at most writeChunk, and
// over TLS one record (RFC 8446 section 5.1). A body that lies in memory comes in
// one piece: in smaller ones, each with its own time, the time of the last is
// that of the end of the request.
const (
	writeChunk  = 64 << 10
	recordChunk = 16 << 10
)

// Write hands p to the kernel, in pieces.
func (c *conn) Write(p []byte) (n int, err error) {
	chunk := writeChunk
	if c.secured() != nil {
		chunk = recordChunk
	}
	for {
		piece := p[n:min(n+chunk, len(p))]
		m, err := c.write(piece)
		n += m
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// write counts what the kernel accepted. Time and bytes are noted before the
// system call and put right after it: by the time it returns, the answer may
// have been read and judged, and must not look like that of a request of which
// nothing was sent.
//
// Over TLS these are the bytes that were encrypted. A record of which the kernel
// took only a part counts as none of it (crypto/tls returns 0): the server cannot
// decrypt it, so it is not sent.
func (c *conn) write(p []byte) (int, error) {
	before := c.sent.Swap(int64(c.clock.now()))
	already := c.written.Add(int64(len(p))) - int64(len(p))
	if c.head.Load() == 0 {
		if end := bytes.Index(p, endOfHead); end >= 0 {
			c.head.Store(already + int64(end+len(endOfHead)))
		}
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		c.written.Add(int64(n - len(p)))
		if n == 0 {
			c.sent.Store(before)
		}
		c.cut.Store(true)
		c.note(err)
	}
	return n, err
}

// secured returns the TLS connection beneath, nil if it is plain.
func (c *conn) secured() *tls.Conn {
	secured, _ := c.Conn.(*tls.Conn)
	return secured
}

// Close closes the connection and gives it back to its owner once. Over TLS it
// takes leave with a closure alert; but not where something went wrong: half a
// record may be out, or nobody be reading, and crypto/tls tries for five seconds.
func (c *conn) Close() error {
	if c.gone.Swap(true) {
		return nil
	}
	if secured := c.secured(); secured != nil && fate(c.fate.Load()) != alive {
		_ = secured.NetConn().Close() // what it says no longer matters
	}
	err := c.Conn.Close()
	c.closed(c)
	return err
}

// note keeps what the connection's end was. Our reader and our writer both learn
// of it, in any order: the kernel gives the error of an RST to whoever asks
// first, and end-of-file or EPIPE to the other. An RST after a FIN is EPIPE for
// both (Linux, tcp_reset), so ECONNRESET proves that no FIN came before, and
// FIN proves more than EPIPE. Once our own deadline or close has ended the
// connection, or TLS has given it up, all else is its echo.
func (c *conn) note(err error) {
	seen := fateOf(err)
	for {
		known := fate(c.fate.Load())
		if known > broken || known != alive && (seen <= known || seen > broken) {
			return
		}
		if c.fate.CompareAndSwap(uint32(known), uint32(seen)) {
			return
		}
	}
}

// fateOf says what an error means. crypto/tls gives io.EOF for a closure alert,
// and for FIN where it falls between two records; within one, FIN is
// io.ErrUnexpectedEOF. All of them end an answer in the same way: one that has
// come by its Content-Length or to its last chunk is complete without a closure
// alert (RFC 9112 section 9.8).
func fateOf(err error) fate {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return finished
	case errors.Is(err, os.ErrDeadlineExceeded):
		return overdue
	case errors.Is(err, net.ErrClosed):
		return ours
	case errors.Is(err, syscall.ETIMEDOUT):
		return overdue // the kernel gave up retransmitting
	case errors.Is(err, syscall.EPIPE):
		return piped
	case isGarbled(err):
		return garbled
	default:
		return broken // ECONNRESET, a fatal alert, and what else ends a connection
	}
}

// isGarbled reports whether our side of TLS could make nothing of what came. Then
// it sends an alert and gives that as its own error (crypto/tls, sendAlertLocked).
func isGarbled(err error) bool {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "local error"
}
