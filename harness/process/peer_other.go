//go:build !linux

package process

import (
	"net/netip"
	"syscall"
)

// FindPeer is for Linux only: the error is ErrUnseen.
func FindPeer(_, _ netip.AddrPort) (Peer, error) { return Peer{}, ErrUnseen }

// Unread is for Linux only.
func Unread(syscall.Conn) (int, error) { return 0, ErrUnseen }

// Queued is for Linux only.
func Queued(netip.AddrPort) (int, error) { return 0, ErrUnseen }

// Unacknowledged is for Linux only.
func Unacknowledged(syscall.Conn) (int, error) { return 0, ErrUnseen }
