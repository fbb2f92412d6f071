package load

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	vegeta "github.com/tsenart/vegeta/v12/lib"
	"golang.org/x/net/http/httpguts"

	"lastcall/harness/scenario"
)

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
			if err := scenario.ValidHeader(name, value); err != nil {
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
		return nil, fmt.Errorf("%q is not the URL of a server: write it in full, as http://localhost:8080/path", scenario.WithoutPassword(u, text))
	}
	if err := scenario.ValidURL(u, text); err != nil {
		return nil, fmt.Errorf("the URL %q %w", scenario.WithoutPassword(u, text), err)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("the URL %q names no host", scenario.WithoutPassword(u, text))
	}
	return u, nil
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
