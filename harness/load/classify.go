package load

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"

	"lastcall/harness/history"
	"lastcall/harness/wire"
)

// sighting is all that is known about a request that got no whole answer.
type sighting struct {
	wire.Seen
	err       error // what reading the answer came to
	cancelled bool  // we gave it up ourselves
}

// verdict is an outcome with what explains it.
type verdict struct {
	outcome history.Outcome
	cause   history.Cause
	reason  history.Reason
}

// classifyDial judges a request for which no connection could be had. Our own
// shortage proves nothing about the server.
//
// A TLS handshake that fails is a refusal too: nothing of the request was sent,
// and any client may try elsewhere. If the server hung up in it, that is the race
// for the accept queue in the form that TLS gives it: the kernel had accepted the
// connection for a listener that closed. Over plain TCP the same request would
// have been written by then, and dropped. It has a reason of its own, because a
// server can hang up like that while its listener is open.
func classifyDial(err error, cancelled bool) verdict {
	_, handshake := errors.AsType[*handshakeError](err)
	switch {
	case isAny(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM):
		return verdict{outcome: history.Unsent, reason: history.OutOfDescriptors}
	case isAny(err, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE):
		return verdict{outcome: history.Unsent, reason: history.OutOfPorts}
	case cancelled:
		return verdict{outcome: history.Unsent, reason: history.Cancelled}
	case isTimeout(err):
		return verdict{outcome: history.Refused, reason: history.DialTimeout}
	case handshake && isAny(err, syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF):
		return verdict{outcome: history.Refused, reason: history.TLSClosed}
	case handshake:
		return verdict{outcome: history.Refused, reason: history.TLSHandshake}
	case isAny(err, syscall.ECONNREFUSED):
		return verdict{outcome: history.Refused, reason: history.ConnectionRefused}
	case isAny(err, syscall.ECONNRESET):
		return verdict{outcome: history.Refused, reason: history.ConnectionReset}
	default:
		return verdict{outcome: history.Refused, reason: history.Unreachable}
	}
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
}

// classifyLoss judges a request that was tried on connections and got no whole
// answer. Bytes decide first: a request of which nothing was written is no
// loss, whatever net/http calls its error.
func classifyLoss(s sighting) verdict {
	switch {
	case s.cancelled:
		return verdict{outcome: history.Unsent, reason: history.Cancelled}
	case s.Out == 0 && s.Fate == wire.Alive:
		return verdict{outcome: history.Unsent, reason: history.Unsendable}
	case s.Out == 0 && s.Fate == wire.Overdue:
		return verdict{outcome: history.Refused, reason: history.DialTimeout}
	case s.Out == 0:
		return verdict{outcome: history.Refused, reason: history.DeadConnections}
	default:
		return verdict{outcome: history.Dropped, cause: causeOf(s)}
	}
}

// causeOf asks the connection before net/http, whose error for a head that was
// cut off within a line is that of a malformed one.
func causeOf(s sighting) history.Cause {
	switch {
	case s.Fate == wire.Overdue || isTimeout(s.err):
		return history.Hung
	case s.Fate == wire.Garbled:
		return history.Corrupt
	case s.In > 0 && s.Fate.Theirs():
		return history.Truncated
	case s.In > 0:
		return history.Corrupt // bytes came, no end did, and they were no HTTP answer
	case s.Fate == wire.Broken || s.Fate == wire.Piped:
		return history.Reset
	default:
		return history.Closed
	}
}

func isTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// idempotent reports whether a client may repeat a request of that method by
// itself after a connection failure (RFC 9110 section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case http.MethodPut, http.MethodDelete:
		return true
	}
	return safe(method)
}

func safe(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// replayable reports whether http.Transport would send the request again by
// itself (Go's net/http/request.go, isReplayable).
func replayable(req *http.Request) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	if safe(req.Method) {
		return true
	}
	_, key := req.Header["Idempotency-Key"]
	_, xKey := req.Header["X-Idempotency-Key"]
	return key || xKey
}

// masked reports whether http.Transport would have replayed the lost request
// and so hidden the loss: it does on a connection that had served before, when
// the loss came before the first byte of the answer (Go's
// net/http/transport.go, shouldRetryRequest).
func masked(req *http.Request, r *history.Request) bool {
	early := r.Cause == history.Closed || r.Cause == history.Reset
	return r.Outcome == history.Dropped && r.Reused && early && replayable(req)
}
