package history

import "time"

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

// NoCloseFrame is the code of a websocket that ended without a close frame. No
// such frame carries it (RFC 6455 section 7.4.1).
const NoCloseFrame = 1006

// Parked is what became of one parked connection.
type Parked struct {
	Kind string `json:"kind"`
	URL  string `json:"url,omitempty"` // as in the scenario

	Opened time.Duration `json:"opened,omitempty"` // 0: it could not be opened, and Error says why
	Ended  time.Duration `json:"ended,omitempty"`  // when the server ended it; 0: it was open when lastcall gave it up

	// Clean: the server took its leave. A websocket had a close frame before the
	// connection ended, an event stream its last chunk (RFC 9112 section 7.1). On a
	// silent or an idle connection there is nothing to say, so that any end is clean.
	Clean bool   `json:"clean,omitempty"`
	Code  int    `json:"code,omitempty"`  // of a websocket's close frame, or NoCloseFrame
	Error string `json:"error,omitempty"` // how it was cut, or why it could not be opened
}

// Told reports whether it is of a kind whose client can be told of the end.
func (p Parked) Told() bool { return p.Kind == WebSocket || p.Kind == EventStream }
