package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"lastcall/harness/process"
)

// ending is how a connection ended, as this side saw it.
type ending uint8

const (
	open    ending = iota // it did not, as far as we know
	fin                   // the server closed it
	reset                 // RST, or a write to what was closed
	timeout               // our patience ended
	other                 // some other error
)

var endingNames = [...]string{"still open", "closed (FIN)", "reset (RST)", "still waiting", "broken"}

// String says how it ended in a few words.
func (e ending) String() string { return endingNames[e] }

func endingOf(err error) ending {
	timedOut, isNet := errors.AsType[net.Error](err)
	switch {
	case err == nil:
		return open
	case errors.Is(err, io.EOF):
		return fin
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return reset
	case isNet && timedOut.Timeout():
		return timeout
	}
	return other
}

// conn is a raw connection to the server. It is used by one goroutine at a time.
type conn struct {
	tcp    *net.TCPConn
	in     *bufio.Reader
	client netip.AddrPort
	server netip.AddrPort

	wrote time.Time // the last write
	last  ending    // how it ended, if it did
	got   int64     // bytes that were read of it
}

// dialWait bounds a connect: on loopback it takes microseconds, or the accept
// queue is full.
const dialWait = 500 * time.Millisecond

// dial connects. receive bounds the receive buffer, in bytes, if it is not 0: so
// a server that writes much has to wait for the reader.
func dial(ctx context.Context, address string, receive int) (*conn, error) {
	d := net.Dialer{Timeout: dialWait}
	if receive > 0 {
		d.Control = func(_, _ string, raw syscall.RawConn) error {
			var err error
			if e := raw.Control(func(fd uintptr) {
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, receive)
			}); e != nil {
				return e
			}
			return err
		}
	}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("%s is reached by no TCP connection", address)
	}
	made := &conn{tcp: tcp, client: addrPort(tcp.LocalAddr()), server: addrPort(tcp.RemoteAddr())}
	made.in = bufio.NewReader(made)
	return made, nil
}

func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// Read reads from the socket and remembers how it ended.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.tcp.Read(p)
	c.got += int64(n)
	switch {
	case err != nil:
		c.last = endingOf(err)
	case c.last == timeout: // it was only us who had no patience
		c.last = open
	}
	return n, err
}

// write sends text.
func (c *conn) write(text string) error {
	_ = c.tcp.SetWriteDeadline(time.Now().Add(settle)) // a dead connection says so at the write
	_, err := io.WriteString(c.tcp, text)
	c.wrote = time.Now()
	if err != nil {
		c.last = endingOf(err)
	}
	return err
}

// halfClose says that no more comes from us (FIN).
func (c *conn) halfClose() error { return c.tcp.CloseWrite() }

// abort resets the connection.
func (c *conn) abort() {
	_ = c.tcp.SetLinger(0) // what is closed now is reset
	c.tcp.Close()
}

func (c *conn) close() { c.tcp.Close() }

// hungUp looks, without waiting, whether the server has closed the connection or
// sent bytes without a request. What it has sent stays to be read.
func (c *conn) hungUp() bool {
	if c.last != open && c.last != timeout {
		return true
	}
	_ = c.tcp.SetReadDeadline(time.Now().Add(time.Millisecond)) // one in the past would not read at all
	_, err := c.in.Peek(1)
	return err == nil || endingOf(err) != timeout
}

// peer returns the server's end of it.
func (c *conn) peer() (process.Peer, error) { return process.FindPeer(c.server, c.client) }

// arrived returns nil if every byte that was written was acknowledged.
func (c *conn) arrived() error {
	n, err := process.Unacknowledged(c.tcp)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d bytes are not acknowledged", n)
	}
	return err
}

// taken returns nil if the server has accepted the connection and read all that
// was written to it.
func (c *conn) taken() error {
	if err := c.arrived(); err != nil {
		return err
	}
	peer, err := c.peer()
	switch {
	case err != nil:
		return err
	case peer.Closed:
		return errors.New("the server has closed it")
	case !peer.Accepted:
		return errors.New("it waits in the accept queue")
	case peer.Unread > 0:
		return fmt.Errorf("the server has not read %d bytes", peer.Unread)
	}
	return nil
}
