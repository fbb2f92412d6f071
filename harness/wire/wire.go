// Package wire speaks HTTP/1.1 as a client, and notes what becomes of each byte.
//
// A Conn carries one exchange at a time, in the goroutine of its caller: the request is
// written, and then the answer is read. Nothing is sent twice, no answer is thrown away,
// and no other goroutine reads in between:
//
//	http.Request.Write ──> outgoing ──┐                ┌──> bufio ──> http.ReadResponse
//	                                  Conn: times, bytes, fate
//	                                  TLS, or nothing
//	                                  tap: bytes for the kernel, deadline, state
//
// A second goroutine writes only what the socket does not take at once, as a large body.
// It has ended before the connection is used again. Messages are those of net/http; its
// connection management, which hides what a connection saw, has no part in it.
package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Clock reads the one monotonic clock of a shutdown.
type Clock struct{ Base time.Time }

// Now is the time since the base.
func (c Clock) Now() time.Duration { return time.Since(c.Base) }

// Fate is how a connection ended, as far as the connection itself has seen.
type Fate uint32

// The fates, in the order of what they prove: see note.
const (
	Alive    Fate = iota
	Piped         // EPIPE: what our write met after a FIN or RST
	Finished      // FIN, or a closure alert of TLS: the server closed its side
	Broken        // RST, without a FIN before it; or a fatal alert of TLS
	Garbled       // what came is no TLS, or not what was sent
	Overdue       // our deadline passed
	Ours          // we closed it ourselves
)

// Theirs reports whether the server ended the connection.
func (f Fate) Theirs() bool { return f == Piped || f == Finished || f == Broken || f == Garbled }

// fateOf says what an error means. crypto/tls gives io.EOF for a closure alert,
// and for FIN where it falls between two records; within one, FIN is
// io.ErrUnexpectedEOF. All of them end an answer in the same way: one that has
// come by its Content-Length or to its last chunk is complete without a closure
// alert (RFC 9112 section 9.8).
func fateOf(err error) Fate {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Finished
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Overdue
	case errors.Is(err, net.ErrClosed):
		return Ours
	case errors.Is(err, syscall.ETIMEDOUT):
		return Overdue // the kernel gave up retransmitting
	case errors.Is(err, syscall.EPIPE):
		return Piped
	case isGarbled(err):
		return Garbled
	default:
		return Broken // ECONNRESET, a fatal alert, and what else ends a connection
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
