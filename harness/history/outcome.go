package history

import "fmt"

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
