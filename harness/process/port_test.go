package process

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestChoosePort(t *testing.T) {
	low, high := ephemeral()
	if low < 1 || high < low || high > highPort {
		t.Fatalf("the range is %d-%d", low, high)
	}
	whole := low <= lowestPort && high == highPort
	seen := map[int]bool{}
	for i := range 600 { // of so many some would meet if it were left to chance
		port, err := ChoosePort()
		if err != nil {
			t.Fatal(err)
		}
		if port < lowestPort || port > highPort || seen[port] || !whole && port >= low && port <= high {
			t.Fatalf("port %d is in the range %d-%d, or was given before: %t", port, low, high, seen[port])
		}
		seen[port] = true
		if i >= 50 {
			continue
		}
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if PortTaken(addr) {
			t.Errorf("%s is taken", addr)
		}
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Errorf("nobody can listen there: %v", err)
			continue
		}
		ln.Close()
	}
}

func TestOutside(t *testing.T) {
	for _, tt := range []struct {
		low, high int
		want      []span
	}{
		{32768, 60999, []span{{10000, 32767}, {61000, 65535}}},
		{49152, 65535, []span{{10000, 49151}}},
		{1024, 40000, []span{{40001, 65535}}},
		{1024, 5000, []span{{10000, 65535}}},
		{10001, 65534, []span{{10000, 10000}, {65535, 65535}}},
		{1024, 65535, []span{{10000, 65535}}}, // none is left
	} {
		if got := outside(tt.low, tt.high); !slices.Equal(got, tt.want) {
			t.Errorf("outside of %d-%d are %v, want %v", tt.low, tt.high, got, tt.want)
		}
	}
}

// TestPick: every port of the spans, and no other.
func TestPick(t *testing.T) {
	seen := map[int]int{}
	for range 1000 {
		seen[pick([]span{{10, 12}, {20, 20}, {30, 31}})]++
	}
	for _, port := range []int{10, 11, 12, 20, 30, 31} {
		if seen[port] < 100 {
			t.Errorf("port %d came %d times, want about 167", port, seen[port])
		}
		delete(seen, port)
	}
	if len(seen) > 0 {
		t.Errorf("these ports are in no span: %v", seen)
	}
}

// TestPortTaken: what a server that sets SO_REUSEADDR would meet.
func TestPortTaken(t *testing.T) {
	ln := listen(t)
	addr := ln.Addr().String()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	served := accept(t, ln)
	if !PortTaken(addr) {
		t.Errorf("somebody listens on %s", addr)
	}
	ln.Close()
	served.Close() // first: the port is left in FIN_WAIT2, and then in TIME_WAIT
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Fatal("the server has not closed")
	}
	c.Close()
	if PortTaken(addr) {
		t.Errorf("only a closed connection is left of %s", addr)
	}
}

// TestPortBound: by somebody who does not listen, and shares with nobody. It is no
// port to choose, but nobody serves there either.
func TestPortBound(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.CloseOnExec(fd)
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := bound.(*unix.SockaddrInet4).Port
	if addr := fmt.Sprintf("127.0.0.1:%d", port); PortTaken(addr) || free(port) {
		t.Errorf("%s is bound by somebody else", addr)
	}
}
