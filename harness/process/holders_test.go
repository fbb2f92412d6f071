package process

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// listenOn listens, or skips the test where there is no IPv6.
func listenOn(t *testing.T, network, addr string) string {
	t.Helper()
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Skipf("this machine cannot listen on %s: %v", addr, err)
	}
	t.Cleanup(func() { ln.Close() })
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestHolders: whatever address the socket has through which a connection comes.
func TestHolders(t *testing.T) {
	for _, tt := range []struct{ name, network, listen, ask string }{
		{"the address itself", "tcp4", "127.0.0.1:0", "127.0.0.1"},
		{"by the name", "tcp4", "127.0.0.1:0", "localhost"},
		{"the IPv4 wildcard", "tcp4", "0.0.0.0:0", "127.0.0.1"},
		{"the wildcard of both families", "tcp", "[::]:0", "127.0.0.1"},
		{"the wildcard of both families, over IPv6", "tcp", "[::]:0", "[::1]"},
		{"IPv6", "tcp6", "[::1]:0", "[::1]"},
		{"asked for any", "tcp4", "127.0.0.1:0", ""},
		{"asked for the wildcard", "tcp4", "127.0.0.1:0", "0.0.0.0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := tt.ask + ":" + listenOn(t, tt.network, tt.listen)
			holders, err := Holders(addr)
			if err != nil || !slices.Equal(pids(holders), []int{os.Getpid()}) {
				t.Errorf("%s is held by %v, %v, want us, %d", addr, holders, err, os.Getpid())
			}
			if !PortTaken(addr) {
				t.Errorf("%s is not taken", addr)
			}
		})
	}
}

// TestHoldersMapped: a socket of IPv6 that is bound to an IPv4 address.
func TestHoldersMapped(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	}
	unix.CloseOnExec(fd)
	defer unix.Close(fd)
	local := netip.MustParseAddr("::ffff:127.0.0.1").As16()
	err = errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0), unix.Bind(fd, &unix.SockaddrInet6{Addr: local}), unix.Listen(fd, 1))
	if err != nil {
		t.Skipf("this machine has no mapped addresses: %v", err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", bound.(*unix.SockaddrInet6).Port)
	if holders, err := Holders(addr); err != nil || !slices.Equal(pids(holders), []int{os.Getpid()}) {
		t.Errorf("%s is held by %v, %v, want us, %d", addr, holders, err, os.Getpid())
	}
}

// TestHoldersPrefork: who forked with the socket open holds it too, and its
// parent comes first. Who inherited nothing does not.
func TestHoldersPrefork(t *testing.T) {
	ln := listen(t)
	p := supervised(t, "listen:127.0.0.1:0", envAddr+"="+ln.Addr().String())
	addr := strings.TrimPrefix(firstLine(t, p), "ready ")
	members := acceptMembers(t, ln, 5)
	holders, err := Holders(addr)
	if err != nil || len(holders) != 4 || holders[0] != p.Leader() {
		t.Fatalf("%s is held by %v, %v, want the leader %v and three workers", addr, holders, err, p.Leader())
	}
	for _, h := range holders {
		by(t, members, h.PID)
	}
	if _, _, err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	exit(t, p)
	if left, err := Holders(addr); err != nil || !same(pids(left), pids(holders[1:])) {
		t.Errorf("without its leader it is held by %v, %v, want %v", left, err, holders[1:])
	}
	if err := p.KillTree(); err != nil {
		t.Fatal(err)
	}
	if left, err := Holders(addr); err != nil || len(left) > 0 || PortTaken(addr) {
		t.Errorf("it is still held by %v, %v", left, err)
	}
}

// TestHoldersReusePort: several sockets, one port.
func TestHoldersReusePort(t *testing.T) {
	ln := listen(t)
	first := supervised(t, "reuse:127.0.0.1:0", envAddr+"="+ln.Addr().String())
	addr := strings.TrimPrefix(firstLine(t, first), "ready ")
	second := supervised(t, "reuse:"+addr, envAddr+"="+ln.Addr().String())
	firstLine(t, second)
	acceptMembers(t, ln, 2)
	if holders, err := Holders(addr); err != nil || !same(pids(holders), []int{first.PID(), second.PID()}) {
		t.Errorf("%s is held by %v, %v, want %d and %d", addr, holders, err, first.PID(), second.PID())
	}
}

func TestNoHolders(t *testing.T) {
	ln := listen(t)
	addr := ln.Addr().String()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	local := c.LocalAddr().String() // a port in use, but nobody listens there
	if holders, err := Holders(local); err != nil || holders != nil {
		t.Errorf("%s is held by %v, %v", local, holders, err)
	}
	for _, bad := range []string{"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"} {
		if holders, err := Holders(bad); err == nil || !strings.Contains(err.Error(), "127.0.0.1:8080") {
			t.Errorf("%q is held by %v, %v, want an error that shows an address", bad, holders, err)
		}
		if PortTaken(bad) {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestReached: the order in which the kernel looks for a listener.
func TestReached(t *testing.T) {
	all := func(addrs ...string) (list []listener) {
		for _, a := range addrs {
			list = append(list, listener{addr: netip.MustParseAddrPort(a)})
		}
		return list
	}
	for _, tt := range []struct {
		ask       string
		listeners []listener
		want      []string
	}{
		{"127.0.0.1:80", all("127.0.0.1:80", "0.0.0.0:80", "[::]:80"), []string{"127.0.0.1:80"}},
		{"127.0.0.1:80", all("127.0.0.2:80", "0.0.0.0:80", "[::]:80"), []string{"0.0.0.0:80"}},
		{"127.0.0.1:80", all("[::1]:80", "[::]:80"), []string{"[::]:80"}},
		{"127.0.0.1:80", all("127.0.0.1:81", "0.0.0.0:8080", "[::1]:80"), nil},
		{"127.0.0.1:80", all("127.0.0.1:80", "127.0.0.1:80"), []string{"127.0.0.1:80", "127.0.0.1:80"}},
		{"[::1]:80", all("[::1]:80", "[::]:80"), []string{"[::1]:80"}},
		{"[::1]:80", all("0.0.0.0:80", "127.0.0.1:80"), nil},
		{"[::1]:80", all("0.0.0.0:80", "[::]:80"), []string{"[::]:80"}},
		{"0.0.0.0:80", all("127.0.0.1:80", "[::1]:80", "[::]:80"), []string{"127.0.0.1:80", "[::]:80"}},
		{"[::]:80", all("127.0.0.1:80", "[::1]:80"), []string{"[::1]:80"}},
	} {
		var got []string
		for _, l := range reached(tt.listeners, netip.MustParseAddrPort(tt.ask)) {
			got = append(got, l.addr.String())
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s reaches %v of %v, want %v", tt.ask, got, tt.listeners, tt.want)
		}
	}
}

func TestAncestors(t *testing.T) {
	parents := map[int]int{20: 10, 30: 20, 40: 30, 45: 40, 50: 51, 51: 50, 10: 1}
	for pid, want := range map[int]int{20: 0, 30: 1, 40: 1, 45: 2, 10: 0, 50: 0, 99: 0} {
		if got := ancestors(pid, []int{20, 40}, func(pid int) int { return parents[pid] }); got != want {
			t.Errorf("process %d has %d ancestors that hold the port, want %d", pid, got, want)
		}
	}
}

func BenchmarkHolders(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	for b.Loop() {
		if _, err := Holders(ln.Addr().String()); err != nil {
			b.Fatal(err)
		}
	}
}
