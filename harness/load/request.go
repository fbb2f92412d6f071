package load

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"

	"lastcall/harness/ledger"
)

// withID returns a copy of the request that carries its ledger id, also wherever
// its target asks for it, and not its target's index, and a body that knows
// whether it was read to its end. A RoundTripper must not change the request it
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
	if hasBody(clone) && !knownLength(clone) {
		clone.Body = &upload{ReadCloser: clone.Body}
	}
	return clone
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// knownLength reports whether the request's body has a known length. It is then
// left as it is: net/http sends a small one that lies in memory in one piece
// with its head, as any client does, but only if it can see that it does.
func knownLength(req *http.Request) bool { return req.ContentLength > 0 }

// upload is a body of unknown length that notes its end. net/http's writer reads
// it while the answer may already be coming.
type upload struct {
	io.ReadCloser
	ended atomic.Bool
}

// Read reads on and notes the end.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		u.ended.Store(true)
	}
	return n, err
}

// fullyWritten reports whether all of the request went out: its head, its body
// if it has one, and no write failed.
func fullyWritten(c *conn, req *http.Request) bool {
	head, written := c.head.Load(), c.written.Load()
	switch {
	case head == 0 || c.cut.Load():
		return false
	case !hasBody(req):
		return true
	case knownLength(req):
		return written-head >= req.ContentLength
	}
	u, ok := req.Body.(*upload)
	return ok && u.ended.Load()
}

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
	if !knownLength(req) {
		req.Body = &upload{ReadCloser: again}
	}
	return true
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // a RoundTripper must close it; what it says no longer matters
	}
}
