package process

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// The kernel is asked for one socket at a time (sock_diag(7)). /proc/net/tcp would
// be read as a whole for each: with what a test of connections leaves there in
// TIME_WAIT that takes a tenth of a second, in which its lines move, so that one is
// missed now and then.

// FindPeer returns the server's end of the connection between two addresses, in
// our network namespace. The error is ErrNoPeer if there is none.
func FindPeer(server, client netip.AddrPort) (Peer, error) {
	found, err := diagnose(request{server: unmapped(server), client: unmapped(client)})
	if errors.Is(err, unix.ENOENT) {
		return Peer{}, ErrNoPeer
	}
	if err != nil {
		return Peer{}, fmt.Errorf("ask the kernel for a connection: %w", err)
	}
	for _, s := range found {
		if s.state != tcpListenState && s.state != tcpTimeWaitState { // without the former it finds who listens
			return s.peer(), nil
		}
	}
	return Peer{}, ErrNoPeer
}

// Queued returns how many connections wait in the accept queues of those who
// listen on the address's port.
func Queued(server netip.AddrPort) (n int, err error) {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		found, err := diagnose(request{server: unmapped(server), listeners: family})
		if err != nil {
			return 0, fmt.Errorf("ask the kernel for an accept queue: %w", err)
		}
		for _, s := range found {
			n += int(s.rx) // for who listens it is the length of the queue (tcp_diag.c)
		}
	}
	return n, nil
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

// States of a socket (include/net/tcp_states.h).
const (
	tcpFinWait1State = 4
	tcpFinWait2State = 5
	tcpLastAckState  = 9
	tcpClosingState  = 11
	tcpTimeWaitState = 6
	tcpListenState   = 10
)

// request is what the kernel is asked for: one connection, or those who listen on
// the server's port in one family.
type request struct {
	server, client netip.AddrPort
	listeners      uint8 // the family, or 0
}

// The layout of struct inet_diag_req_v2 and struct inet_diag_msg
// (linux/inet_diag.h): the id of a socket is 48 bytes, its ports and addresses in
// network order.
const (
	sockDiagByFamily = 20
	requestSize      = unix.SizeofNlMsghdr + 8 + 48
	messageSize      = 4 + 48 + 20
)

// encode writes the request.
func (r request) encode() []byte {
	b := make([]byte, requestSize)
	order := binary.NativeEndian
	order.PutUint32(b[0:], requestSize)
	order.PutUint16(b[4:], sockDiagByFamily)
	flags, family, states := uint16(unix.NLM_F_REQUEST), uint8(unix.AF_INET), ^uint32(0)
	switch {
	case r.listeners != 0:
		flags, family, states = flags|unix.NLM_F_DUMP, r.listeners, 1<<tcpListenState
	case r.server.Addr().Is6():
		family = unix.AF_INET6
	}
	order.PutUint16(b[6:], flags)
	body := b[unix.SizeofNlMsghdr:]
	body[0], body[1] = family, unix.IPPROTO_TCP
	order.PutUint32(body[4:], states)
	id := body[8:]
	binary.BigEndian.PutUint16(id[0:], r.server.Port())
	if r.listeners == 0 {
		binary.BigEndian.PutUint16(id[2:], r.client.Port())
		copy(id[4:20], r.server.Addr().AsSlice())
		copy(id[20:36], r.client.Addr().AsSlice())
	}
	order.PutUint32(id[40:], ^uint32(0)) // no cookie: INET_DIAG_NOCOOKIE
	order.PutUint32(id[44:], ^uint32(0))
	return b
}

// socket is what the kernel says of one.
type socket struct {
	state  uint8
	rx, tx uint32
	inode  uint32 // 0: no process has it
}

func (s socket) peer() Peer {
	closed := s.state == tcpFinWait1State || s.state == tcpFinWait2State || s.state == tcpLastAckState || s.state == tcpClosingState
	return Peer{Accepted: s.inode != 0 || closed, Closed: closed && s.inode == 0, Unread: int(s.rx), Unsent: int(s.tx)}
}

// diagnose asks the kernel. The error wraps ENOENT if there is no such connection.
func diagnose(r request) ([]socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	// The kernel answers within the call; the bound is for one that never does.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		return nil, err
	}
	if err := unix.Sendto(fd, r.encode(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	var found []socket
	for buffer := make([]byte, 32<<10); ; {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if err != nil {
			return nil, err
		}
		more, done, err := parseDiagnosis(buffer[:n])
		found = append(found, more...)
		if err != nil || done || r.listeners == 0 {
			return found, err
		}
	}
}

// parseDiagnosis reads the messages of one datagram, and says whether they are the
// last.
func parseDiagnosis(datagram []byte) (found []socket, done bool, err error) {
	messages, err := syscall.ParseNetlinkMessage(datagram)
	if err != nil {
		return nil, false, err
	}
	for _, m := range messages {
		switch m.Header.Type {
		case unix.NLMSG_DONE:
			return found, true, nil
		case unix.NLMSG_ERROR:
			if len(m.Data) < 4 {
				return nil, true, errors.New("an error that is too short")
			}
			return nil, true, syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data)))
		}
		if len(m.Data) < messageSize {
			return nil, false, fmt.Errorf("a message of %d bytes is too short", len(m.Data))
		}
		order, rest := binary.NativeEndian, m.Data[4+48:]
		found = append(found, socket{m.Data[1], order.Uint32(rest[4:]), order.Uint32(rest[8:]), order.Uint32(rest[16:])})
	}
	return found, false, nil
}
