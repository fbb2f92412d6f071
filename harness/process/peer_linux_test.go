package process

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestPeer: what the kernel shows of the other end, from the accept queue to the
// end.
func TestPeer(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", "[::]:0"} {
		t.Run(address, func(t *testing.T) {
			ln, err := net.Listen("tcp", address)
			if err != nil {
				t.Skip(err) // a machine without IPv6
			}
			defer ln.Close()
			_, port, _ := net.SplitHostPort(ln.Addr().String())
			host := map[string]string{"127.0.0.1:0": "127.0.0.1", "[::1]:0": "::1", "[::]:0": "127.0.0.1"}[address]
			client, err := net.Dial("tcp", net.JoinHostPort(host, port))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			look := func(want Peer) {
				t.Helper()
				var got Peer
				var err error
				for end := time.Now().Add(patience); time.Now().Before(end) && (got != want || err != nil); time.Sleep(time.Millisecond) {
					got, err = FindPeer(ends(client.RemoteAddr()), ends(client.LocalAddr()))
				}
				if got != want || err != nil {
					t.Fatalf("got %+v, %v, want %+v", got, err, want)
				}
			}
			if _, err := client.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			look(Peer{Unread: 5})
			if n, err := Queued(ends(client.RemoteAddr())); n != 1 || err != nil {
				t.Errorf("%d wait in the accept queue, %v, want 1", n, err)
			}
			if n, err := Unacknowledged(client.(*net.TCPConn)); n != 0 || err != nil {
				t.Errorf("%d bytes are not acknowledged, %v", n, err)
			}
			served, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer served.Close()
			look(Peer{Accepted: true, Unread: 5})
			if _, err := served.Read(make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			look(Peer{Accepted: true})
			if n, err := Queued(ends(client.RemoteAddr())); n != 0 || err != nil {
				t.Errorf("%d wait in the accept queue, %v, want none", n, err)
			}
			if _, err := served.Write([]byte("bye")); err != nil {
				t.Fatal(err)
			}
			look(Peer{Accepted: true})
			if n, err := Unread(client.(*net.TCPConn)); n != 3 || err != nil {
				t.Errorf("%d bytes are unread here, %v, want 3", n, err)
			}
			served.Close()
			look(Peer{Accepted: true, Closed: true})
			stranger := netip.AddrPortFrom(ends(client.LocalAddr()).Addr(), 1)
			if _, err := FindPeer(ends(client.RemoteAddr()), stranger); !errors.Is(err, ErrNoPeer) {
				t.Errorf("of a connection that is not there: %v, want ErrNoPeer", err)
			}
		})
	}
}

func ends(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }

// TestDiagnosisThatIsNone: whatever comes, it is an error and no panic.
func TestDiagnosisThatIsNone(t *testing.T) {
	for _, text := range []string{"", "\x10\x00\x00\x00\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\x12\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"} {
		found := 0
		_, err := each([]byte(text), func(uint32, message) { found++ })
		if found > 0 || err == nil && text != "" {
			t.Errorf("%q is read as %d sockets, %v", text, found, err)
		}
	}
}
