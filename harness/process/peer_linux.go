package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// tcpTimeWait is the state of an end that no process has any more.
const tcpTimeWait = "06"

// FindPeer returns the server's end of the connection between two addresses. The
// error is ErrNoPeer if there is none.
func FindPeer(server, client netip.AddrPort) (Peer, error) {
	peers, err := Peers()
	if err != nil {
		return Peer{}, err
	}
	peer, ok := peers[Ends{unmapped(server), unmapped(client)}]
	if !ok {
		return peer, ErrNoPeer
	}
	return peer, nil
}

// Peers returns all connections of our network namespace, each as the end of it
// that is asked for as a server's. Its addresses are without a zone, and those of
// IPv4 are such.
func Peers() (map[Ends]Peer, error) {
	peers := make(map[Ends]Peer)
	err := eachSocket(func(s socket) {
		if s.state != tcpListen && s.state != tcpTimeWait {
			peers[Ends{s.local, s.remote}] = Peer{Accepted: s.inode != 0, Unread: s.rx, Unsent: s.tx}
		}
	})
	return peers, err
}

// Queued returns how many connections wait in the accept queues of those who
// listen at the address, or at a wildcard with its port.
func Queued(server netip.AddrPort) (n int, err error) {
	server = unmapped(server)
	err = eachSocket(func(s socket) {
		if s.state == tcpListen && s.local.Port() == server.Port() && (s.local == server || s.local.Addr().IsUnspecified()) {
			n += s.rx // for a listener this is the length of its queue (proc_net_tcp.txt)
		}
	})
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

// socket is one line of /proc/net/tcp.
type socket struct {
	local, remote netip.AddrPort
	state         string
	tx, rx        int
	inode         uint64 // 0: no process has it
}

// eachSocket shows the TCP sockets of our network namespace.
func eachSocket(show func(socket)) error {
	for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) && path != "/proc/net/tcp" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return err
		}
		err = parseSockets(file, show)
		file.Close()
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
	return nil
}

// parseSockets reads /proc/net/tcp or tcp6.
func parseSockets(r io.Reader, show func(socket)) error {
	lines := bufio.NewScanner(r)
	lines.Scan() // the head
	for lines.Scan() {
		s, err := parseSocket(lines.Bytes())
		if err != nil {
			return err
		}
		show(s)
	}
	return lines.Err()
}

func parseSocket(line []byte) (s socket, err error) {
	fields := bytes.Fields(line)
	if len(fields) < 10 {
		return s, fmt.Errorf("%q is too short", line)
	}
	if s.local, err = parseAddress(fields[1]); err != nil {
		return s, err
	}
	if s.remote, err = parseAddress(fields[2]); err != nil {
		return s, err
	}
	s.state = string(fields[3])
	tx, rx, _ := bytes.Cut(fields[4], []byte(":"))
	out, errTx := strconv.ParseInt(string(tx), 16, 64)
	in, errRx := strconv.ParseInt(string(rx), 16, 64)
	s.tx, s.rx = int(out), int(in)
	inode, errInode := strconv.ParseUint(string(fields[9]), 10, 64)
	s.inode = inode
	return s, errors.Join(errTx, errRx, errInode)
}
