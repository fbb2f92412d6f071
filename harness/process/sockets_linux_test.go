package process

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listenAt listens with options of the socket's own.
func listenAt(t testing.TB, address string, set func(fd int) error) net.Listener {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if set == nil {
			return nil
		}
		if e := c.Control(func(fd uintptr) { err = set(int(fd)) }); e != nil {
			return e
		}
		return err
	}}
	ln, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Skip(err) // a machine without IPv6
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func dialTo(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask looks at one connection until the kernel shows what is wanted.
func ask(t *testing.T, s *Sockets, client net.Conn, what string, wanted func(Socket) bool) {
	t.Helper()
	var got []Socket
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got, err = s.Look([]netip.AddrPort{ends(client.LocalAddr())}, got); err == nil && wanted(got[0]) {
			return
		}
	}
	t.Fatalf("%s: the kernel shows %+v, %v", what, got, err)
}

// TestSockets: what a process has read is known to the byte, of one connection among
// hundreds, whichever address its socket has.
func TestSockets(t *testing.T) {
	for _, at := range []struct{ listen, host string }{{"127.0.0.1:0", "127.0.0.1"}, {"[::1]:0", "::1"}, {"[::]:0", "127.0.0.1"}, {"[::]:0", "::1"}, {"0.0.0.0:0", "127.0.0.1"}} {
		t.Run(at.listen+" by "+at.host, func(t *testing.T) {
			ln := listenAt(t, at.listen, nil)
			_, port, _ := net.SplitHostPort(ln.Addr().String())
			address := net.JoinHostPort(at.host, port)
			client := dialTo(t, address)
			s, err := OpenSockets(netip.MustParseAddrPort(address), os.Getpid())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			fmt.Fprint(client, "hello, world")
			ask(t, s, client, "in the accept queue", func(k Socket) bool { return k.Queued() && k.Unread == 12 })
			if l, err := s.Listening(nil); err != nil || len(l) != 1 || l[0].Queued != 1 || l[0].Inode == 0 {
				t.Errorf("listening: %+v, %v", l, err)
			}
			served, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer served.Close()
			ask(t, s, client, "unread", func(k Socket) bool { return !k.Queued() && k.Known && k.Read() == 0 && k.Received == 12 })
			if _, err := served.Read(make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			ask(t, s, client, "5 of 12 read", func(k Socket) bool { return k.Read() == 5 })

			clients := []netip.AddrPort{}
			for range 300 { // of which none is there
				clients = append(clients, netip.AddrPortFrom(ends(client.LocalAddr()).Addr(), 1))
			}
			clients[170] = ends(client.LocalAddr())
			found, err := s.Look(clients, nil)
			if err != nil || len(found) != 300 || found[170].Read() != 5 || found[169].There() {
				t.Errorf("among 300: %v, %+v", err, found[170])
			}
			ln.Close()
			if l, err := s.Listening(nil); err != nil || len(l) != 0 {
				t.Errorf("closed, and listening: %+v, %v", l, err)
			}
		})
	}
}

// TestLookBeforeDeferredAccept: with TCP_DEFER_ACCEPT, as Apache and nginx have it,
// the server has no socket for a connection that has sent nothing.
func TestLookBeforeDeferredAccept(t *testing.T) {
	ln := listenAt(t, "127.0.0.1:0", func(fd int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 5)
	})
	s, err := OpenSockets(ends(ln.Addr()), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client := dialTo(t, ln.Addr().String())
	ask(t, s, client, "nothing was sent", Socket.Queued)
	fmt.Fprint(client, "hello")
	ask(t, s, client, "something was", func(k Socket) bool { return k.Queued() && k.Unread == 5 })
}

// TestListeningOfWorkers: of several sockets at one address each is seen closing.
func TestListeningOfWorkers(t *testing.T) {
	share := func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }
	first := listenAt(t, "127.0.0.1:0", share)
	second := listenAt(t, first.Addr().String(), share)
	s, err := OpenSockets(ends(first.Addr()), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	both, err := s.Listening(nil)
	if err != nil || len(both) != 2 || both[0].Inode == both[1].Inode {
		t.Fatalf("listening: %+v, %v", both, err)
	}
	second.Close()
	if one, err := s.Listening(nil); err != nil || len(one) != 1 {
		t.Errorf("one closed: %+v, %v", one, err)
	}
}

// TestLookAmongStrangers: thousands of connections of others cost next to nothing.
func TestLookAmongStrangers(t *testing.T) {
	if testing.Short() {
		t.Skip("it opens 9000 connections")
	}
	strangers := listenAt(t, "127.0.0.1:0", nil)
	go func() {
		for {
			if _, err := strangers.Accept(); err != nil {
				return
			}
		}
	}()
	for range 4500 { // two sockets each
		dialTo(t, strangers.Addr().String())
	}
	ln := listenAt(t, "127.0.0.1:0", nil)
	var clients []netip.AddrPort
	for range 100 {
		clients = append(clients, ends(dialTo(t, ln.Addr().String()).LocalAddr()))
	}
	s, err := OpenSockets(ends(ln.Addr()), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	best := time.Hour
	for range 20 {
		began := time.Now()
		found, err := s.Look(clients, nil)
		if err != nil || !found[99].There() {
			t.Fatalf("%v, %+v", err, found[99])
		}
		best = min(best, time.Since(began))
	}
	if best > 3*time.Millisecond { // a dump of the machine takes as long at the least
		t.Errorf("the fastest look at 100 took %s", best)
	}
}

// TestLookInAnotherNamespace: the sockets of a process that lives in a network
// namespace of its own are asked for there.
func TestLookInAnotherNamespace(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it makes a network namespace, which takes root")
	}
	// The child has a loopback of its own, and both ends of the connection.
	child := exec.Command("unshare", "-n", "sh", "-c", `ip link set lo up && exec python3 -c '
import socket, sys
l = socket.create_server(("127.0.0.1", 18731)); c = socket.create_connection(("127.0.0.1", 18731)); s = l.accept()[0]
c.sendall(b"hello"); s.recv(3)
print(c.getsockname()[1], flush=True); sys.stdin.read()'`)
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { in.Close(); _ = child.Wait() }()
	var port uint16
	if _, err := fmt.Fscan(out, &port); err != nil {
		t.Skipf("no namespace can be made here: %v", err)
	}
	server := netip.MustParseAddrPort("127.0.0.1:18731")
	there, err := OpenSockets(server, child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	client := netip.AddrPortFrom(server.Addr(), port)
	found, err := there.Look([]netip.AddrPort{client}, nil)
	if err != nil || found[0].Read() != 3 || found[0].Received != 5 {
		t.Errorf("in the namespace: %v, %+v", err, found)
	}
	here, err := OpenSockets(server, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	if found, err := here.Look([]netip.AddrPort{client}, nil); err != nil || found[0].There() {
		t.Errorf("in ours: %v, %+v", err, found)
	}
}

// TestWaits: a thread that spins beside others on one CPU waits for it, and one that
// sleeps does not.
func TestWaits(t *testing.T) {
	spin := func() *exec.Cmd {
		c := exec.Command("sh", "-c", "while :; do :; done")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
		_ = unix.SchedSetaffinity(c.Process.Pid, &unix.CPUSet{1}) // all on the first CPU
		return c
	}
	first, _ := spin(), spin()
	sleeper := exec.Command("sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })
	total := func(pid int) (ns uint64) {
		for _, w := range Waits([]int{pid}, nil) {
			ns += w.Total
		}
		return ns
	}
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		t.Skip("this kernel does not count how long a thread waits")
	}
	before := total(first.Process.Pid)
	for end := time.Now().Add(patience); total(first.Process.Pid)-before < uint64(50*time.Millisecond); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("of two that spin on one CPU neither waited")
		}
	}
	if ns := total(sleeper.Process.Pid); ns > total(first.Process.Pid) {
		t.Errorf("one that sleeps waited for %s", time.Duration(ns))
	}
	for _, w := range Waits([]int{first.Process.Pid}, nil) {
		if w.Ran == 0 {
			t.Error("one that spins never ran")
		}
	}
	if w := Waits([]int{1 << 30}, nil); len(w) != 0 {
		t.Errorf("a process that is not there: %v", w)
	}
}

// BenchmarkLookAtSockets is what asking about so many connections costs.
func BenchmarkLookAtSockets(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ln := listenAt(b, "127.0.0.1:0", nil)
			go func() {
				for {
					if _, err := ln.Accept(); err != nil {
						return
					}
				}
			}()
			var clients []netip.AddrPort
			for range n {
				clients = append(clients, ends(dialTo(b, ln.Addr().String()).LocalAddr()))
			}
			s, err := OpenSockets(ends(ln.Addr()), 0)
			if err != nil {
				b.Skip(err)
			}
			defer s.Close()
			var into []Socket
			for b.Loop() {
				if into, err = s.Look(clients, into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("listening", func(b *testing.B) {
		ln := listenAt(b, "127.0.0.1:0", nil)
		s, err := OpenSockets(ends(ln.Addr()), 0)
		if err != nil {
			b.Skip(err)
		}
		defer s.Close()
		var into []Listener
		for b.Loop() {
			if into, err = s.Listening(into); err != nil || len(into) != 1 {
				b.Fatal(err, strings.Repeat("!", len(into)))
			}
		}
	})
}
