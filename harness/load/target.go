package load

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	vegeta "github.com/tsenart/vegeta/v12/lib"
	"golang.org/x/net/http/httpguts"

	"lastcall/harness/ledger"
)

// MaxTargets is how many targets one attack can have: a record names its own in
// one byte.
const MaxTargets = 256

// Target is one request that is sent again and again; several are sent in turn.
// IDMark in its URL, a header's value or its body is replaced each time.
type Target struct {
	Method string
	URL    string // absolute; only its host stands in the request, what is dialled is Config.Address
	Header http.Header
	Body   []byte
}

// Validate reports what keeps the target from being sent just as it stands. It
// is stricter than net/http, which leaves out some headers without a word and
// sends others twice.
func (t Target) Validate() error {
	if err := validMethod(t.Method); err != nil {
		return err
	}
	if _, err := parseURL(t.URL); err != nil {
		return err
	}
	for name, values := range t.Header {
		for _, value := range values {
			if err := validSpelling(name); err != nil {
				return err
			}
			if err := ValidHeader(name, value); err != nil {
				return fmt.Errorf("the request %w", err)
			}
		}
	}
	if hosts := t.Header["Host"]; len(hosts) > 1 {
		return fmt.Errorf("a request has one Host, not %d", len(hosts))
	}
	return nil
}

func validMethod(method string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(method): // both are tokens (RFC 9110 section 5.6.2)
		return fmt.Errorf("%q is not a method: write one such as GET or POST", method)
	case method == http.MethodConnect:
		return errors.New("CONNECT opens a tunnel: there is no answer to wait for")
	}
	return nil
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is not a URL: %w", text, errors.Unwrap(err))
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("%q is not the URL of a server: write it in full, as http://localhost:8080/path", shown(u, text))
	}
	if err := ValidURL(u, text); err != nil {
		return nil, fmt.Errorf("the URL %q %w", shown(u, text), err)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("the URL %q names no host", shown(u, text))
	}
	return u, nil
}

// ValidURL reports what keeps a URL, or the path of one, from being sent as it was
// written: "has a space in it: write %20".
func ValidURL(u *url.URL, text string) error {
	switch {
	case strings.ContainsRune(text, ' '):
		return errors.New("has a space in it: write %20")
	case strings.ContainsRune(text, '#'):
		return errors.New("has a fragment, which is never sent: leave it out")
	case u.User != nil:
		return errors.New("has a user in it, which is never sent: send an Authorization header")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("has the port %s: a port is from 1 to 65535", port)
		}
	}
	return nil
}

// shown returns the URL as it was written, but for a password: errors end up in
// logs.
func shown(u *url.URL, text string) string {
	if u.User == nil {
		return text
	}
	return u.Redacted()
}

// special are headers that net/http handles itself when they are spelt like
// this. Spelt otherwise they would be sent a second time.
var special = []string{"Host", "User-Agent"}

// validSpelling refuses such a header in another spelling.
func validSpelling(name string) error {
	for _, proper := range special {
		if strings.EqualFold(name, proper) && name != proper {
			return fmt.Errorf("the header %s must be written %s, because otherwise there would be two", name, proper)
		}
	}
	return nil
}

// reserved are headers that belong to the connection, to the framing of a request or
// to lastcall's bookkeeping: to set one would change what is measured, or not be sent.
var reserved = []string{
	"Connection", "Content-Length", "Expect", "Trailer", "Transfer-Encoding", "Upgrade",
	seqHeader, "X-Vegeta-Attack", ledger.HeaderID,
}

// ValidHeader reports what keeps a header from being sent as it stands: "has X, which
// lastcall sets itself".
func ValidHeader(name, value string) error {
	switch {
	case slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, name) }):
		return fmt.Errorf("has %s, which lastcall sets itself: leave it out", name)
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("has %q: %q, which no request can carry: write it as in Content-Type: text/plain", name, value)
	case !httpguts.ValidHeaderFieldValue(value), strings.EqualFold(name, "Host") && !httpguts.ValidHostHeader(value):
		return fmt.Errorf("has %q: %q, which no request can carry", name, value)
	}
	return nil
}

// Origin returns the scheme and the host with its port that all targets share,
// for one attack loads one server. It reports a target that cannot be sent, by
// its number from 1, and one that leads elsewhere than the first.
func Origin(targets []Target) (scheme, host string, err error) {
	if len(targets) == 0 {
		return "", "", errNoTarget
	}
	if len(targets) > MaxTargets {
		return "", "", fmt.Errorf("%d targets: at most %d", len(targets), MaxTargets)
	}
	for i, t := range targets {
		if err := t.Validate(); err != nil {
			return "", "", fmt.Errorf("target %d: %w", i+1, err)
		}
		u, err := parseURL(t.URL)
		if err != nil {
			return "", "", fmt.Errorf("target %d: %w", i+1, err)
		}
		if i == 0 {
			scheme, host = u.Scheme, hostPort(u)
		} else if u.Scheme != scheme || hostPort(u) != host {
			return "", "", fmt.Errorf("target %d: %q leads to another server than the first target's %s://%s: test one at a time",
				i+1, shown(u, t.URL), scheme, host)
		}
	}
	return scheme, host, nil
}

// hostPort returns the host in lower case and its port, the scheme's if it names
// none.
func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// targetKey carries a target's index from vegeta to our transport, which takes
// it off again: vegeta's targeter does not tie it to the sequence number. It is
// no name that a header can have, so that none of a user's can be mistaken for
// it, and net/http would refuse to send it.
const targetKey = "lastcall target"

// targeter returns what vegeta sends in turn. A single target needs no index.
func targeter(targets []Target) vegeta.Targeter {
	all := make([]vegeta.Target, len(targets))
	for i, t := range targets {
		all[i] = vegeta.Target{Method: t.Method, URL: t.URL, Header: t.Header, Body: t.Body}
		if len(targets) > 1 {
			all[i].Header = t.Header.Clone()
			if all[i].Header == nil {
				all[i].Header = make(http.Header)
			}
			all[i].Header[targetKey] = []string{strconv.Itoa(i)}
		}
	}
	return vegeta.NewStaticTargeter(all...)
}

// targetOf returns the index of the target that a request of vegeta's is.
func targetOf(req *http.Request) uint8 {
	value := req.Header[targetKey]
	if len(value) == 0 {
		return 0
	}
	index, _ := strconv.ParseUint(value[0], 10, 8) // written by targeter
	return uint8(index)
}
