package process

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// The kernel is asked for single sockets (sock_diag(7)), many in one message. A
// dump of all sockets of a port walks the whole hash of the machine: 1.3 ms for
// ten of them, where 100 single ones take 0.25 ms. /proc/net/tcp would be read as
// a whole, with what lies there in TIME_WAIT.

// Sockets asks the kernel about the sockets of one server. One goroutine at a
// time uses it.
type Sockets struct {
	server netip.AddrPort
	fd     int
	out    []byte // the requests of one message
	in     []byte // one datagram of answers
}

// batch is how many sockets are asked for in one message: their answers fit into
// the default receive buffer of a netlink socket.
const batch = 64

// OpenSockets opens a way to ask about the sockets of the server at that address.
// If the process lives in another network namespace, the kernel is asked there,
// which takes CAP_SYS_ADMIN; a pid of 0 stands for our own. The error wraps
// ErrNoWitness.
func OpenSockets(server netip.AddrPort, pid int) (*Sockets, error) {
	fd, err := openIn(pid)
	if err == nil {
		// The kernel answers within the call; the bound is for one that never does.
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1})
		if err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoWitness, err)
	}
	s := &Sockets{server: unmapped(server), fd: fd, out: make([]byte, batch*requestSize), in: make([]byte, 64<<10)}
	if _, err := s.Listening(nil); err != nil { // a sandbox may refuse the question only
		s.Close()
		return nil, fmt.Errorf("%w: %w", ErrNoWitness, err)
	}
	return s, nil
}

// Close gives the way up.
func (s *Sockets) Close() { unix.Close(s.fd) }

// openIn opens a netlink socket in the network namespace of a process. A socket
// stays in the namespace where it was opened, so the thread can go back.
func openIn(pid int) (fd int, err error) {
	open := func() (int, error) {
		return unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	}
	theirs := fmt.Sprintf("/proc/%d/ns/net", pid)
	if pid == 0 || sameNamespace(theirs) {
		return open()
	}
	runtime.LockOSThread() // setns moves the thread
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return 0, err
	}
	defer home.Close()
	there, err := os.Open(theirs)
	if err == nil {
		defer there.Close()
		err = unix.Setns(int(there.Fd()), unix.CLONE_NEWNET)
	}
	if err != nil {
		runtime.UnlockOSThread()
		return 0, fmt.Errorf("enter the network namespace of process %d: %w", pid, err)
	}
	fd, err = open()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back == nil {
		runtime.UnlockOSThread() // else the thread ends with this goroutine's lock: it is of no use to another
	}
	return fd, err
}

func sameNamespace(theirs string) bool {
	ours, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		return true // /proc shows no namespaces: there is but one
	}
	there, err := os.Readlink(theirs)
	return err != nil || ours == there
}

// The layout of struct inet_diag_req_v2 and struct inet_diag_msg
// (linux/inet_diag.h): the id of a socket is 48 bytes, its ports and addresses in
// network order. Attributes follow the message; INET_DIAG_INFO is struct
// tcp_info (linux/tcp.h).
const (
	sockDiagByFamily = 20
	requestSize      = unix.SizeofNlMsghdr + 8 + 48
	messageSize      = 4 + 48 + 20
	attributeInfo    = 2
	infoReceived     = 128 // offset of tcpi_bytes_received
	tcpListenState   = 10
	tcpTimeWaitState = 6
)

// Look asks for the server's end of each of these connections, by the client's
// address. It returns one Socket a client, in their order, in into if that is
// large enough.
func (s *Sockets) Look(clients []netip.AddrPort, into []Socket) ([]Socket, error) {
	into = append(into[:0], make([]Socket, len(clients))...)
	for from := 0; from < len(clients); from += batch {
		to := min(from+batch, len(clients))
		if err := s.ask(clients[from:to], into[from:to]); err != nil {
			return into, fmt.Errorf("ask the kernel for connections: %w", err)
		}
	}
	return into, nil
}

func (s *Sockets) ask(clients []netip.AddrPort, into []Socket) error {
	for i, c := range clients {
		encode(s.out[i*requestSize:(i+1)*requestSize], uint32(i), s.server, unmapped(c))
	}
	if err := unix.Sendto(s.fd, s.out[:len(clients)*requestSize], 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for left := len(clients); left > 0; {
		n, err := s.receive()
		if err != nil {
			return err
		}
		answered, err := each(s.in[:n], func(number uint32, m message) {
			if int(number) < len(into) && m.state != tcpListenState && m.state != tcpTimeWaitState {
				into[number] = m.Socket // without the connection the kernel finds who listens
			}
		})
		if err != nil {
			return err
		}
		left -= answered
	}
	return nil
}

// encode writes the request for one connection.
func encode(b []byte, number uint32, server, client netip.AddrPort) {
	family := uint8(unix.AF_INET) // it finds IPv4 connections of a socket of [::], too
	if server.Addr().Is6() {
		family = unix.AF_INET6
	}
	head(b, unix.NLM_F_REQUEST, number)
	body := b[unix.SizeofNlMsghdr:]
	clear(body)
	body[0], body[1], body[2] = family, unix.IPPROTO_TCP, 1<<(attributeInfo-1)
	order := binary.NativeEndian
	order.PutUint32(body[4:], ^uint32(0)) // in any state
	id := body[8:]
	binary.BigEndian.PutUint16(id[0:], server.Port())
	binary.BigEndian.PutUint16(id[2:], client.Port())
	copy(id[4:20], server.Addr().AsSlice())
	copy(id[20:36], client.Addr().AsSlice())
	order.PutUint32(id[40:], ^uint32(0)) // no cookie: INET_DIAG_NOCOOKIE
	order.PutUint32(id[44:], ^uint32(0))
}

func head(b []byte, flags uint16, number uint32) {
	order := binary.NativeEndian
	order.PutUint32(b[0:], requestSize)
	order.PutUint16(b[4:], sockDiagByFamily)
	order.PutUint16(b[6:], flags)
	order.PutUint32(b[8:], number)
	order.PutUint32(b[12:], 0)
}

// Listening returns the sockets that listen at the server's address, or at a
// wildcard with its port.
func (s *Sockets) Listening(into []Listener) ([]Listener, error) {
	into = into[:0]
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		b := s.out[:requestSize]
		head(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP, 0)
		body := b[unix.SizeofNlMsghdr:]
		clear(body)
		body[0], body[1] = family, unix.IPPROTO_TCP
		binary.NativeEndian.PutUint32(body[4:], 1<<tcpListenState)
		binary.BigEndian.PutUint16(body[8:], s.server.Port())
		if err := unix.Sendto(s.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return into, fmt.Errorf("ask the kernel who listens: %w", err)
		}
		var err error
		if into, err = s.listed(into); err != nil {
			return into, fmt.Errorf("ask the kernel who listens: %w", err)
		}
	}
	return into, nil
}

// listed reads a dump to its end.
func (s *Sockets) listed(into []Listener) ([]Listener, error) {
	for {
		n, err := s.receive()
		if err != nil {
			return into, err
		}
		done := false
		_, err = each(s.in[:n], func(_ uint32, m message) {
			switch {
			case m.done:
				done = true
			case m.state == tcpListenState && (m.local.IsUnspecified() || m.local == s.server.Addr()):
				into = append(into, Listener{Inode: m.Inode, Queued: m.Unread}) // for who listens it is the length of the queue (tcp_diag.c)
			}
		})
		if err != nil || done {
			return into, err
		}
	}
}

func (s *Sockets) receive() (int, error) {
	for {
		n, _, err := unix.Recvfrom(s.fd, s.in, 0)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// message is what the kernel says of one socket, or that it has said all.
type message struct {
	Socket
	state uint8
	local netip.Addr
	done  bool
}

var errShort = errors.New("the kernel's answer is too short")

// each calls f for every message of a datagram, with the number of its request,
// and returns how many there were. A socket that is not there is a message, of
// which f hears nothing.
func each(datagram []byte, f func(number uint32, m message)) (n int, err error) {
	order := binary.NativeEndian
	for len(datagram) >= unix.SizeofNlMsghdr {
		size, kind, number := int(order.Uint32(datagram)), order.Uint16(datagram[4:]), order.Uint32(datagram[8:])
		if size < unix.SizeofNlMsghdr || size > len(datagram) {
			return n, errShort
		}
		body := datagram[unix.SizeofNlMsghdr:size]
		n++
		switch {
		case kind == unix.NLMSG_DONE:
			f(number, message{done: true})
		case kind == unix.NLMSG_ERROR && len(body) < 4:
			return n, errShort
		case kind == unix.NLMSG_ERROR:
			if e := syscall.Errno(-int32(order.Uint32(body))); e != 0 && e != unix.ENOENT {
				return n, e
			}
			f(number, message{done: true}) // such a socket, or such a family, is not there
		case len(body) < messageSize:
			return n, errShort
		default:
			f(number, read(body))
		}
		datagram = datagram[min(len(datagram), (size+3)&^3):]
	}
	if len(datagram) > 0 {
		return n, errShort
	}
	return n, nil
}

// read reads one struct inet_diag_msg and its attributes.
func read(body []byte) message {
	order := binary.NativeEndian
	rest := body[4+48:]
	m := message{state: body[1], Socket: Socket{
		State: body[1], Unread: order.Uint32(rest[4:]), Unsent: order.Uint32(rest[8:]), Inode: order.Uint32(rest[16:]),
	}}
	if body[0] == unix.AF_INET {
		m.local = netip.AddrFrom4([4]byte(body[8:12]))
	} else {
		m.local = netip.AddrFrom16([16]byte(body[8:24])).Unmap()
	}
	for attributes := body[messageSize:]; len(attributes) >= 4; {
		size, kind := int(order.Uint16(attributes)), order.Uint16(attributes[2:])
		if size < 4 || size > len(attributes) {
			break
		}
		if kind == attributeInfo && size >= 4+infoReceived+8 {
			m.Received, m.Known = order.Uint64(attributes[4+infoReceived:]), true
		}
		attributes = attributes[min(len(attributes), (size+3)&^3):]
	}
	return m
}

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
