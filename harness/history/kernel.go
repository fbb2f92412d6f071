package history

import (
	"time"
)

// Kernel says whether the kernel was a witness: whether it was asked, around the
// signal, what of our requests the server's process had read. Without it that is
// guessed from times.
type Kernel struct {
	Asked   bool   `json:"asked,omitempty"`
	Missing string `json:"missing,omitempty"` // why it was not asked, or gave no answer
}

// Look is one question to the kernel about all requests that were open.
type Look struct {
	At   time.Duration `json:"at"`             // just before it was asked
	Took time.Duration `json:"took"`           // until it had answered for all of them
	Slip time.Duration `json:"slip,omitempty"` // how much later than it was due
	Open int           `json:"open,omitempty"` // how many it was asked about
	Wait time.Duration `json:"wait,omitempty"` // how long the subject's most delayed thread waited for a CPU since the look before
	Ran  time.Duration `json:"ran,omitempty"`  // how long all its threads together had one
}

// End is when the kernel had answered.
func (l Look) End() time.Duration { return l.At + l.Took }

// Backlog is what the accept queues of the server's listening sockets held after
// the signal, all of them together. The kernel accepts a connection into the queue;
// only a process takes it out.
type Backlog struct {
	Asked   int           `json:"asked,omitempty"`   // how often
	Longest int           `json:"longest,omitempty"` // most connections that waited at once
	Since   time.Duration `json:"since,omitempty"`   // the queue was not empty from here on, and did not become shorter
	Until   time.Duration `json:"until,omitempty"`   // when it was last asked for
	Waiting int           `json:"waiting,omitempty"` // how many waited then; 0: Since means nothing
}

// Add notes how many waited at an instant. A queue of which a socket has gone
// begins again.
func (b *Backlog) Add(at time.Duration, waiting int, gone bool) {
	if waiting > 0 && (gone || b.Waiting == 0 || waiting < b.Waiting) {
		b.Since = at
	}
	b.Asked++
	b.Longest = max(b.Longest, waiting)
	b.Until, b.Waiting = at, waiting
}

// Closing is an instant at which the server closed something on which nothing was
// outstanding: a kept-alive connection of ours, or a listening socket. A request
// that crosses it on the wire is lost without anybody's fault. It lies between
// From and To.
type Closing struct {
	From     time.Duration `json:"from"`
	To       time.Duration `json:"to"`
	Listener bool          `json:"listener,omitempty"` // a listening socket; else a connection
}

// Distance is how far a time lies from the closing, 0 if it may be the same.
func (c Closing) Distance(at time.Duration) time.Duration { return max(0, c.From-at, at-c.To) }

// Standing is how far the server's process had come with a request at a look: by
// the bytes that it had read of the connection, against our own offsets of the
// request in it.
type Standing uint8

// The standings.
const (
	NoStanding Standing = iota
	Moving              // it was being written, or ended, while the kernel was asked
	Absent              // the server has no such socket
	Queued              // no process has accepted the connection
	Unread              // none of it was read
	Partly              // less than its head was read
	BegunBody           // its head was read, of a request that has a body
	HadWhole            // all of it was read
)

var standingNames = [...]string{"none", "moving", "absent", "queued", "unread", "partly", "begun", "had"}

// String returns the standing's name.
func (s Standing) String() string { return name(standingNames[:], int(s), "standing") }

// MarshalText writes the standing's name.
func (s Standing) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a standing's name; an unknown one is an error.
func (s *Standing) UnmarshalText(text []byte) error {
	return parse(s, standingNames[:], string(text), "standing")
}

// Read reports whether the process had the request, or the head of one with a
// body: enough to be blamed for what becomes of it.
func (s Standing) Read() bool { return s == HadWhole || s == BegunBody }

// States of our end of a connection that the server has ended (tcp_states.h). In
// CLOSE an RST has come: the server had not read all that we sent, or aborted. In
// CLOSE_WAIT a FIN has come, and the server had read what we sent, or will send
// an RST yet.
const (
	TCPClose     = 7
	TCPCloseWait = 8
)
