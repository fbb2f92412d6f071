package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// meet accepts connections and treats each as told, in the handshake.
func meet(t *testing.T, treat func(*net.TCPConn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				treat(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return listener.Addr().String()
}

// hello reads the client's first message, so that closing does not reset.
func hello(c net.Conn) { _, _ = io.ReadAtLeast(c, make([]byte, 16<<10), 5) }

func shake(config *tls.Config) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		secured := tls.Server(c, config)
		_ = secured.Handshake()
		_, _ = io.Copy(io.Discard, secured) // until the client gives up
	}
}

// badHandshakes are servers with which no TLS can be had.
func badHandshakes() map[string]struct {
	treat  func(*net.TCPConn)
	reason history.Reason
	says   string // of Handshake
} {
	type server = struct {
		treat  func(*net.TCPConn)
		reason history.Reason
		says   string
	}
	own := ours509()
	with := func(cert tls.Certificate) func(*net.TCPConn) {
		return shake(&tls.Config{Certificates: []tls.Certificate{cert}})
	}
	expired := own.issue([]string{"localhost"}, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Unix(1e9, 0), time.Unix(1e9+60, 0)
	})
	other := newAuthority("other \x1b[31m")
	itself := new(authority).issue([]string{"localhost"}, nil)
	failed, closed := history.TLSHandshake, history.TLSClosed
	return map[string]server{
		"RST after the hello":       {func(c *net.TCPConn) { hello(c); _ = c.SetLinger(0) }, closed, "closed the connection during the TLS handshake"},
		"FIN after the hello":       {func(c *net.TCPConn) { hello(c) }, closed, "closed the connection during the TLS handshake"},
		"FIN within a record":       {func(c *net.TCPConn) { hello(c); _, _ = c.Write([]byte{22, 3, 3, 0, 9, 2}) }, closed, "closed the connection during the TLS handshake"},
		"an alert":                  {func(c *net.TCPConn) { hello(c); _, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 40}) }, failed, "refuses the TLS connection: remote error: tls: handshake failure"},
		"plain HTTP":                {func(c *net.TCPConn) { hello(c); _, _ = io.WriteString(c, "HTTP/1.1 400 What?\r\n\r\n") }, failed, "does not speak TLS: it answers in plain HTTP"},
		"another protocol":          {func(c *net.TCPConn) { _, _ = io.WriteString(c, "220 mail.example ESMTP\r\n"); hello(c) }, failed, "does not speak TLS"},
		"only another protocol":     {shake(&tls.Config{Certificates: own.server("localhost").Certificates, NextProtos: []string{"smtp"}}), failed, "refuses the TLS connection: remote error: tls: no application protocol"},
		"only an old TLS":           {shake(&tls.Config{Certificates: own.server("localhost").Certificates, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}), failed, "refuses the TLS connection: remote error: tls: protocol version"},
		"another host":              {with(own.issue([]string{"a.example", "b.example", "127.0.0.2"}, nil)), failed, `the certificate is not for "localhost": it is for "a.example", "b.example", 127.0.0.2`},
		"many other hosts":          {with(own.issue(strings.Fields("a b c d e f"), nil)), failed, `it is for "a", "b", "c", "d", "e", ...`},
		"no host":                   {with(own.issue(nil, nil)), failed, `the certificate is not for "localhost": it names no host`},
		"a name made to be printed": {with(own.issue([]string{"\x1b[31m"}, nil)), failed, `it is for "\x1b[31m"`},
		"an unknown authority":      {with(other.issue([]string{"localhost"}, nil)), failed, `the certificate of "localhost" is not trusted: its issuer, "CN=other \x1b[31m", is unknown here`},
		"no authority":              {with(itself), failed, `the certificate of "localhost" is not trusted: it is self-signed`},
		"expired":                   {with(expired), failed, `the certificate of "localhost" is valid from 2001-09-09 01:46 UTC to 2001-09-09 01:47 UTC only`},
	}
}

// No byte of the request was sent: it is refused, and the reason says by whom.
func TestFailedHandshakeIsRefused(t *testing.T) {
	for name, tt := range badHandshakes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := meet(t, tt.treat)
			for _, lanes := range []scenario.Connections{scenario.Reused, scenario.Fresh} {
				got := newTLSRig(t, address, lanes, ample).do(http.MethodPost, "order")
				want := history.Request{Outcome: history.Refused, Reason: tt.reason, Pooled: lanes == scenario.Reused}
				if diff := cmp.Diff(want, facts(got)); diff != "" {
					t.Errorf("record (-want +got):\n%s", diff)
				}
				if got.BytesOut != 0 || got.Sent != 0 || got.Connected != 0 || got.Conn != 0 {
					t.Errorf("%d bytes out on connection %d, connected %s", got.BytesOut, got.Conn, got.Connected)
				}
			}
		})
	}
}

// What the preflight says of the same servers is one sentence that holds nothing
// of theirs unquoted.
func TestHandshakeExplains(t *testing.T) {
	for name, tt := range badHandshakes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := ours509().client()
			config.ServerName = "localhost"
			err := Handshake(t.Context(), meet(t, tt.treat), config)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("%v, want %q", err, tt.says)
			}
			if strings.ContainsAny(err.Error(), "\x1b\n") || errors.Unwrap(err) == nil {
				t.Errorf("%q with the cause %v", err, errors.Unwrap(err))
			}
		})
	}
}

func TestHandshake(t *testing.T) {
	good := meet(t, shake(ours509().server("localhost", "127.0.0.1")))
	silent := meet(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	keyed := ours509().server("127.0.0.1")
	keyed.ClientAuth = tls.RequireAnyClientCert
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	certificates := []tls.Certificate{ours509().issue([]string{"client"}, nil)}
	tests := map[string]struct {
		address string
		change  func(*tls.Config)
		says    string // "" if all is well
	}{
		"the address is the name":      {good, func(*tls.Config) {}, ""},
		"another name":                 {good, func(c *tls.Config) { c.ServerName = "localhost" }, ""},
		"a name it is not for":         {good, func(c *tls.Config) { c.ServerName = "example.com" }, `the certificate is not for "example.com": it is for "localhost", 127.0.0.1`},
		"no name is asked for":         {good, func(c *tls.Config) { c.ServerName, c.InsecureSkipVerify = "example.com", true }, ""},
		"a client without certificate": {meet(t, shake(keyed)), func(*tls.Config) {}, "refuses the TLS connection: remote error: tls: certificate required"},
		"a client with one":            {meet(t, shake(keyed)), func(c *tls.Config) { c.Certificates = certificates }, ""},
		"nobody listens":               {closed.Addr().String(), func(*tls.Config) {}, "connection refused"},
		"nobody answers":               {silent, func(*tls.Config) {}, silent + " did not finish the TLS handshake in time: does it speak TLS?"},
		"no port":                      {"localhost", func(*tls.Config) {}, "missing port in address"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*short)
			defer cancel()
			config := ours509().client()
			tt.change(config)
			err := Handshake(ctx, tt.address, config)
			if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}

func TestSilentHandshakeIsRefusedAtTheDeadline(t *testing.T) {
	t.Parallel()
	address := meet(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	got := newTLSRig(t, address, scenario.Reused, short).do(http.MethodGet, "")
	want := history.Request{Outcome: history.Refused, Reason: history.DialTimeout, Pooled: true, Idempotent: true}
	if diff := cmp.Diff(want, facts(got)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if took := got.End - got.Started; took < short || took > short+3*time.Second {
		t.Errorf("it was given up after %s", took)
	}
}

// told is a source of randomness that tells when the handshake begins, which is
// when the TCP connection stands.
type told struct {
	began chan struct{}
	once  sync.Once
}

func (r *told) Read(p []byte) (int, error) {
	r.once.Do(func() { close(r.began) }) // closed once
	clear(p)
	return len(p), nil
}

// A listener that closes resets what waits in its queue. Over plain TCP the
// request is written by then and dropped; over TLS nothing of it is.
func TestAcceptQueueOverTLS(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := newTLSRig(t, listener.Addr().String(), scenario.Fresh, ample)
	source := &told{began: make(chan struct{})}
	r.pool.tls.Rand = source
	go func() {
		<-source.began
		listener.Close()
	}()
	got := r.do(http.MethodGet, "")
	want := history.Request{Outcome: history.Refused, Reason: history.TLSClosed, Idempotent: true}
	if diff := cmp.Diff(want, facts(got)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// Without a config the machine's own authorities decide.
func TestHandshakeWithoutConfig(t *testing.T) {
	address := meet(t, shake(ours509().server("127.0.0.1")))
	if err := Handshake(t.Context(), address, nil); err == nil || !strings.Contains(err.Error(), "is unknown here") {
		t.Errorf("%v, want one about an unknown authority", err)
	}
}
