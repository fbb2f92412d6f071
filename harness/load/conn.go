package load

import (
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

const (
	alive    fate = iota
	finished      // FIN: the server closed its side
	broken        // RST, or EPIPE for a write after one
	overdue       // our deadline passed
	ours          // we closed it ourselves
)

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

	written atomic.Int64 // bytes the kernel accepted for the current request
	read    atomic.Int64 // bytes read for it
	sent    atomic.Int64 // clock just before its last write(2)
	first   atomic.Int64 // clock just after the read that brought its first byte
	fate    atomic.Uint32
	gone    atomic.Bool // Close was called
}

// begin forgets the previous request.
func (c *conn) begin() {
	c.written.Store(0)
	c.read.Store(0)
	c.sent.Store(0)
	c.first.Store(0)
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

// Write counts what the kernel accepted. The time is taken before the system
// call: once it returns, the answer may already have been read.
func (c *conn) Write(p []byte) (int, error) {
	c.sent.Store(int64(c.clock.now()))
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	if err != nil {
		c.note(err)
	}
	return n, err
}

// Close closes the connection and gives it back to its owner once.
func (c *conn) Close() error {
	if c.gone.Swap(true) {
		return nil
	}
	err := c.Conn.Close()
	c.closed(c)
	return err
}

// note keeps the first thing that went wrong; what follows is its echo.
func (c *conn) note(err error) {
	c.fate.CompareAndSwap(uint32(alive), uint32(fateOf(err)))
}

func fateOf(err error) fate {
	switch {
	case errors.Is(err, io.EOF):
		return finished
	case errors.Is(err, os.ErrDeadlineExceeded):
		return overdue
	case errors.Is(err, net.ErrClosed):
		return ours
	case errors.Is(err, syscall.ETIMEDOUT):
		return overdue // the kernel gave up retransmitting
	default:
		return broken // ECONNRESET, EPIPE, and what else ends a connection
	}
}
