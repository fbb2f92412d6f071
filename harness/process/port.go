package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lowestPort = 10000 // below it live services that people know by number
	highPort   = 65535
	portTries  = 1000
	// dialWait bounds the dial that shows a listener on systems where binding
	// does not. It goes to this machine.
	dialWait = time.Second
)

// chosen are the ports that this process has been given: two that are tried at
// once must not meet on one.
var chosen struct {
	sync.Mutex
	ports map[int]bool
}

// ChoosePort returns a TCP port on which nothing listens, another one on each
// call. It lies outside of the range from which the kernel takes the ports of
// outgoing connections (net.ipv4.ip_local_port_range): the load could otherwise
// occupy the port before the server binds it. Only if the kernel has taken the
// whole range for that is it one of its own.
func ChoosePort() (int, error) {
	chosen.Lock() // held while we look: a caller that comes meanwhile gets another port
	defer chosen.Unlock()
	if chosen.ports == nil {
		chosen.ports = make(map[int]bool)
	}
	low, high := ephemeral()
	for range portTries {
		port := pick(outside(low, high))
		if !chosen.ports[port] && free(port) {
			chosen.ports[port] = true
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port was found in %d tries outside of %d-%d", portTries, low, high)
}

// span is ports in a row, both ends included.
type span struct{ from, to int }

// outside returns the ports that are not in the range, or all if there are none.
func outside(low, high int) []span {
	var spans []span
	for _, s := range []span{{lowestPort, low - 1}, {max(high+1, lowestPort), highPort}} {
		if s.from <= s.to {
			spans = append(spans, s)
		}
	}
	if len(spans) == 0 {
		return []span{{lowestPort, highPort}}
	}
	return spans
}

// pick returns any port of the spans, each as likely as the other.
func pick(spans []span) int {
	var n int
	for _, s := range spans {
		n += s.to - s.from + 1
	}
	n = rand.IntN(n)
	for _, s := range spans {
		if size := s.to - s.from + 1; n >= size {
			n -= size
			continue
		}
		return s.from + n
	}
	return highPort // not reached
}

// ephemeral returns the range of ports that the kernel gives to outgoing
// connections.
func ephemeral() (low, high int) {
	low, high = 49152, highPort // the dynamic ports of RFC 6335, and the default of macOS
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return low, high // no Linux, or none that shows it
	}
	fields := strings.Fields(string(text))
	if len(fields) != 2 {
		return low, high
	}
	from, err := strconv.Atoi(fields[0])
	to, err2 := strconv.Atoi(fields[1])
	if err != nil || err2 != nil {
		return low, high
	}
	return from, to
}

// free says whether a server could listen on the port, whichever of our
// addresses it takes.
func free(port int) bool {
	for _, ip := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.AddrFrom4([4]byte{127, 0, 0, 1})} {
		if taken(netip.AddrPortFrom(ip, uint16(port))) {
			return false
		}
	}
	return true
}

// PortTaken says whether a process listens on the TCP address, also through a
// wildcard address. What is left of closed connections (TIME_WAIT) does not
// count, though it can keep a server from listening that does not set
// SO_REUSEADDR (Python's socketserver). An address that is none is not taken.
func PortTaken(addr string) bool {
	targets, err := resolve(addr)
	if err != nil {
		return false
	}
	for _, target := range targets {
		if taken(target) && listening(target) {
			return true
		}
	}
	return false
}

// listening says whether somebody listens there. Where nobody can tell, somebody
// does: the address could not be bound.
func listening(target netip.AddrPort) bool {
	all, err := listeners()
	return err != nil || len(reached(all, target)) > 0
}

// taken tries to bind the address, without listening: nobody can connect to us
// by mistake.
func taken(addr netip.AddrPort) bool {
	err := bind(addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return true
	}
	if err == nil && runtime.GOOS == "linux" || errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
		return false // it would be ours, or nobody has such an address
	}
	// Elsewhere an address can be bound under the eyes of who listens on the
	// wildcard; and here we may not be allowed to bind.
	conn, err := net.DialTimeout("tcp", addr.String(), dialWait)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// bind binds the address for a moment, as a server would that sets SO_REUSEADDR.
func bind(addr netip.AddrPort) error {
	family := unix.AF_INET
	var local unix.Sockaddr = &unix.SockaddrInet4{Port: int(addr.Port())}
	if ip := addr.Addr(); ip.Is4() {
		local.(*unix.SockaddrInet4).Addr = ip.As4()
	} else {
		family, local = unix.AF_INET6, &unix.SockaddrInet6{Port: int(addr.Port()), Addr: ip.As16()}
	}
	syscall.ForkLock.RLock() // a child that is started between the two calls would inherit it
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if family == unix.AF_INET6 { // or it would also be the IPv4 wildcard
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return err
		}
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return unix.Bind(fd, local)
}
