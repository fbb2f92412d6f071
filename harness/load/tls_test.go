package load

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// Whatever a server does, it is told over TLS as it is without.
func TestLossesOverTLS(t *testing.T) {
	for name, tt := range losses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.secure = true
			got := tt.run(t)
			if size := int64(len(tt.body)); got.Written != (got.BytesOut > size) {
				t.Errorf("%d bytes out of more than %d, written is %t", got.BytesOut, size, got.Written)
			}
			// crypto/tls would try to take leave for five seconds.
			if got.End-got.Started > short+3*time.Second {
				t.Errorf("it took %s to end", got.End-got.Started)
			}
		})
	}
}

func TestWholeAnswersOverTLS(t *testing.T) {
	for name, tt := range wholeAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.secure = true
			tt.answer(t, tt.keeps)
		})
	}
}

// record is a record of TLS that says it holds application data (RFC 8446
// section 5.1).
func record(data string) string {
	return string([]byte{23, 3, 3, byte(len(data) >> 8), byte(len(data))}) + data
}

// raw says text and then something beside TLS, and ends the connection.
func raw(text, beside string, end func(*exchange)) func(*rig, *exchange) {
	return func(r *rig, x *exchange) {
		x.body()
		x.say(text)
		r.delivered(len(text))
		_, _ = io.WriteString(x.TCPConn, beside)
		end(x)
	}
}

// alert makes the server's TLS send a fatal alert, for it reads what is no TLS.
func (x *exchange) alert() {
	x.over = true
	x.wire.garbled.Store(true)
	_, _ = x.stream.Read(make([]byte, 1))
	x.Close()
}

// What only TLS can do. Halves of records are sent where FIN is to come within
// one: crypto/tls takes it for the end only between two.
func tlsLosses() map[string]scene {
	half := okHead + "Content-Length: 9\r\n\r\nhalf"
	part := record(strings.Repeat("x", 100))[:50]
	bye, fin, rst, hold := (*exchange).bye, (*exchange).fin, (*exchange).rst, (*exchange).hold
	return map[string]scene{
		"a closure alert before the answer":       {play: plays(bye), want: lost(history.Closed)},
		"FIN within a record before the answer":   {play: raw("", part, fin), want: lost(history.Closed)},
		"a closure alert in a head":               {play: then("HTTP/1.1 200 OK\r\nConte", bye), want: lost(history.Truncated)},
		"a closure alert in a body":               {play: then(half, bye), want: lostMidway(history.Truncated)},
		"a closure alert before the last chunk":   {play: then(okHead+chunked+"4\r\nhalf\r\n", bye), want: lostMidway(history.Truncated)},
		"FIN within a record of a body":           {play: raw(half, part, fin), want: lostMidway(history.Truncated)},
		"RST within a record of a body":           {play: raw(half, part, rst), want: lostMidway(history.Truncated)},
		"a fatal alert before the answer":         {play: plays((*exchange).alert), want: lost(history.Reset)},
		"a fatal alert in a body":                 {play: then(half, (*exchange).alert), want: lostMidway(history.Truncated)},
		"plain HTTP beside TLS":                   {play: raw("", okHead+"Content-Length: 2\r\n\r\nok", fin), want: lost(history.Corrupt)},
		"plain HTTP in a body":                    {play: raw(half, "HTTP/1.1 500 No\r\n\r\n", hold), want: lostMidway(history.Corrupt)},
		"a record that nobody encrypted":          {play: raw("", record(strings.Repeat("x", 100)), hold), want: lost(history.Corrupt)},
		"close-delimited, FIN within a record":    {play: raw(okHead+"\r\nhalf", part, fin), want: with(lostMidway(history.Truncated), unframe)},
		"close-delimited, a fatal alert":          {play: then(okHead+"\r\nhalf", (*exchange).alert), want: with(lostMidway(history.Truncated), unframe)},
		"a record that never ends":                {play: raw(half, part, hold), want: lostMidway(history.Hung), hung: true},
		"POST, a closure alert before the answer": {method: "POST", body: "order", play: plays(bye), want: with(lost(history.Closed), posted)},
	}
}

func TestLossesThatOnlyTLSHas(t *testing.T) {
	for name, tt := range tlsLosses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.secure = true
			tt.run(t)
		})
	}
}

func TestWholeAnswersThatOnlyTLSHas(t *testing.T) {
	part := record(strings.Repeat("x", 100))[:50]
	whole := okHead + "Content-Length: 2\r\n\r\nok"
	done := answered(history.Completed, 200)
	tests := map[string]wholeAnswer{
		"and a closure alert":                 {scene{play: then(whole, (*exchange).bye), want: done}, false},
		"and FIN within a record":             {scene{play: raw(whole, part, (*exchange).fin), want: done}, false},
		"and a fatal alert":                   {scene{play: then(whole, (*exchange).alert), want: done}, false},
		"in chunks, and no closure alert":     {scene{play: then(okHead+chunked+"2\r\nok\r\n0\r\n\r\n", (*exchange).fin), want: done}, false},
		"close-delimited and a closure alert": {scene{play: then(okHead+"\r\nall of it", (*exchange).bye), want: with(done, unframe)}, false},
		"close-delimited and none":            {scene{play: then(okHead+"\r\nall of it", (*exchange).fin), want: with(done, unframe)}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.secure = true
			tt.answer(t, tt.keeps)
		})
	}
}

// An expression knows whether a close-delimited answer was whole, whatever TLS
// says of its end.
func TestExpectedBodyOverTLS(t *testing.T) {
	part := record(strings.Repeat("x", 100))[:50]
	cut := with(lostMidway(history.Truncated), unframe)
	whole := with(answered(history.Completed, 200), closes)
	tests := map[string]struct {
		play func(*rig, *exchange)
		want history.Request
	}{
		"whole, with a closure alert":    {then(okHead+"\r\nthe end", (*exchange).bye), whole},
		"whole, without":                 {then(okHead+"\r\nthe end", (*exchange).fin), whole},
		"whole, and FIN within a record": {raw(okHead+"\r\nthe end", part, (*exchange).fin), whole},
		"cut, with a closure alert":      {then(okHead+"\r\nthe e", (*exchange).bye), cut},
		"cut, without":                   {then(okHead+"\r\nthe e", (*exchange).fin), cut},
		"cut within a record":            {raw(okHead+"\r\nthe e", part, (*exchange).fin), cut},
		"whole, and reset":               {raw(okHead+"\r\nthe end", part, (*exchange).rst), cut},
		"whole, and garbled":             {raw(okHead+"\r\nthe end", "no TLS at all", (*exchange).hold), with(lostMidway(history.Corrupt), unframe)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := scene{play: tt.play, secure: true}.set(t, ample)
			r.expect.Body = regexp.MustCompile("end$")
			tt.want.Attempts, tt.want.Pooled = 1, true
			if diff := cmp.Diff(tt.want, facts(r.do(http.MethodGet, ""))); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// What the handshake costs is no part of a request, and a ticket or an alert no
// part of an answer.
func TestOnlyHTTPIsCounted(t *testing.T) {
	plain := newRig(t, newScript(t, (*exchange).answer).address(), scenario.Reused, ample)
	secure := newTLSRig(t, newTLSScript(t, (*exchange).answer).address(), scenario.Reused, ample)
	for range 2 {
		want, got := plain.do(http.MethodGet, ""), secure.do(http.MethodGet, "")
		if got.BytesIn != want.BytesIn || got.BytesOut != want.BytesOut {
			t.Errorf("over TLS %d bytes out and %d in, without %d and %d", got.BytesOut, got.BytesIn, want.BytesOut, want.BytesIn)
		}
	}
}

// A client that had its answer takes leave as TLS asks for.
func TestLeaveIsTakenOfAGoodServer(t *testing.T) {
	left := make(chan int64, 1)
	s := newTLSScript(t, func(x *exchange) {
		x.answer()
		before := x.wire.came.Load()
		_, err := x.stream.Read(make([]byte, 1))
		if !errors.Is(err, io.EOF) {
			t.Errorf("the connection ended with %v", err)
		}
		x.over = true
		left <- x.wire.came.Load() - before
	})
	newTLSRig(t, s.address(), scenario.Fresh, ample).do(http.MethodGet, "")
	if n := <-left; n == 0 {
		t.Error("no closure alert came")
	}
}

// A record that the kernel took in part is none: nobody can decrypt it. Nor is
// leave taken after it, for which crypto/tls might wait.
func TestPartOfARecordIsNotSent(t *testing.T) {
	const record = 16 << 10
	r := newTLSRig(t, newTLSScript(t, (*exchange).answer).address(), scenario.Reused, ample)
	var counting atomic.Bool
	records := 0
	r.tamperFirst(1, func(raw net.Conn, p []byte) (int, error) {
		if !counting.Load() { // it is the handshake
			return raw.Write(p)
		}
		switch records++; {
		case records > 3:
			if n, err := raw.Write(p); err == nil {
				t.Errorf("%d bytes follow half a record", n)
			}
			return 0, io.ErrClosedPipe
		case records == 3:
			n, _ := raw.Write(p[:len(p)/2])
			return n, io.ErrClosedPipe
		}
		return raw.Write(p)
	})
	r.park(1)
	counting.Store(true)
	got := r.do(http.MethodPost, huge()[:5*record])
	if got.BytesOut != 2*record || got.Written || got.Outcome != history.Dropped || records != 3 {
		t.Errorf("%s, %d bytes out, written is %t, %d records; want two records of three", got.Outcome, got.BytesOut, got.Written, records)
	}
}

func secureConfig(address string) Config {
	c := config(address)
	c.TLS = ours509().client()
	c.Targets[0].URL = strings.Replace(strings.Replace(c.Targets[0].URL, "http:", "https:", 1), "127.0.0.1", "localhost", 1)
	return c
}

func TestConservationOverTLS(t *testing.T) {
	for _, lanes := range []scenario.Connections{scenario.Reused, scenario.Fresh, scenario.Mixed} {
		t.Run(string(lanes), func(t *testing.T) {
			var served, wrong atomic.Int64
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.ProtoMajor != 1 || req.TLS.ServerName != "localhost" || req.TLS.NegotiatedProtocol != "http/1.1" {
					wrong.Add(1)
				}
				served.Add(1)
				_, _ = io.WriteString(w, "hello")
			}))
			s.TLS = ours509().server("localhost")
			s.TLS.NextProtos = []string{"h2", "http/1.1"} // h2 is not asked for
			s.StartTLS()
			defer s.Close()
			c := secureConfig(s.Listener.Addr().String())
			c.Lanes, c.Rate = lanes, 300
			a := Start(c)
			eventually(t, "enough is served", func() bool { return served.Load() >= 60 })
			a.End()
			r := done(t, a)
			conserved(t, a, r)
			checkLanes(t, lanes, r.Requests)
			if int64(r.Scheduled) != served.Load() || wrong.Load() != 0 {
				t.Errorf("%d scheduled, %d served, %d of them wrongly", r.Scheduled, served.Load(), wrong.Load())
			}
			if c.TLS.NextProtos != nil || c.TLS.ServerName != "" {
				t.Error("the caller's config was changed")
			}
		})
	}
}

// Whoever interrupts waits for nothing: neither for handshakes nor for leaves.
func TestAbortOverTLS(t *testing.T) {
	silent := meet(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	deaf := startScript(t, ours509().server("localhost"), (*exchange).hold)
	tests := map[string]Config{"in the handshake": secureConfig(silent), "in an upload": secureConfig(deaf.address())}
	tests["in an upload"].Targets[0].Method, tests["in an upload"].Targets[0].Body = http.MethodPost, []byte(huge())
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			c.Rate = 50
			a := Start(c)
			eventually(t, "requests are open", func() bool { return a.Open() >= 10 })
			began := time.Now()
			a.Abort()
			r := done(t, a)
			conserved(t, a, r)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("it took %s", took)
			}
			for _, request := range r.Requests {
				if request.Outcome != history.Unsent || request.Reason != history.Cancelled {
					t.Errorf("request %d: %s, %s", request.Seq, request.Outcome, request.Reason)
				}
			}
		})
	}
}
