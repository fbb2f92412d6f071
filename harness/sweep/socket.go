package sweep

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// socket is a connection until everything was sent. It is our own, and not the net
// package's, for two reasons. That parks a goroutine while the kernel connects, and on
// loopback the kernel has connected by the time at which connect(2) returns: to wait for
// the poller would cost many times what is measured here. And the poller's thread would
// be woken by whatever befalls the connection, an answer or a stamp, and take a processor
// from the server.
type socket struct {
	fd   int
	peer unix.Sockaddr // reused: nil, it is connected
}

// takeSocket takes a connection away from the net package.
func takeSocket(conn *net.TCPConn) (*socket, error) {
	defer conn.Close() // our descriptor keeps the connection open
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("take a connection: %w", err)
	}
	s := &socket{fd: -1}
	failed := raw.Control(func(fd uintptr) { s.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(failed, err); err != nil {
		return nil, fmt.Errorf("take a connection: %w", err)
	}
	return s, nil
}

// openSocket prepares a socket that never blocks.
func openSocket(address string) (*socket, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	s, family := &socket{}, unix.AF_INET
	if ip := to.Addr().Unmap(); ip.Is4() {
		s.peer = &unix.SockaddrInet4{Port: int(to.Port()), Addr: ip.As4()}
	} else {
		s.peer, family = &unix.SockaddrInet6{Port: int(to.Port()), Addr: ip.As16()}, unix.AF_INET6
	}
	// Between the two calls a fork would give the socket to a child.
	syscall.ForkLock.RLock()
	s.fd, err = unix.Socket(family, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(s.fd)
	}
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = unix.SetNonblock(s.fd, true)
	}
	if err == nil { // as the net package does: a request is not held back
		err = unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	return s, nil
}

// connect begins to connect. That it goes on is no error.
func (s *socket) connect() error {
	err := unix.Connect(s.fd, s.peer)
	if errors.Is(err, unix.EINPROGRESS) {
		return nil
	}
	return err
}

// write writes without waiting. The error is errNotYet if the connection is still
// being made.
func (s *socket) write(p []byte) (int, error) {
	n, err := unix.Write(s.fd, p)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOTCONN) {
		return 0, errNotYet
	}
	return max(n, 0), err
}

var errNotYet = errors.New("not connected yet")

// conn hands the socket over to the net package, which can wait.
func (s *socket) conn() (*net.TCPConn, error) {
	s.stampNoMore() // a stamp would look like an error to the poller
	file := os.NewFile(uintptr(s.fd), "connection")
	s.fd = -1
	defer file.Close() // FileConn has a descriptor of its own
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("a %T is not of TCP", conn)
	}
	return tcp, nil
}

func (s *socket) close() {
	if s != nil && s.fd >= 0 {
		unix.Close(s.fd)
		s.fd = -1
	}
}

// closedByPeer looks, without reading, whether the other side has closed an idle
// connection, or broken it.
func (s *socket) closedByPeer() bool {
	var b [1]byte
	n, _, err := unix.Recvfrom(s.fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err == nil && n == 0 || err != nil && !errors.Is(err, unix.EAGAIN)
}
