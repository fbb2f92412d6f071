package targets

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// introduction teaches a strategy's server HTTP/2 without TLS, for clients that
// know beforehand that it speaks it (RFC 9113 section 3.3). That is a field of
// http.Server, Protocols, which net/http reads again for each connection; but
// the servers are the strategies' own, naive's is even hidden in http.Serve, and
// what they show is how to stop, not how to begin. So the first connection that
// the server accepts is one of ours, in memory: its request finds the server in
// its context, and sets the field. The listener hands out no other connection
// until that is done, so that no goroutine reads the field meanwhile.
type introduction struct {
	once  sync.Once
	ended chan struct{} // closed when the first connection is over, whatever came of it
}

// introductionBound is how long the introduction may take, in case a server does
// not even answer its first request.
const introductionBound = 5 * time.Second

// first returns the first connection, and nil from then on, when that is over. A
// nil introduction has none.
func (i *introduction) first() (conn net.Conn) {
	if i == nil {
		return nil
	}
	i.once.Do(func() {
		ours, theirs := net.Pipe()
		conn = theirs
		go func() {
			defer close(i.ended) // here only: the listener waits for it
			defer ours.Close()
			// A pipe takes no byte without a reader: without a bound a server that
			// is stopped at once would keep us for ever.
			_ = ours.SetDeadline(time.Now().Add(introductionBound))
			_, _ = io.WriteString(ours, "GET / HTTP/1.1\r\nHost: introduction\r\nConnection: close\r\n\r\n")
			_, _ = io.Copy(io.Discard, ours) // its end is all that matters
		}()
	})
	if conn == nil {
		<-i.ended
	}
	return conn
}

// introduced reports whether a request is the one of the introduction, and if so
// sets the field.
func introduced(r *http.Request) bool {
	if r.RemoteAddr != pipeAddr {
		return false
	}
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		server.Protocols = new(http.Protocols)
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
	}
	return true
}

// pipeAddr is the remote address of a connection in memory: no other has it.
const pipeAddr = "pipe"
