package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

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
