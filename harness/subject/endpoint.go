package subject

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"lastcall/harness/scenario"
	"lastcall/internal/input"
)

// Endpoint is where a booted server is asked.
type Endpoint struct {
	Address string      // host:port that is dialled: the host's name is resolved once and never again
	URL     *url.URL    // what is asked for, with the host's own name
	TLS     *tls.Config // nil: plain TCP
}

// expected is the endpoint of a URL whose port may not be known yet.
func expected(text string) Endpoint {
	u, err := scenario.ParseURL(text)
	if err != nil {
		u = &url.URL{Scheme: "http", Host: "127.0.0.1", Path: "/"} // a Check has refused what cannot be parsed
	}
	return Endpoint{URL: u}
}

// At returns the absolute URL at the endpoint that a text means: a path, or a URL,
// which must be of the same host; {port} in it is replaced.
func (e Endpoint) At(text string) (string, error) { return At(e, text) }

// At is where a request goes: to the endpoint, whatever path or URL it names.
// One that names another host would measure another server.
func At(e Endpoint, text string) (string, error) {
	hide, show := hideMark(text + e.URL.RawPath + e.URL.RawQuery)
	base := *e.URL
	if strings.Contains(base.RawPath, scenario.IDMark) {
		base.RawPath = hide(base.RawPath)
		base.Path, _ = url.PathUnescape(base.RawPath) // it has been read before
	}
	if text == "" {
		return show(base.String()), nil
	}
	u, err := base.Parse(hide(strings.ReplaceAll(text, scenario.PortMark, PortOf(e.URL))))
	if err != nil {
		return "", fmt.Errorf("has the url %q: %w", text, scenario.UnwrapURL(err))
	}
	if u.Scheme != e.URL.Scheme || PortOf(u) != PortOf(e.URL) || !strings.EqualFold(u.Hostname(), e.URL.Hostname()) {
		return "", fmt.Errorf("has the url %q, which is not at %s://%s: all requests go to one server", text, e.URL.Scheme, e.URL.Host)
	}
	return show(u.String()), nil
}

// hideMark returns what puts a word in the place of {id}, and what takes it out
// again: a URL that was read and written anew would have the braces escaped. The
// word is not in the text otherwise.
func hideMark(text string) (hide, show func(string) string) {
	word := "lastcall-id"
	for strings.Contains(text, word) {
		word += "-"
	}
	hide = func(s string) string { return strings.ReplaceAll(s, scenario.IDMark, word) }
	show = func(s string) string { return strings.ReplaceAll(s, word, scenario.IDMark) }
	return hide, show
}

// place is what is known of an endpoint before the server runs: a name can have
// several addresses, and only the server decides which it listens on.
type place struct {
	url       *url.URL
	addresses []string // host:port, IPv4 first
	tls       *tls.Config
}

// locate resolves the URL of a subject, whose {port} is that number. An address
// that is not loopback is refused unless the subject allows it: a load test
// must not hit a machine by a slip of the pen.
func locate(ctx context.Context, s scenario.Subject, port int) (place, error) {
	u, err := url.Parse(strings.ReplaceAll(s.URL, scenario.PortMark, strconv.Itoa(port)))
	if err != nil {
		return place{}, fmt.Errorf("url %q: %w", s.URL, scenario.UnwrapURL(err))
	}
	ips, err := resolve(ctx, u.Hostname(), s.AllowRemote)
	if err != nil {
		return place{}, err
	}
	p := place{url: u}
	for _, ip := range ips {
		p.addresses = append(p.addresses, net.JoinHostPort(ip.String(), PortOf(u)))
	}
	if u.Scheme == "https" {
		if p.tls, err = tlsConfig(ctx, s, u.Hostname()); err != nil {
			return place{}, err
		}
	}
	return p, nil
}

// PortOf is the port of a URL, also of one that leaves it to its scheme.
func PortOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// resolve looks a host up once. All of its addresses must be loopback.
func resolve(ctx context.Context, host string, allowRemote bool) ([]netip.Addr, error) {
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	for i, ip := range ips {
		ips[i] = ip.Unmap()
		if !ips[i].IsLoopback() && !allowRemote {
			return nil, fmt.Errorf("%s is %s, which is another machine: lastcall sends load to this machine only, unless you write --allow-remote", host, ips[i])
		}
	}
	slices.SortStableFunc(ips, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return slices.Compact(ips), nil
}

// MaxCA bounds a file of certificates, in bytes: all that a system trusts are
// some hundred kilobytes.
const MaxCA = 8 << 20

// tlsConfig is the client's side of https.
func tlsConfig(ctx context.Context, s scenario.Subject, host string) (*tls.Config, error) {
	config := &tls.Config{
		ServerName: host, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: s.Insecure, // asked for by name: --insecure
	}
	if s.CA == "" {
		return config, nil
	}
	pem, err := input.Read(ctx, s.CA, MaxCA)
	if err != nil {
		return nil, fmt.Errorf("read ca: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca %s has no certificate in PEM form", s.CA)
	}
	return config, nil
}
