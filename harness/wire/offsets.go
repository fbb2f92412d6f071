package wire

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// offsets say where the current request of a connection lies among its bytes,
// counted beneath TLS. Its writer and whoever looks from outside are different
// goroutines: all of it is atomic, and turn tells whether it was changed meanwhile.
type offsets struct {
	turn  atomic.Uint32 // odd while a request is outstanding
	seq   atomic.Uint32
	body  atomic.Bool  // it has one
	begun atomic.Int64 // clock just before its first write(2)
	from  atomic.Int64 // offset of its first byte
	head  atomic.Int64 // offset after its head, 0 until it is out
	end   atomic.Int64 // offset after it, 0 until it is out
}

// start begins a request at an offset.
func (x *offsets) start(seq uint32, body bool, offset int64) {
	x.seq.Store(seq)
	x.body.Store(body)
	x.begun.Store(0)
	x.from.Store(offset)
	x.head.Store(0)
	x.end.Store(0)
	x.turn.Store(x.turn.Load() | 1)
}

// over ends the request. It may be called more than once.
func (x *offsets) over() {
	if turn := x.turn.Load(); turn&1 == 1 {
		x.turn.Store(turn + 1)
	}
}

// wrote notes how far the request is out after a write(2): so many bytes of it, of
// which so many are its head, 0 if that is not known yet; and so many of the
// connection. Over TLS the end of the head is known no better than by the end of the
// write that brought it.
func (x *offsets) wrote(bytes, head, offset int64) {
	if head == 0 || bytes < head || x.head.Load() != 0 {
		return
	}
	after := offset
	if x.from.Load()+bytes == offset { // plain TCP: what is written is what is sent
		after = x.from.Load() + head
	}
	x.head.Store(after)
}

// Outstanding is a request that has no whole answer yet, and where its bytes lie
// on its connection.
type Outstanding struct {
	Seq    uint32
	Client netip.AddrPort
	Begun  time.Duration // just before its first write(2); 0: not yet
	From   int64         // offset of its first byte, beneath TLS
	Head   int64         // offset after its head, 0: it is not out
	End    int64         // offset after it, 0: it is not out
	Body   bool          // it has one

	conn *Conn
	turn uint32
}

// Over reports whether the request has ended since it was listed.
func (o Outstanding) Over() bool { return o.conn.x.turn.Load() != o.turn }

// Outstanding is the current request of the connection, if there is one. Any goroutine
// may ask.
func (c *Conn) Outstanding() (o Outstanding, ok bool) {
	x := &c.x
	turn := x.turn.Load()
	if turn&1 == 0 {
		return o, false
	}
	o = Outstanding{
		Seq: x.seq.Load(), Client: c.local, Begun: time.Duration(x.begun.Load()),
		From: x.from.Load(), Head: x.head.Load(), End: x.end.Load(), Body: x.body.Load(),
		conn: c, turn: turn,
	}
	return o, !o.Over()
}
