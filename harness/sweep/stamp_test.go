package sweep

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"lastcall/harness/history"
)

// needsStamps skips a test where the kernel has given none, but not in CI on Linux,
// where it gives them.
func needsStamps(t *testing.T, got bool) {
	t.Helper()
	switch {
	case got:
	case runtime.GOOS == "linux" && os.Getenv("CI") == "true":
		t.Fatal("the kernel has given no stamp")
	default:
		t.Skip("the kernel has given no stamp (SO_TIMESTAMPING): instants are those of write(2) here")
	}
}

// TestTheKernelStampsARequest: on either kind of connection, within the call, and the
// answer is read as ever.
func TestTheKernelStampsARequest(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	answer := func(c *net.TCPConn) {
		in := bufio.NewReader(c)
		for range 2 {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"))
		}
	}
	open := map[lane]func(*testing.T, string) *socket{
		fresh: func(t *testing.T, address string) *socket {
			s, err := openSocket(address)
			if err != nil {
				t.Fatal(err)
			}
			s.stampNext()
			return s
		},
		reused: func(t *testing.T, address string) *socket {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			if err := ask(t.Context(), conn.(*net.TCPConn), "GET", []byte(request), true); err != nil {
				t.Fatal(err)
			}
			s, err := takeSocket(conn.(*net.TCPConn))
			if err != nil {
				t.Fatal(err)
			}
			s.stampNext()
			return s
		},
	}
	for kind, name := range map[lane]string{reused: "reused", fresh: "fresh"} {
		t.Run(name, func(t *testing.T) {
			sd := &shutdown{plan: &Plan{}, base: time.Now(), lane: kind}
			s := &shot{lane: kind, socket: open[kind](t, listen(t, answer)), method: "GET", request: []byte(request)}
			sd.shots = []*shot{s}
			before, v := sd.wall(), &volley{shutdown: sd, zero: time.Now()}
			v.send(s)
			for len(v.waiting) > 0 {
				v.poll()
			}
			sd.readStamps(before, sd.wall())
			s.finish(sd.now, time.Now().Add(20*time.Second))
			if r := s.record; r.Outcome != history.Completed || r.Status != 200 || !r.Written {
				t.Errorf("the answer was not read: %+v", r)
			}
			needsStamps(t, s.stamped > 0)
			if s.stamped < s.record.Sent || s.stamped > s.written {
				t.Errorf("a stamp at %s of a call from %s to %s", s.stamped, s.record.Sent, s.written)
			}
		})
	}
}

func TestAStampIsConverted(t *testing.T) {
	const zero = wall(1_700_000_000_000_000_000)
	for name, tt := range map[string]struct {
		stamp int64
		after wall
		want  time.Duration
	}{
		"both alike":        {int64(zero) + 5000, zero, 5 * us},
		"within the error":  {int64(zero) + 5000, zero + wall(stepped), 5 * us},
		"stepped forwards":  {int64(zero) + 5000, zero + wall(stepped) + 1, 0},
		"stepped backwards": {int64(zero) + 5000, zero - wall(time.Hour), 0},
		"none":              {0, zero, 0},
	} {
		if got := when(tt.stamp, zero, tt.after); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestTheClocksAreCompared: what the wall clock shows is found again on the shutdown's.
func TestTheClocksAreCompared(t *testing.T) {
	s := &shutdown{base: time.Now()}
	w := s.wall()
	before := s.now()
	at := when(time.Now().UnixNano(), w, w)
	if after := s.now(); at < before-stepped || at > after+stepped {
		t.Errorf("%s, between %s and %s", at, before, after)
	}
}

// TestMoreThanTheKernelTakesAtOnce: what is left of a request is written when all were
// sent, no stamp counts for it, and one that comes late is not taken for the connection's
// end. That is seldom the last thing that befalls the connection, so it is tried often.
func TestMoreThanTheKernelTakesAtOnce(t *testing.T) {
	for range 20 {
		moreThanTheKernelTakesAtOnce(t)
	}
}

func moreThanTheKernelTakesAtOnce(t *testing.T) {
	t.Helper()
	address := listen(t, func(c *net.TCPConn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		if err := req.Write(io.Discard); err == nil {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		}
	})
	socket, err := openSocket(address)
	if err != nil {
		t.Fatal(err)
	}
	socket.stampNext()
	head := "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n"
	sd := &shutdown{plan: &Plan{}, base: time.Now(), lane: fresh}
	s := &shot{lane: fresh, socket: socket, method: "PUT", request: append([]byte(head), make([]byte, 20_000_000)...)}
	sd.shots = []*shot{s}
	before, v := sd.wall(), &volley{shutdown: sd, zero: time.Now()}
	v.send(s)
	for len(v.waiting) > 0 {
		v.poll()
	}
	if s.record.Written {
		t.Skip("the kernel has taken all of it")
	}
	sd.readStamps(before, sd.wall())
	s.finish(sd.now, time.Now().Add(20*time.Second))
	if r := s.record; r.Outcome != history.Completed || !r.Written || int(r.BytesOut) != len(s.request) || s.stamped != 0 {
		t.Errorf("%+v, stamped at %s", r, s.stamped)
	}
}
