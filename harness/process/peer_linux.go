package process

import (
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// FindPeer returns the server's end of the connection between two addresses, in
// our network namespace. The error is ErrNoPeer if there is none.
func FindPeer(server, client netip.AddrPort) (Peer, error) {
	sockets, err := OpenSockets(server, 0)
	if err != nil {
		return Peer{}, fmt.Errorf("ask the kernel for a connection: %w", err)
	}
	defer sockets.Close()
	found, err := sockets.Look([]netip.AddrPort{client}, nil)
	switch {
	case err != nil:
		return Peer{}, err
	case !found[0].There():
		return Peer{}, ErrNoPeer
	}
	return found[0].peer(), nil
}

// Queued returns how many connections wait in the accept queues of those who
// listen on the address's port.
func Queued(server netip.AddrPort) (n int, err error) {
	sockets, err := OpenSockets(server, 0)
	if err != nil {
		return 0, fmt.Errorf("ask the kernel for an accept queue: %w", err)
	}
	defer sockets.Close()
	listening, err := sockets.Listening(nil)
	for _, l := range listening {
		n += int(l.Queued)
	}
	return n, err
}

// Unacknowledged returns how many of the bytes that were written to a connection
// its peer has not acknowledged (tcp(7), SIOCOUTQ).
func Unacknowledged(conn syscall.Conn) (int, error) { return queue(conn, unix.SIOCOUTQ) }

// Unread returns how many bytes wait to be read from a connection (tcp(7), SIOCINQ).
func Unread(conn syscall.Conn) (int, error) { return queue(conn, unix.SIOCINQ) }

func queue(conn syscall.Conn, which uint) (n int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	if e := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), which) }); e != nil {
		return 0, e
	}
	return n, err
}

// States of a socket (include/net/tcp_states.h) that the server has closed.
const (
	tcpFinWait1State = 4
	tcpFinWait2State = 5
	tcpLastAckState  = 9
	tcpClosingState  = 11
)

func (s Socket) peer() Peer {
	closed := s.State == tcpFinWait1State || s.State == tcpFinWait2State || s.State == tcpLastAckState || s.State == tcpClosingState
	return Peer{Accepted: s.Inode != 0 || closed, Closed: closed && s.Inode == 0, Unread: int(s.Unread), Unsent: int(s.Unsent)}
}
