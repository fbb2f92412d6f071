package process

import (
	"errors"
	"net/netip"
)

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
