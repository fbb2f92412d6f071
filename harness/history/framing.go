package history

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
