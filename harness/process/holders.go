package process

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// listener is a TCP socket that listens.
type listener struct {
	addr netip.AddrPort // an IPv4 address also where the socket is of IPv6 (RFC 4291 2.5.5.2)
	id   uint64         // the socket's inode on Linux, the PID of who holds it elsewhere
}

// Holders returns the processes that hold a socket which listens on the TCP
// address (host:port): those that a connection to it can reach, also through a
// wildcard. A process that forked with the socket open holds it too, whether it accepts
// or not. The topmost come first: those without an ancestor that holds it.
//
// Nobody at all is no error. It is one if somebody listens, but in no process
// that we may look into. A socket of [::] that was made for IPv6 only is taken
// for one of both families, unless an IPv4 socket has the port.
func Holders(addr string) ([]Info, error) {
	targets, err := resolve(addr)
	if err != nil {
		return nil, err
	}
	all, err := listeners()
	if err != nil {
		return nil, fmt.Errorf("who listens on %s: %w", addr, err)
	}
	var wanted []listener
	for _, target := range targets {
		wanted = append(wanted, reached(all, target)...)
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	pids, err := owners(wanted)
	if err != nil {
		return nil, fmt.Errorf("who listens on %s: %w", addr, err)
	}
	if len(pids) == 0 {
		return nil, fmt.Errorf("a process listens on %s, but lastcall has no permission to look into it", addr)
	}
	return topmostFirst(pids), nil
}

// reached returns those listeners that a connection to the address can reach. As
// in the kernel the address itself wins over the IPv4 wildcard, and that over
// the IPv6 one.
func reached(all []listener, target netip.AddrPort) []listener {
	at := func(match func(netip.Addr) bool) (found []listener) {
		for _, l := range all {
			if l.addr.Port() == target.Port() && match(l.addr.Addr()) {
				found = append(found, l)
			}
		}
		return found
	}
	ip := target.Addr()
	if ip.IsUnspecified() { // any will do, of its family
		return at(func(a netip.Addr) bool { return a.Is4() == ip.Is4() || a.IsUnspecified() })
	}
	if found := at(func(a netip.Addr) bool { return a == ip }); len(found) > 0 {
		return found
	}
	if ip.Is4() {
		if found := at(func(a netip.Addr) bool { return a == netip.IPv4Unspecified() }); len(found) > 0 {
			return found
		}
	}
	return at(func(a netip.Addr) bool { return a == netip.IPv6Unspecified() })
}

// topmostFirst names the processes, those first that have no ancestor among
// them, and every other after its ancestors.
func topmostFirst(pids []int) []Info {
	depth := make(map[int]int, len(pids))
	for _, pid := range pids {
		depth[pid] = ancestors(pid, pids, parent)
	}
	slices.SortFunc(pids, func(a, b int) int { return cmp.Or(depth[a]-depth[b], a-b) })
	infos := make([]Info, 0, len(pids))
	for _, pid := range pids {
		infos = append(infos, info(pid))
	}
	return infos
}

// parent returns a process's parent, or 0 if it has none, or is gone.
func parent(pid int) int {
	r, _ := look(pid)
	return r.ppid
}

// maxDepth bounds the way up to process 1: what is seen on it is not of one
// instant, and could go in a circle.
const maxDepth = 1000

// ancestors counts the ancestors of a process that are among the PIDs.
func ancestors(pid int, pids []int, parent func(int) int) (n int) {
	for range maxDepth {
		if pid = parent(pid); pid == 0 {
			break
		}
		if slices.Contains(pids, pid) {
			n++
		}
	}
	return n
}
