package subject

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lastcall/harness/scenario"
)

// ErrNoCheck says that a server has no readiness check that we know of.
var ErrNoCheck = errors.New("no readiness check is known")

// NotReady is an answer of the readiness check that is not 2xx.
type NotReady struct {
	Path   string
	Status int
}

// Error says what the check answered.
func (e *NotReady) Error() string {
	return fmt.Sprintf("readiness check %s answers %d %s", e.Path, e.Status, http.StatusText(e.Status))
}

// readiness asks one URL whether the server is ready. Like a kubelet it takes a
// new connection for each check, and it follows no redirect.
type readiness struct {
	template string // a path, or a URL that may hold {port}
	port     int    // for {port}
	url      *url.URL
	client   *http.Client
	secure   *tls.Config
	address  string
}

// pin fixes where the check is asked. A check on another port of the same host
// is dialled there.
func (r *readiness) pin(e Endpoint) {
	if r.client != nil {
		return
	}
	text := strings.ReplaceAll(r.template, scenario.PortMark, strconv.Itoa(r.port))
	u, err := e.URL.Parse(text)
	if err != nil {
		u = e.URL.JoinPath(text) // validated before: only a path that looks like an opaque URL comes here
	}
	r.url = u
	address := e.Address
	if host, _, err := net.SplitHostPort(e.Address); err == nil {
		address = net.JoinHostPort(host, PortOf(u))
	}
	r.address, r.secure = address, e.TLS
	r.client = r.speaking(Pinned(address, e.TLS))
}

func (r *readiness) speaking(t *http.Transport) *http.Client {
	t.DisableKeepAlives = true
	return Direct(t)
}

// try asks a server that boots. One that speaks only HTTP/2 without TLS is asked by
// that from then on; the error of one that speaks only TLS says so.
func (r *readiness) try(ctx context.Context) error {
	err := r.ask(ctx)
	notReady, answered := errors.AsType[*NotReady](err)
	switch {
	case err == nil, r.secure != nil, refused(err), TimedOut(err), answered && notReady.Status != http.StatusBadRequest:
		return err
	case !answered && speaksH2(ctx, r.address):
		transport := Pinned(r.address, nil)
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
		r.client = r.speaking(transport)
		return r.ask(ctx)
	case r.url.Scheme == "http" && speaksTLS(ctx, r.address):
		return errOnlyTLS
	}
	return err
}

// dialTimeout bounds a connect.
const dialTimeout = 5 * time.Second

// Pinned returns a transport that dials one address, whatever host is asked for,
// and no proxy.
func Pinned(address string, secure *tls.Config) *http.Transport {
	dialer := net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		Proxy: nil, TLSClientConfig: secure.Clone(),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
	}
}

// Direct returns a client that follows no redirect, which could lead to another
// server.
func Direct(t *http.Transport) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     t,
	}
}

// askTimeout bounds one check.
const askTimeout = time.Second

// ask asks once.
func (r *readiness) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.String(), nil)
	if err != nil {
		return fmt.Errorf("readiness check: %w", err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("readiness check: %w", err)
	}
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return &NotReady{r.url.Path, resp.StatusCode}
	}
	return nil
}
