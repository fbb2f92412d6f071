package scenario

import "fmt"

// Park asks for connections that are opened before the load begins, held over
// the signal, and neither counted nor judged as requests: each lives for longer
// than the server does.
type Park struct {
	Kind  string `json:"kind" yaml:"kind"`                   // Silent, Idle, WebSocket or EventStream
	URL   string `json:"url,omitempty" yaml:"url,omitempty"` // a path of the subject's URL, or a URL of the same host; none for a silent one, and "" for an idle one is the subject's URL
	Count int    `json:"count" yaml:"count"`                 // how many of them

	// Header is sent with the request that opens it, such as a token, or a websocket's
	// Sec-WebSocket-Protocol.
	Header map[string]string `json:"header,omitempty" yaml:"header,omitempty"`
}

// String returns what --park takes: "websocket=/chat,5". The header is left out.
func (p Park) String() string {
	if p.URL == "" {
		return fmt.Sprintf("%s,%d", p.Kind, p.Count)
	}
	return fmt.Sprintf("%s=%s,%d", p.Kind, p.URL, p.Count)
}

// The kinds of parked connections.
const (
	Silent      = "silent"    // a TCP connection on which no byte is ever sent
	Idle        = "idle"      // a kept-alive connection that has served one request and is not used again (RFC 9112 section 9.3)
	WebSocket   = "websocket" // RFC 6455
	EventStream = "events"    // an answer without an end of its own, such as server-sent events
)

// The bounds of what can be parked.
const (
	MaxParks  = 10  // entries of load.parked
	MaxParked = 100 // connections of one entry
)
