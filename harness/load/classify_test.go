package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/wire"
)

func TestAnswerByStatus(t *testing.T) {
	tests := map[string]struct {
		status int
		want   history.Outcome
	}{
		"100 is no answer to anything":       {100, history.Failed},
		"101 leaves HTTP":                    {101, history.Failed},
		"199 is the last below success":      {199, history.Failed},
		"200":                                {200, history.Completed},
		"204":                                {204, history.Completed},
		"299":                                {299, history.Completed},
		"a redirect is an answer":            {302, history.Completed},
		"304":                                {304, history.Completed},
		"399 is the last success":            {399, history.Completed},
		"400":                                {400, history.Failed},
		"404":                                {404, history.Failed},
		"428":                                {428, history.Failed},
		"429 declines":                       {429, history.Rejected},
		"430":                                {430, history.Failed},
		"500":                                {500, history.Failed},
		"502 is wrong and does not decline":  {502, history.Failed},
		"503 declines":                       {503, history.Rejected},
		"504":                                {504, history.Failed},
		"a status that nobody has specified": {999, history.Failed},
		"no status at all":                   {0, history.Failed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (Expect{}).Outcome(tt.status); got != tt.want {
				t.Errorf("outcome(%d) = %s, want %s", tt.status, got, tt.want)
			}
		})
	}
}

// dialError wraps an error as net.Dialer does.
func dialError(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		err = os.NewSyscallError("connect", errno)
	}
	return &net.OpError{Op: "dial", Net: "tcp", Err: err}
}

// shaken wraps an error as the TLS handshake does.
func shaken(err error) error { return &handshakeError{err} }

// lateError is a net.Error of no type in particular.
type lateError bool

func (e lateError) Error() string   { return "late" }
func (e lateError) Timeout() bool   { return bool(e) }
func (e lateError) Temporary() bool { return false }

func TestClassifyDial(t *testing.T) {
	refused := func(r history.Reason) verdict { return verdict{outcome: history.Refused, reason: r} }
	unsent := func(r history.Reason) verdict { return verdict{outcome: history.Unsent, reason: r} }
	tests := map[string]struct {
		err       error
		cancelled bool
		want      verdict
	}{
		"EMFILE is our own shortage":          {dialError(syscall.EMFILE), false, unsent(history.OutOfDescriptors)},
		"ENFILE is our own shortage":          {dialError(syscall.ENFILE), false, unsent(history.OutOfDescriptors)},
		"ENOBUFS is our own shortage":         {dialError(syscall.ENOBUFS), false, unsent(history.OutOfDescriptors)},
		"ENOMEM is our own shortage":          {dialError(syscall.ENOMEM), false, unsent(history.OutOfDescriptors)},
		"EADDRNOTAVAIL is our own shortage":   {dialError(syscall.EADDRNOTAVAIL), false, unsent(history.OutOfPorts)},
		"EADDRINUSE is our own shortage":      {dialError(syscall.EADDRINUSE), false, unsent(history.OutOfPorts)},
		"a shortage is said even if we quit":  {dialError(syscall.EMFILE), true, unsent(history.OutOfDescriptors)},
		"a shortage of ports if we quit":      {dialError(syscall.EADDRINUSE), true, unsent(history.OutOfPorts)},
		"we quit while dialling":              {dialError(context.Canceled), true, unsent(history.Cancelled)},
		"we quit while it was being refused":  {dialError(syscall.ECONNREFUSED), true, unsent(history.Cancelled)},
		"we quit while it timed out":          {dialError(os.ErrDeadlineExceeded), true, unsent(history.Cancelled)},
		"we quit and the pool was closed":     {net.ErrClosed, true, unsent(history.Cancelled)},
		"nobody listens":                      {dialError(syscall.ECONNREFUSED), false, refused(history.ConnectionRefused)},
		"reset while connecting":              {dialError(syscall.ECONNRESET), false, refused(history.ConnectionReset)},
		"no handshake by the deadline":        {dialError(os.ErrDeadlineExceeded), false, refused(history.DialTimeout)},
		"the kernel's own connect timeout":    {dialError(syscall.ETIMEDOUT), false, refused(history.DialTimeout)},
		"a context's deadline is a timeout":   {dialError(context.DeadlineExceeded), false, refused(history.DialTimeout)},
		"any net.Error that says timeout":     {lateError(true), false, refused(history.DialTimeout)},
		"a net.Error that says no timeout":    {lateError(false), false, refused(history.Unreachable)},
		"no route":                            {dialError(syscall.EHOSTUNREACH), false, refused(history.Unreachable)},
		"no network":                          {dialError(syscall.ENETUNREACH), false, refused(history.Unreachable)},
		"text that only reads like a refusal": {errors.New("connection refused"), false, refused(history.Unreachable)},

		"we quit in the TLS handshake":         {shaken(context.Canceled), true, unsent(history.Cancelled)},
		"we quit, and TLS was cut off":         {shaken(io.EOF), true, unsent(history.Cancelled)},
		"a shortage in the TLS handshake":      {shaken(syscall.ENOBUFS), false, unsent(history.OutOfDescriptors)},
		"no TLS by the deadline":               {shaken(os.ErrDeadlineExceeded), false, refused(history.DialTimeout)},
		"the kernel gave TLS up":               {shaken(syscall.ETIMEDOUT), false, refused(history.DialTimeout)},
		"RST in the TLS handshake":             {shaken(syscall.ECONNRESET), false, refused(history.TLSClosed)},
		"a write after RST in it":              {shaken(syscall.EPIPE), false, refused(history.TLSClosed)},
		"FIN in the TLS handshake":             {shaken(io.EOF), false, refused(history.TLSClosed)},
		"FIN within one of its records":        {shaken(io.ErrUnexpectedEOF), false, refused(history.TLSClosed)},
		"an alert in the TLS handshake":        {shaken(&net.OpError{Op: "remote error", Err: lateError(false)}), false, refused(history.TLSHandshake)},
		"a certificate that is not trusted":    {shaken(x509.UnknownAuthorityError{}), false, refused(history.TLSHandshake)},
		"no TLS at all":                        {shaken(tls.RecordHeaderError{}), false, refused(history.TLSHandshake)},
		"a refusal that TLS only passes on":    {shaken(syscall.ECONNREFUSED), false, refused(history.TLSHandshake)},
		"FIN while dialling is no TLS of ours": {dialError(io.EOF), false, refused(history.Unreachable)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := classifyDial(tt.err, tt.cancelled); got != tt.want {
				t.Errorf("classifyDial(%v, %t) = %+v, want %+v", tt.err, tt.cancelled, got, tt.want)
			}
		})
	}
}

func TestClassifyLoss(t *testing.T) {
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	pipe := fmt.Errorf("transport connection broken: %w", os.NewSyscallError("write", syscall.EPIPE))
	late := &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	shut := &net.OpError{Op: "read", Net: "tcp", Err: net.ErrClosed}
	malformed := errors.New("malformed HTTP response")
	dropped := func(c history.Cause) verdict { return verdict{outcome: history.Dropped, cause: c} }
	unsent := func(r history.Reason) verdict { return verdict{outcome: history.Unsent, reason: r} }
	refused := verdict{outcome: history.Refused, reason: history.DeadConnections}
	tests := map[string]struct {
		seen sighting
		want verdict
	}{
		"FIN before a byte of the answer is closed":  {sighting{err: io.EOF, Seen: wire.Seen{Fate: wire.Finished, Out: 9}}, dropped(history.Closed)},
		"FIN that net/http words otherwise":          {sighting{err: malformed, Seen: wire.Seen{Fate: wire.Finished, Out: 9}}, dropped(history.Closed)},
		"RST before a byte is reset":                 {sighting{err: reset, Seen: wire.Seen{Fate: wire.Broken, Out: 9}}, dropped(history.Reset)},
		"EPIPE before a byte is reset":               {sighting{err: pipe, Seen: wire.Seen{Fate: wire.Broken, Out: 9}}, dropped(history.Reset)},
		"RST that net/http calls EOF is reset":       {sighting{err: io.EOF, Seen: wire.Seen{Fate: wire.Broken, Out: 9}}, dropped(history.Reset)},
		"FIN first and its echo is closed":           {sighting{err: pipe, Seen: wire.Seen{Fate: wire.Finished, Out: 9}}, dropped(history.Closed)},
		"FIN after a byte is truncated":              {sighting{err: io.ErrUnexpectedEOF, Seen: wire.Seen{Fate: wire.Finished, Out: 9, In: 1}}, dropped(history.Truncated)},
		"bare EOF after a byte is truncated":         {sighting{err: io.EOF, Seen: wire.Seen{Fate: wire.Finished, Out: 9, In: 1}}, dropped(history.Truncated)},
		"reset after a byte is truncated":            {sighting{err: reset, Seen: wire.Seen{Fate: wire.Broken, Out: 9, In: 1}}, dropped(history.Truncated)},
		"EPIPE after a byte is truncated":            {sighting{err: pipe, Seen: wire.Seen{Fate: wire.Broken, Out: 9, In: 1}}, dropped(history.Truncated)},
		"closed by our writer's RST is truncated":    {sighting{err: shut, Seen: wire.Seen{Fate: wire.Broken, Out: 9, In: 1}}, dropped(history.Truncated)},
		"bytes that are no HTTP are corrupt":         {sighting{err: malformed, Seen: wire.Seen{Fate: wire.Alive, Out: 9, In: 7}}, dropped(history.Corrupt)},
		"a head cut within a line is truncated":      {sighting{err: malformed, Seen: wire.Seen{Fate: wire.Finished, Out: 9, In: 7}}, dropped(history.Truncated)},
		"a head reset within a line is truncated":    {sighting{err: malformed, Seen: wire.Seen{Fate: wire.Broken, Out: 9, In: 7}}, dropped(history.Truncated)},
		"no byte by the deadline is hung":            {sighting{err: late, Seen: wire.Seen{Fate: wire.Overdue, Out: 9}}, dropped(history.Hung)},
		"no end by the deadline is hung":             {sighting{err: late, Seen: wire.Seen{Fate: wire.Overdue, Out: 9, In: 99}}, dropped(history.Hung)},
		"a deadline that net/http hides is hung":     {sighting{err: malformed, Seen: wire.Seen{Fate: wire.Overdue, Out: 9}}, dropped(history.Hung)},
		"a deadline that the connection missed":      {sighting{err: late, Seen: wire.Seen{Fate: wire.Alive, Out: 9, In: 9}}, dropped(history.Hung)},
		"any other timeout is hung":                  {sighting{err: lateError(true), Seen: wire.Seen{Fate: wire.Alive, Out: 9}}, dropped(history.Hung)},
		"an error that could time out and did not":   {sighting{err: lateError(false), Seen: wire.Seen{Fate: wire.Finished, Out: 9}}, dropped(history.Closed)},
		"given up with bytes out proves nothing":     {sighting{err: shut, cancelled: true, Seen: wire.Seen{Fate: wire.Ours, Out: 9}}, unsent(history.Cancelled)},
		"given up with bytes in proves nothing":      {sighting{err: io.EOF, cancelled: true, Seen: wire.Seen{Fate: wire.Finished, Out: 9, In: 9}}, unsent(history.Cancelled)},
		"given up before a byte proves nothing":      {sighting{err: shut, cancelled: true, Seen: wire.Seen{Fate: wire.Ours}}, unsent(history.Cancelled)},
		"no byte left a live connection":             {sighting{err: malformed, Seen: wire.Seen{Fate: wire.Alive}}, unsent(history.Unsendable)},
		"dead by FIN before a byte is no loss":       {sighting{err: io.EOF, Seen: wire.Seen{Fate: wire.Finished}}, refused},
		"dead by RST before a byte is no loss":       {sighting{err: reset, Seen: wire.Seen{Fate: wire.Broken}}, refused},
		"dead by EPIPE before a byte is no loss":     {sighting{err: pipe, Seen: wire.Seen{Fate: wire.Broken}}, refused},
		"a deadline before a byte is no loss":        {sighting{err: late, Seen: wire.Seen{Fate: wire.Overdue}}, verdict{outcome: history.Refused, reason: history.DialTimeout}},
		"no TLS before a byte of the answer":         {sighting{err: malformed, Seen: wire.Seen{Fate: wire.Garbled, Out: 9}}, dropped(history.Corrupt)},
		"no TLS after a byte of it":                  {sighting{err: malformed, Seen: wire.Seen{Fate: wire.Garbled, Out: 9, In: 1}}, dropped(history.Corrupt)},
		"dead by what is no TLS is no loss":          {sighting{err: malformed, Seen: wire.Seen{Fate: wire.Garbled}}, refused},
		"a single byte out and FIN is a loss":        {sighting{err: io.EOF, Seen: wire.Seen{Fate: wire.Finished, Out: 1}}, dropped(history.Closed)},
		"bytes in but none out is no loss of ours":   {sighting{err: io.EOF, Seen: wire.Seen{Fate: wire.Finished, In: 30}}, refused},
		"an answer that says EOF in its text is bad": {sighting{err: errors.New("unexpected EOF"), Seen: wire.Seen{Fate: wire.Alive, Out: 9, In: 9}}, dropped(history.Corrupt)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := classifyLoss(tt.seen); got != tt.want {
				t.Errorf("classifyLoss(%+v) = %+v, want %+v", tt.seen, got, tt.want)
			}
		})
	}
}

// The methods of RFC 9110 and 5789, with what a client may do by itself.
func TestMethods(t *testing.T) {
	tests := map[string]struct{ idempotent, replayable bool }{
		"":        {true, true}, // net/http sends GET
		"GET":     {true, true},
		"HEAD":    {true, true},
		"OPTIONS": {true, true},
		"TRACE":   {true, true},
		"PUT":     {true, false}, // Go is more careful than RFC 9110 asks
		"DELETE":  {true, false},
		"POST":    {false, false},
		"PATCH":   {false, false},
		"CONNECT": {false, false},
		"get":     {false, false}, // methods are case-sensitive
	}
	for method, want := range tests {
		t.Run("method "+method, func(t *testing.T) {
			if got := idempotent(method); got != want.idempotent {
				t.Errorf("idempotent(%q) = %t", method, got)
			}
			if got := replayable(&http.Request{Method: method}); got != want.replayable {
				t.Errorf("replayable(%q) = %t", method, got)
			}
		})
	}
}

func TestReplayable(t *testing.T) {
	once := func() io.ReadCloser { return io.NopCloser(strings.NewReader("x")) }
	again := func() (io.ReadCloser, error) { return once(), nil }
	key := func(name string) http.Header { return http.Header{name: nil} }
	tests := map[string]struct {
		req  *http.Request
		want bool
	}{
		"GET without a body":                  {&http.Request{Method: "GET"}, true},
		"GET with no body to speak of":        {&http.Request{Method: "GET", Body: http.NoBody}, true},
		"GET with a body that is gone":        {&http.Request{Method: "GET", Body: once()}, false},
		"GET with a body that can be had":     {&http.Request{Method: "GET", Body: once(), GetBody: again}, true},
		"POST with a body that can be had":    {&http.Request{Method: "POST", Body: once(), GetBody: again}, false},
		"POST with Idempotency-Key":           {&http.Request{Method: "POST", Header: key("Idempotency-Key")}, true},
		"POST with X-Idempotency-Key":         {&http.Request{Method: "POST", Header: key("X-Idempotency-Key")}, true},
		"PUT with Idempotency-Key":            {&http.Request{Method: "PUT", Header: key("Idempotency-Key")}, true},
		"POST with a key, its body gone":      {&http.Request{Method: "POST", Header: key("Idempotency-Key"), Body: once()}, false},
		"POST with a key, body can be had":    {&http.Request{Method: "POST", Header: key("Idempotency-Key"), Body: once(), GetBody: again}, true},
		"POST with a header of another name":  {&http.Request{Method: "POST", Header: key("Idempotency")}, false},
		"POST with the key not in Go's style": {&http.Request{Method: "POST", Header: key("idempotency-key")}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := replayable(tt.req); got != tt.want {
				t.Errorf("replayable = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestMasked(t *testing.T) {
	lost := func(c history.Cause) history.Request {
		return history.Request{Outcome: history.Dropped, Cause: c, Reused: true}
	}
	fresh := lost(history.Closed)
	fresh.Reused = false
	tests := map[string]struct {
		method string
		record history.Request
		want   bool
	}{
		"GET closed on a reused connection":    {"GET", lost(history.Closed), true},
		"GET reset on a reused connection":     {"GET", lost(history.Reset), true},
		"POST closed on a reused connection":   {"POST", lost(history.Closed), false},
		"PUT closed on a reused connection":    {"PUT", lost(history.Closed), false},
		"GET closed on a fresh connection":     {"GET", fresh, false},
		"GET truncated":                        {"GET", lost(history.Truncated), false},
		"GET hung":                             {"GET", lost(history.Hung), false},
		"GET corrupt":                          {"GET", lost(history.Corrupt), false},
		"GET completed is not lost":            {"GET", history.Request{Outcome: history.Completed, Reused: true}, false},
		"GET refused is not lost":              {"GET", history.Request{Outcome: history.Refused, Reused: true}, false},
		"GET given up is not lost, even early": {"GET", history.Request{Outcome: history.Unsent, Cause: history.Closed, Reused: true}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := masked(&http.Request{Method: tt.method}, &tt.record); got != tt.want {
				t.Errorf("masked = %t, want %t", got, tt.want)
			}
		})
	}
}
