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
	Unread   int // bytes that have arrived and were not read
	Unsent   int // bytes that were written and not acknowledged by the client
}

// ErrNoPeer says that the kernel shows no such connection: it is closed, or was
// never established.
var ErrNoPeer = errors.New("the server has no such connection")

// ErrUnseen says that this system does not show the other end of a connection.
var ErrUnseen = errors.New("only Linux shows the server's end of a connection")

// sameAddress reports whether an address in the kernel's table is the one wanted. An
// IPv4 address can stand there as one of IPv6.
func sameAddress(a, b netip.AddrPort) bool {
	return a.Port() == b.Port() && a.Addr().Unmap() == b.Addr().Unmap()
}
