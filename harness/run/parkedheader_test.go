package run

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"lastcall/harness/ledger"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// TestAParkedConnectionHasItsHeader: a token for all kinds that ask, and a subprotocol, of
// which the server chooses one.
func TestAParkedConnectionHasItsHeader(t *testing.T) {
	for kind, head := range map[string]string{
		scenario.WebSocket: upgraded + "\r\nSec-WebSocket-Protocol: v2", scenario.EventStream: chunked, scenario.Idle: whole,
	} {
		t.Run(kind, func(t *testing.T) {
			seen := make(chan *http.Request, 1)
			s := newScripted(t, func(_ *scripted, _ int, conn *net.TCPConn) { seen <- ask(conn, head) })
			header := map[string]string{"authorization": "Bearer x", "Host": "other.invalid"}
			if kind == scenario.WebSocket {
				header["Sec-WebSocket-Protocol"] = "v1, v2"
			}
			got := park(t.Context(), []scenario.Park{{Kind: kind, URL: "/x", Count: 1, Header: header}}, s.endpoint(), func() time.Duration { return 1 }).result(true)
			r := <-seen
			if got[0].Opened == 0 || r.Close || r.Header.Get(ledger.HeaderID) != "" || r.Header.Get("Authorization") != "Bearer x" || r.Host != "other.invalid" {
				t.Errorf("%+v; asked for at %s with %v", got, r.Host, r.Header)
			}
			offered := strings.ReplaceAll(r.Header.Get("Sec-WebSocket-Protocol"), ", ", ",")
			if want := map[string]string{scenario.WebSocket: "v1,v2"}[kind]; offered != want {
				t.Errorf("it offers the subprotocols %q, want %q", offered, want)
			}
		})
	}
}

func TestHeadersThatNobodyCanPark(t *testing.T) {
	for _, c := range []struct {
		park scenario.Park
		says string
	}{
		{scenario.Park{Kind: scenario.Silent, Count: 1, Header: map[string]string{"A": "b"}}, "load.parked[0].header has no effect"},
		{scenario.Park{Kind: scenario.WebSocket, URL: "/", Count: 1, Header: map[string]string{"sec-websocket-key": "b"}}, "which lastcall sets itself"},
		{scenario.Park{Kind: scenario.WebSocket, URL: "/", Count: 1, Header: map[string]string{"Connection": "b"}}, "which lastcall sets itself"},
		{scenario.Park{Kind: scenario.EventStream, URL: "/", Count: 1, Header: map[string]string{"A": "b", "a": "c"}}, "which are the same"},
		{scenario.Park{Kind: scenario.WebSocket, URL: "/"}, "load.parked[0].count is missing"},
		{scenario.Park{URL: "/", Count: 1}, "load.parked[0].kind is missing"},
	} {
		if err := scenario.ValidParked(scenario.Load{Parked: []scenario.Park{c.park}}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.park, err, c.says)
		}
	}
}

// TestAnIdleConnectionOverTLS speaks HTTP/1.1 with a server that would rather speak
// HTTP/2. Where no path is named it asks for the subject's, without an id.
func TestAnIdleConnectionOverTLS(t *testing.T) {
	asked := make(chan *http.Request, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r }))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(s.Certificate())
	e := subject.Endpoint{
		Address: s.Listener.Addr().String(), TLS: &tls.Config{RootCAs: trusted},
		URL: &url.URL{Scheme: "https", Host: "example.com", Path: "/item/{id}", RawPath: "/item/{id}"},
	}
	p := park(t.Context(), []scenario.Park{{Kind: scenario.Idle, Count: 1}}, e, func() time.Duration { return 1 })
	r := <-asked
	s.Config.SetKeepAlivesEnabled(false) // which closes idle connections
	<-p.spots[0].done
	got := p.result(false)[0]
	if got.Opened == 0 || got.Ended == 0 || !got.Clean {
		t.Errorf("%+v", got)
	}
	if r.Proto != "HTTP/1.1" || r.Host != "example.com" || r.URL.Path != "/item/parked" {
		t.Errorf("it asks for %s of %s over %s", r.URL.Path, r.Host, r.Proto)
	}
}
