package history

import (
	"fmt"
	"time"
)

// Request is the record of one scheduled request. It has a fixed size and no
// pointers: a hundred thousand of them cost the garbage collector nothing, and
// recording one never allocates. At most 128 bytes, which a test enforces.
//
// All times are on the shutdown's monotonic clock, counted from its base; zero
// means that it did not happen.
type Request struct {
	Seq  uint32 `json:"seq"`            // vegeta's sequence number, from 0
	Conn uint32 `json:"conn,omitempty"` // the connection's number within the shutdown, from 1

	Port     uint16  `json:"port,omitempty"`   // our local port, which a packet capture shows
	Status   uint16  `json:"status,omitempty"` // of the answer, 0 without one
	Outcome  Outcome `json:"outcome"`
	Cause    Cause   `json:"cause,omitempty"`  // of a drop
	Reason   Reason  `json:"reason,omitempty"` // of a refusal, of being unsent, or of having failed in spite of its status
	Attempts uint8   `json:"attempts,omitempty"`
	Stale    uint8   `json:"stale,omitempty"` // connections found dead before a byte was written

	Pooled     bool `json:"pooled,omitempty"`     // travels on kept-alive connections; else on one of its own
	Reused     bool `json:"reused,omitempty"`     // its connection had served before
	Idempotent bool `json:"idempotent,omitempty"` // RFC 9110 section 9.2.2
	Written    bool `json:"written,omitempty"`    // the whole request, body included, was handed to the kernel
	Masked     bool `json:"masked,omitempty"`     // Go's own client would have replayed it and hidden the loss
	Unframed   bool `json:"unframed,omitempty"`   // the answer ended with the connection: whole and cut look the same
	Closes     bool `json:"closes,omitempty"`     // the answer said Connection: close

	Target  uint8   `json:"target,omitempty"`  // which of the attack's targets it was sent to, from 0
	Framing Framing `json:"framing,omitempty"` // how the end of the answer's body was told, if the answer was whole

	// What the kernel showed of the server's end of its connection: see Kernel.
	Standing Standing `json:"standing,omitempty"` // in the last look before the signal
	State    uint8    `json:"state,omitempty"`    // of our end, as the connection had ended: TCPClose or TCPCloseWait, 0: not looked at
	Had      uint32   `json:"had,omitempty"`      // the first look that saw it read, from 1; 0: none did
	Waited   uint32   `json:"waited,omitempty"`   // how long the subject's most delayed thread waited for a CPU from that look to the end, in microseconds; of a lost request only
	Later    uint32   `json:"later,omitempty"`    // how long after a FIN the RST came, in microseconds; 0: none was seen

	Scheduled time.Duration `json:"scheduled"`            // when the Pacer wanted it to start
	Started   time.Duration `json:"started"`              // when it did
	Connected time.Duration `json:"connected,omitempty"`  // when its connection was established, TLS included, possibly long before
	Begun     time.Duration `json:"begun,omitempty"`      // just before its first write(2)
	Sent      time.Duration `json:"sent,omitempty"`       // just before its last write(2)
	FirstByte time.Duration `json:"first_byte,omitempty"` // when the first byte of the answer was read
	End       time.Duration `json:"end"`                  // when its outcome was certain

	// Over TLS both count what was encrypted: the handshake and the records'
	// own bytes are in neither.
	BytesOut int64 `json:"bytes_out,omitempty"` // accepted by the kernel, head and body
	BytesIn  int64 `json:"bytes_in,omitempty"`  // read from the connection, head and body

	Length int64 `json:"length,omitempty"` // of the answer's body in bytes, without its framing; where Framing is unknown, it is unknown too
}

// Outcome says how one scheduled request ended. The set is closed: every
// scheduled request ends in exactly one of these, so that they sum to what was
// scheduled. The zero value means that the request has not ended.
type Outcome uint8

// The outcomes, in the order in which they are printed.
const (
	Pending   Outcome = iota
	Completed         // a whole, expected answer
	Rejected          // a whole answer that declines: 503 or 429
	Failed            // a whole answer that is wrong: any other status, a body that was not expected, or one unlike all before the signal
	Refused           // no byte of the request was sent and none could be
	Dropped           // sent, at least in part, and no whole answer came
	Unsent            // our own shortage, or cancelled by us
)

// Outcomes lists every outcome a request can end with, in printing order.
func Outcomes() []Outcome {
	return []Outcome{Completed, Rejected, Failed, Refused, Dropped, Unsent}
}

var outcomeNames = [...]string{"pending", "completed", "rejected", "failed", "refused", "dropped", "unsent"}

var outcomeMeanings = [...]string{
	"has not ended",
	"a whole, expected answer: status 200-399 or as configured, framing complete (Content-Length bytes or the last chunk), " +
		"and a matching body, if one is expected",
	"a whole answer that declines: status 503 or 429",
	"a whole answer that is wrong: any other status, an unexpected body, " +
		"or an answer unlike all before the signal (empty, much shorter, ended early, or of a new status)",
	"no byte of the request was sent and none could be: the connection was refused, reset or timed out while dialling, " +
		"its TLS handshake failed, or three connections in a row were dead before a byte",
	"sent, at least in part, and no whole answer came: its client waited in vain",
	"lastcall itself lacked descriptors or ports, or cancelled the request; nothing follows from it",
}

// String returns the outcome's name.
func (o Outcome) String() string { return name(outcomeNames[:], int(o), "outcome") }

// Meaning returns a sentence that defines the outcome.
func (o Outcome) Meaning() string { return name(outcomeMeanings[:], int(o), "outcome") }

// MarshalText writes the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads an outcome's name; an unknown one is an error.
func (o *Outcome) UnmarshalText(text []byte) error {
	return parse(o, outcomeNames[:], string(text), "outcome")
}

// Cause says what cut a dropped request off. It is None for every other
// outcome.
type Cause uint8

// The causes of a dropped request.
const (
	None      Cause = iota
	Closed          // FIN before the first byte of the answer
	Reset           // RST (or EPIPE, or a fatal TLS alert) before the first byte of the answer
	Truncated       // FIN or RST after the first byte of the answer
	Hung            // no whole answer by the deadline
	Corrupt         // what came is not the answer that was announced
)

// Causes lists every cause of a drop, in printing order.
func Causes() []Cause { return []Cause{Closed, Reset, Truncated, Hung, Corrupt} }

var causeNames = [...]string{"none", "closed", "reset", "truncated", "hung", "corrupt"}

// String returns the cause's name.
func (c Cause) String() string { return name(causeNames[:], int(c), "cause") }

// MarshalText writes the cause's name.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a cause's name; an unknown one is an error.
func (c *Cause) UnmarshalText(text []byte) error {
	return parse(c, causeNames[:], string(text), "cause")
}

// Reason says why a request never left: it is set for Refused and Unsent. It is
// also set for a request that Failed although its status was an expected one.
type Reason uint8

// The reasons for which a request was refused or stayed unsent, and those for
// which a whole answer of an expected status is wrong.
const (
	NoReason          Reason = iota
	ConnectionRefused        // no process listens
	ConnectionReset          // reset while connecting
	DialTimeout              // no handshake, of TCP or of TLS, by the deadline
	Unreachable              // any other dial error that is not our own shortage
	DeadConnections          // three connections in a row were dead before a byte
	OutOfDescriptors         // EMFILE, ENFILE, ENOBUFS, ENOMEM: our own shortage
	OutOfPorts               // EADDRNOTAVAIL, EADDRINUSE: our own shortage
	Cancelled                // cancelled by us
	Unsendable               // the request could not be written as HTTP at all
	TLSHandshake             // no TLS was agreed on: an alert, a certificate that we do not trust, or no TLS at all
	TLSClosed                // FIN or RST within the TLS handshake: the TCP connection stood already
	UnexpectedBody           // failed: the status is an expected one, the body is not
	UnlikeBefore             // failed: the status is an expected one, but no answer before the signal looked like this: see CompareAnswers
)

var reasonNames = [...]string{
	"none", "connection-refused", "connection-reset", "dial-timeout", "unreachable", "dead-connections",
	"out-of-descriptors", "out-of-ports", "cancelled", "unsendable", "tls-handshake", "tls-closed", "unexpected-body",
	"unlike-before",
}

// String returns the reason's name.
func (r Reason) String() string { return name(reasonNames[:], int(r), "reason") }

// MarshalText writes the reason's name.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a reason's name; an unknown one is an error.
func (r *Reason) UnmarshalText(text []byte) error {
	return parse(r, reasonNames[:], string(text), "reason")
}

// name looks a value up in its table; a value outside it is spelt out, so that
// a corrupt history is visible instead of silent.
func name(names []string, i int, kind string) string {
	if i >= len(names) {
		return fmt.Sprintf("%s(%d)", kind, i)
	}
	return names[i]
}

func parse[T ~uint8](into *T, names []string, text, kind string) error {
	for i, n := range names {
		if n == text {
			*into = T(i)
			return nil
		}
	}
	return fmt.Errorf("unknown %s %q", kind, text)
}

// Counts holds how many requests ended in each outcome. Total is their sum,
// and counts nothing else.
type Counts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Rejected  int `json:"rejected"`
	Failed    int `json:"failed"`
	Refused   int `json:"refused"`
	Dropped   int `json:"dropped"`
	Unsent    int `json:"unsent"`
}

// Add counts one request. A request that has not ended, or whose outcome is
// outside the closed set, is in no outcome and is not counted: that gap is what
// conservation looks for.
func (c *Counts) Add(o Outcome) {
	switch o {
	case Completed:
		c.Completed++
	case Rejected:
		c.Rejected++
	case Failed:
		c.Failed++
	case Refused:
		c.Refused++
	case Dropped:
		c.Dropped++
	case Unsent:
		c.Unsent++
	case Pending:
		return
	default:
		return
	}
	c.Total++
}

// Plus returns the sum of two counts.
func (c Counts) Plus(d Counts) Counts {
	return Counts{
		Total:     c.Total + d.Total,
		Completed: c.Completed + d.Completed,
		Rejected:  c.Rejected + d.Rejected,
		Failed:    c.Failed + d.Failed,
		Refused:   c.Refused + d.Refused,
		Dropped:   c.Dropped + d.Dropped,
		Unsent:    c.Unsent + d.Unsent,
	}
}

// AtRisk is the denominator of every rate and bound: what was counted, without
// the refused (they can go elsewhere) and the unsent (they prove nothing).
func (c Counts) AtRisk() int { return c.Total - c.Refused - c.Unsent }

// Framing says how a whole answer told where its body ends (RFC 9112 section
// 6.3). The zero value means that nobody has noted it, as in histories that were
// saved before it was recorded: then the body's length is unknown.
type Framing uint8

// The framings.
const (
	UnknownFraming Framing = iota
	Bodiless               // no body is possible: the answer to HEAD, or one of status 1xx, 204 or 304
	ByLength               // Content-Length
	Chunked                // the last chunk
	ByClose                // the end of the connection
)

var framingNames = [...]string{"unknown", "bodiless", "length", "chunked", "close"}

// String returns the framing's name.
func (f Framing) String() string { return name(framingNames[:], int(f), "framing") }

// MarshalText writes the framing's name.
func (f Framing) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a framing's name; an unknown one is an error.
func (f *Framing) UnmarshalText(text []byte) error {
	return parse(f, framingNames[:], string(text), "framing")
}
