package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Socket is the server's end of a connection, as the kernel shows it.
type Socket struct {
	State  uint8  // TCP's (include/net/tcp_states.h), 0: there is no such socket
	Inode  uint32 // 0: no process has it, so it waits in the accept queue or was closed
	Unread uint32 // bytes that have arrived and were not read
	Unsent uint32 // bytes that were written and not acknowledged by the client
	// Received is how many bytes have arrived since the connection began
	// (tcpi_bytes_received). Known is false where the kernel does not count them.
	Received uint64
	Known    bool
}

// The states of a socket that matter here.
const (
	StateEstablished = 1
	StateSynReceived = 3
	StateClose       = 7
	StateCloseWait   = 8
)

// Listener is a socket that listens.
type Listener struct {
	Inode  uint32
	Queued uint32 // connections in its accept queue
}

// There reports whether the kernel still has the socket.
func (s Socket) There() bool { return s.State != 0 }

// Queued reports whether the connection waits for a process to accept it.
func (s Socket) Queued() bool {
	return s.State == StateSynReceived || s.State == StateEstablished && s.Inode == 0
}

// Read is how many bytes the process has read since the connection began, if it
// is Known: our own FIN would count as one, so ask before there is one.
func (s Socket) Read() int64 { return int64(s.Received) - int64(s.Unread) }

// ErrNoWitness says that the kernel cannot be asked about the server's sockets.
var ErrNoWitness = errors.New("the kernel cannot be asked about the server's sockets")

// lookupWait bounds the look-up of a host name.
const lookupWait = 2 * time.Second

// resolve returns the addresses that host:port stands for. A wildcard, or no
// host, stands for that of both families.
func resolve(addr string) ([]netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%q is not host:port, as in 127.0.0.1:8080", addr)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupWait)
	defer cancel()
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err == nil && port == 0 {
		err = errors.New("port 0 is not a port")
	}
	if err != nil {
		return nil, fmt.Errorf("%q has no port, as in 127.0.0.1:8080: %w", addr, err)
	}
	var ips []netip.Addr
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.Unmap().IsUnspecified() {
		ips = []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	} else if err == nil {
		ips = []netip.Addr{ip}
	} else if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, err
	}
	addrs := make([]netip.AddrPort, 0, len(ips))
	for _, ip := range ips {
		addrs = append(addrs, netip.AddrPortFrom(ip.Unmap().WithZone(""), uint16(port)))
	}
	return addrs, nil
}

// Listens returns the TCP addresses (host:port) at which the command, or anything
// that it has started, listens now. It looks at every process for every address,
// and is meant for explaining what went wrong.
func (p *Process) Listens() ([]string, error) {
	tree, err := p.Tree()
	if err != nil {
		return nil, err
	}
	all, err := listeners()
	if err != nil {
		return nil, fmt.Errorf("where process %d listens: %w", p.PID(), err)
	}
	var addresses []string
	for _, l := range all {
		pids, err := owners([]listener{l})
		if err != nil {
			return nil, fmt.Errorf("where process %d listens: %w", p.PID(), err)
		}
		ours := func(member Info) bool { return slices.Contains(pids, member.PID) }
		if address := l.addr.String(); slices.ContainsFunc(tree, ours) && !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	return addresses, nil
}

// Peer is the server's end of a connection, as the kernel shows it.
type Peer struct {
	// Accepted is false as long as the connection waits in the accept queue: no
	// process has it yet.
	Accepted bool
	Closed   bool // by the server: what is left of it is the kernel's
	Unread   int  // bytes that have arrived and were not read
	Unsent   int  // bytes that were written and not acknowledged by the client
}

// ErrNoPeer says that the kernel shows no such connection: it is closed, or was
// never established.
var ErrNoPeer = errors.New("the server has no such connection")

// ErrUnseen says that this system does not show the other end of a connection.
var ErrUnseen = errors.New("only Linux shows the server's end of a connection")

// unmapped is an address as it is looked up: an IPv4 address can stand in the
// kernel's table as one of IPv6.
func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
