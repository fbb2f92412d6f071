//go:build !linux

package process

import (
	"net/netip"
	"slices"

	psnet "github.com/shirou/gopsutil/v4/net"
)

// listeners returns the sockets that listen. It asks lsof, which takes its time.
func listeners() ([]listener, error) {
	all, err := psnet.Connections("tcp")
	if err != nil {
		return nil, err
	}
	var found []listener
	for _, c := range all {
		if c.Status != "LISTEN" {
			continue
		}
		ip, err := netip.ParseAddr(c.Laddr.IP)
		switch {
		case c.Laddr.IP == "*": // of either family
			ip = netip.IPv6Unspecified()
		case err != nil:
			continue
		}
		found = append(found, listener{addr: netip.AddrPortFrom(ip.Unmap(), uint16(c.Laddr.Port)), id: uint64(c.Pid)})
	}
	return found, nil
}

// owners returns the processes that have one of the sockets open.
func owners(sockets []listener) ([]int, error) {
	var pids []int
	for _, s := range sockets {
		if pid := int(s.id); !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
