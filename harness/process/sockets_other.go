//go:build !linux

package process

import "net/netip"

// Sockets is for Linux only.
type Sockets struct{}

// OpenSockets is for Linux only: the error is ErrNoWitness.
func OpenSockets(netip.AddrPort, int) (*Sockets, error) { return nil, ErrNoWitness }

// Close does nothing.
func (*Sockets) Close() {}

// Look is for Linux only.
func (*Sockets) Look([]netip.AddrPort, []Socket) ([]Socket, error) { return nil, ErrNoWitness }

// Listening is for Linux only.
func (*Sockets) Listening([]Listener) ([]Listener, error) { return nil, ErrNoWitness }
