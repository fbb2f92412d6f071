package load

import (
	"net/http"
	"strconv"

	"lastcall/harness/ledger"
)

// withID returns a copy of the request that carries its ledger id, also wherever
// its target asks for it, and not its target's index. A RoundTripper must not change the request it
// was given.
func (t *transport) withID(req *http.Request, seq uint32) *http.Request {
	clone := req.WithContext(req.Context())
	clone.Header = make(http.Header, len(req.Header)+1)
	for k, v := range req.Header {
		clone.Header[k] = v
	}
	delete(clone.Header, targetKey)
	id := t.prefix + strconv.FormatUint(uint64(seq), 10)
	clone.Header[ledger.HeaderID] = []string{id}
	if t.forms != nil {
		if f := t.forms[targetOf(req)]; f != nil {
			f.fill(clone, id)
		}
	}
	return clone
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// rewind gives the request its body again, for another connection. It reports
// false if that cannot be done.
func rewind(req *http.Request) bool {
	if !hasBody(req) {
		return true
	}
	if req.GetBody == nil {
		return false
	}
	again, err := req.GetBody()
	if err != nil {
		return false
	}
	closeBody(req)
	req.Body = again
	return true
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // a RoundTripper must close it; what it says no longer matters
	}
}
