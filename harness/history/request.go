package history

import "time"

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
