package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// tap is a TCP connection as the kernel sees it, beneath TLS: it counts what was
// sent since the connection began, which is what the kernel of the other side
// counts as received; and it keeps the deadline of the exchange.
type tap struct {
	net.Conn
	raw   syscall.RawConn // nil: the kernel cannot be asked about our end
	clock Clock
	sent  atomic.Int64

	due   atomic.Int64 // deadline of the exchange
	armed atomic.Int64 // the socket's deadline, 0 for none; never later than due

	peeking, asking func(uintptr) // bound once, so that no call allocates
	peeked          [1]byte
	peekErr         error
	state           uint8
}

func newTap(conn net.Conn, clock Clock) *tap {
	t := &tap{Conn: conn, clock: clock}
	if c, ok := conn.(syscall.Conn); ok {
		t.raw, _ = c.SyscallConn() // without one nothing is asked
	}
	t.peeking = func(fd uintptr) {
		_, _, t.peekErr = syscall.Recvfrom(int(fd), t.peeked[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}
	t.asking = func(fd uintptr) { t.state = tcpState(int(fd)) }
	return t
}

// until sets the deadline of an exchange. A socket's deadline costs a timer of the
// runtime. So it is set only where none is, and moved on when it strikes too early:
// once in so long as an exchange may take, not once an exchange.
func (t *tap) until(due time.Duration) error {
	t.due.Store(int64(due))
	if armed := time.Duration(t.armed.Load()); armed > t.clock.Now() && armed <= due {
		return nil
	}
	return t.arm()
}

func (t *tap) arm() error {
	due := t.due.Load()
	t.armed.Store(due)
	return t.Conn.SetDeadline(t.clock.Base.Add(time.Duration(due)))
}

// giveUp makes a read or write stop, now.
func (t *tap) giveUp() error {
	t.due.Store(1) // in the past
	return t.arm()
}

// early reports whether an error is the socket's deadline, and not yet that of the
// exchange; then a new one is set.
func (t *tap) early(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && t.clock.Now() < time.Duration(t.due.Load()) && t.arm() == nil
}

// Read reads until the exchange is overdue.
func (t *tap) Read(p []byte) (int, error) {
	for {
		n, err := t.Conn.Read(p)
		if n > 0 || err == nil || !t.early(err) {
			return n, err
		}
	}
}

// Write counts what the kernel took.
func (t *tap) Write(p []byte) (written int, err error) {
	for {
		n, err := t.Conn.Write(p[written:])
		t.sent.Add(int64(n))
		written += n
		if err == nil || !t.early(err) {
			return written, err
		}
	}
}

// ended says how an idle connection has ended, nil if it has not, without waiting.
// What lies there before a request is no answer to it: over TLS that is a closure
// alert, or what a server says that goes; its tickets came before the first answer.
func (t *tap) ended() error {
	if t.raw == nil { // a test's
		return nil
	}
	if err := t.raw.Control(t.peeking); err != nil { // not Read, which would wait
		return err
	}
	switch {
	case errors.Is(t.peekErr, syscall.EAGAIN), errors.Is(t.peekErr, syscall.EINTR):
		return nil
	case t.peekErr != nil:
		return os.NewSyscallError("recvfrom", t.peekErr)
	}
	return io.EOF
}

// tcp is the state of our end (tcp_states.h), 0 where it cannot be told.
func (t *tap) tcp() uint8 {
	if t.raw == nil {
		return 0
	}
	t.state = 0
	_ = t.raw.Control(t.asking) // it fails where the connection was closed here: then there is no state
	return t.state
}
