package sweep

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/load"
)

// wrote notes how much of the request the kernel has taken. A connection that is
// found dead before it took a byte has lost nothing.
func (s *shot) wrote(n int, err error, at time.Duration) {
	r := &s.record
	s.written, r.BytesOut, r.Written = at, int64(n), n == len(s.request)
	if n == 0 && err != nil {
		r.Outcome, r.Reason, r.Stale, r.End = history.Refused, history.DeadConnections, 1, at
	}
}

// notConnected notes that no connection could be had.
func (s *shot) notConnected(err error, at time.Duration) {
	r := &s.record
	s.written, r.Outcome, r.End = at, history.Refused, at
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EADDRINUSE):
		r.Outcome, r.Reason = history.Unsent, history.OutOfPorts
	case errors.Is(err, syscall.ECONNREFUSED):
		r.Reason = history.ConnectionRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		r.Reason = history.ConnectionReset
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.Reason = history.DialTimeout
	default:
		r.Reason = history.Unreachable
	}
}

// finish waits for what becomes of a shot, until the deadline.
func (s *shot) finish(now func() time.Duration, deadline time.Time) {
	r := &s.record
	var err error
	if s.conn, err = s.socket.conn(); err != nil {
		if r.Outcome == history.Pending {
			r.Outcome, r.Reason, r.End = history.Unsent, history.OutOfDescriptors, now()
		}
		return
	}
	defer func() { s.conn.Close() }() // of the one that there is then
	if local, ok := s.conn.LocalAddr().(*net.TCPAddr); ok {
		r.Port = uint16(local.Port)
	}
	if r.Outcome != history.Pending {
		return
	}
	_ = s.conn.SetDeadline(deadline) // of a connection that is open: it cannot fail
	s.deadline = deadline
	if r.Sent == 0 { // still connecting as the volley ended
		at := now()
		n, err := s.conn.Write(s.request)
		if n == 0 && err != nil {
			s.notConnected(err, now())
			return
		}
		r.Sent = at
		s.wrote(n, err, now())
	}
	if !r.Written { // it was more than the kernel would take at once
		n, err := s.conn.Write(s.request[r.BytesOut:])
		s.wrote(int(r.BytesOut)+n, err, now())
	}
	s.read()
	r.End = now()
}

// read reads the answer to its end.
func (s *shot) read() {
	r := &s.record
	in := &counting{r: s}
	resp, err := http.ReadResponse(bufio.NewReader(in), &http.Request{Method: s.method})
	if err == nil {
		r.Status, r.Closes = uint16(resp.StatusCode), resp.Close
		// Only its connection's end tells where such an answer ends: whole and cut
		// look the same.
		r.Unframed = resp.ContentLength < 0 && len(resp.TransferEncoding) == 0
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	r.BytesIn = in.n
	if err == nil {
		r.Outcome = load.Expect{}.Outcome(int(r.Status))
		return
	}
	r.Outcome, r.Cause = history.Dropped, in.cause()
}

// Read reads from the connection. The stamp of bytes that waited for the peer's window can
// come after stampNoMore. The poller takes it for an error of the connection, and does not
// wait on that again: then the stamp is taken out, and the poller is given the connection
// as a new one.
func (s *shot) Read(p []byte) (int, error) {
	for {
		n, err := s.conn.Read(p)
		if n > 0 || err == nil {
			return n, err
		}
		socket, failed := takeSocket(s.conn)
		if failed != nil {
			return 0, err
		}
		late := socket.stampedLate()
		conn, failed := socket.conn()
		if failed != nil {
			return 0, err
		}
		_ = conn.SetDeadline(s.deadline)
		if s.conn = conn; !late {
			return 0, err
		}
	}
}

// counting reads from a connection, and remembers how that ended.
type counting struct {
	r   io.Reader
	n   int64
	err error
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil {
		c.err = err
	}
	return n, err
}

// cause says why there was no whole answer. What the connection saw comes before
// what HTTP made of it.
func (c *counting) cause() history.Cause {
	switch {
	case errors.Is(c.err, os.ErrDeadlineExceeded):
		return history.Hung
	case c.err == nil:
		return history.Corrupt // it is still open: what came is no answer
	case c.n > 0:
		return history.Truncated
	case errors.Is(c.err, syscall.ECONNRESET), errors.Is(c.err, syscall.EPIPE):
		return history.Reset
	}
	return history.Closed
}
