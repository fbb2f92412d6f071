package scenario

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"lastcall/harness/ledger"
)

// MaxTargets is how many targets one attack can have: a record names its own in
// one byte.
const MaxTargets = 256

// IDMark is replaced in a target's URL, its headers' values and its body by the
// ledger id of each request, which is what X-Lastcall-Id says as well. So a
// table of the server's own can hold the ids.
const IDMark = "{id}"

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

// WithoutPassword returns the URL as it was written, but for a password: errors end up in
// logs.
func WithoutPassword(u *url.URL, text string) string {
	if u.User == nil {
		return text
	}
	return u.Redacted()
}

// reserved are headers that belong to the connection, to the framing of a request or
// to lastcall's bookkeeping: to set one would change what is measured, or not be sent.
var reserved = []string{
	"Connection", "Content-Length", "Expect", "Trailer", "Transfer-Encoding", "Upgrade",
	"X-Vegeta-Seq", "X-Vegeta-Attack", ledger.HeaderID, // the first is seqHeader of load
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
