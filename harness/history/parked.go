package history

import (
	"time"

	"lastcall/harness/scenario"
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
func (p Parked) Told() bool { return p.Kind == scenario.WebSocket || p.Kind == scenario.EventStream }
