package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"lastcall/harness/history"
)

// Conn is a connection to a server, and notes what passes. At most one exchange uses
// it at a time. Where a body is written by a goroutine of its own, that and the reader
// are both at work when an answer comes early: all that they touch is atomic.
type Conn struct {
	Number    uint32        // by which its owner knows it
	Connected time.Duration // when it was ready for its first request
	Served    bool          // it has answered before; touched only by its holder

	stream net.Conn // what HTTP travels on: TLS, or the tap
	tap    *tap     // beneath TLS
	clock  Clock
	local  netip.AddrPort // our end, by which the kernel knows it
	in     *bufio.Reader
	out    outgoing
	limit  int64         // bytes that the head of an answer may still have
	writer chan struct{} // closed when the goroutine that writes has ended; nil: there is none

	idleEnd func(time.Duration) // told when the server ends it while it is idle
	closed  func(*Conn)
	idle    atomic.Bool // nothing is outstanding on it, and no end of it was told
	hungUp  atomic.Bool // the watch has seen the server end it
	watched bool        // the watch knows it; touched only by its holder

	x       offsets       // of the current request
	written atomic.Int64  // bytes handed to the kernel for the current request
	head    atomic.Int64  // how many of them were its head, 0 until that is known
	read    atomic.Int64  // bytes read for it
	sent    atomic.Int64  // clock just before its last write(2)
	first   atomic.Int64  // clock just after the read that brought its first byte
	cut     atomic.Bool   // a write of it failed, in part or altogether
	whole   atomic.Bool   // all of it is out
	fate    atomic.Uint32 // a Fate
	ended   atomic.Uint32 // state of our end, as its reader saw it end
	kept    atomic.Bool   // Close leaves the tap open, for an RST that may come yet
	gone    atomic.Bool   // Close was called
}

// readBuffer is how much is read at once, in bytes.
const readBuffer = 4 << 10

// Owner is told what becomes of a connection.
type Owner struct {
	IdleEnd func(*Conn, time.Duration) // the server ended it while nothing was outstanding on it
	Closed  func(*Conn)                // it is closed; told once
}

// New makes a Conn of a TCP connection.
func New(raw net.Conn, clock Clock, number uint32, owner Owner) *Conn {
	t := newTap(raw, clock)
	c := &Conn{Number: number, Connected: clock.Now(), stream: t, tap: t, clock: clock}
	c.idleEnd = func(at time.Duration) { owner.IdleEnd(c, at) }
	c.closed = owner.Closed
	if local, ok := raw.LocalAddr().(*net.TCPAddr); ok {
		c.local = local.AddrPort()
	}
	c.in = bufio.NewReaderSize(reader{c}, readBuffer)
	c.out.c = c
	return c
}

// Secure makes the connection one of TLS, by a deadline on the clock, or before the
// context ends. The Conn stands above TLS: it counts what HTTP says, and neither does
// a handshake look like a request nor a closure alert like an answer. One record
// should hold what one call writes: the config disables dynamic record sizes.
func (c *Conn) Secure(ctx context.Context, config *tls.Config, until time.Duration) error {
	secured := tls.Client(c.tap, config)
	if err := c.tap.until(until); err != nil {
		return err
	}
	if err := secured.HandshakeContext(ctx); err != nil {
		return err
	}
	c.stream, c.Connected = secured, c.clock.Now()
	return nil
}

// Port is that of our end.
func (c *Conn) Port() uint16 { return c.local.Port() }

// Fate says how the connection ended, as far as it has seen.
func (c *Conn) Fate() Fate { return Fate(c.fate.Load()) }

// reader is what the answers are read through.
type reader struct{ c *Conn }

// Read counts bytes and notes the first of an answer, FIN and RST.
func (r reader) Read(p []byte) (int, error) {
	c := r.c
	if c.limit <= 0 {
		return 0, errLongHead
	}
	n, err := c.stream.Read(p[:min(int64(len(p)), c.limit)])
	if n > 0 {
		if c.first.Load() == 0 {
			c.first.Store(int64(c.clock.Now()))
		}
		c.read.Add(int64(n))
		c.limit -= int64(n)
	}
	if err != nil {
		c.examine(err)
	}
	return n, err
}

// examine notes how the reader saw the connection end, and in which state the kernel
// has left our end. Where a write of ours met the RST the reader is only told that
// there is no more: the state tells. Nor is a FIN told from the RST that follows it at
// once.
//
// After a FIN within a request the tap is kept open, for an RST that may come yet: it
// says that the server had not read all that was sent when it closed.
func (c *Conn) examine(err error) {
	state := c.tap.tcp()
	c.ended.Store(uint32(state))
	if state == history.TCPClose && fateOf(err) == Finished {
		err = syscall.ECONNRESET
	}
	c.note(err)
	if state == history.TCPCloseWait && c.written.Load() > 0 && c.Fate().Theirs() {
		c.kept.Store(true)
	}
}

// note keeps what the connection's end was. Reader and writer both learn of it, in any
// order: the kernel gives the error of an RST to the one that asks first, and
// end-of-file or EPIPE to the other. An RST after a FIN is EPIPE for both (Linux,
// tcp_reset), so ECONNRESET proves that no FIN came before, and FIN proves more than
// EPIPE. Once our own deadline or close has ended the connection, or TLS has given it
// up, all else is its echo.
func (c *Conn) note(err error) {
	seen := fateOf(err)
	for {
		known := c.Fate()
		if known > Broken || known != Alive && (seen <= known || seen > Broken) {
			return
		}
		if c.fate.CompareAndSwap(uint32(known), uint32(seen)) {
			return
		}
	}
}

// Rest makes the connection idle. From now on its end is told to its owner.
func (c *Conn) Rest() {
	c.idle.Store(true)
	if c.hungUp.Load() || c.Fate().Theirs() { // it has ended just now
		c.endIdle(c.clock.Now())
	}
}

// Wake takes an idle connection for an exchange. It reports false if the server has
// ended it, or sent something without a request, as the 408 by which some
// take leave of an idle client.
func (c *Conn) Wake() bool {
	if !c.idle.Swap(false) {
		return false // its end was told
	}
	err := c.tap.ended()
	if err == nil {
		return true
	}
	c.tell(err, c.clock.Now())
	return false
}

// hangUp is called by the watch when the server has ended its side.
func (c *Conn) hangUp(at time.Duration) {
	c.hungUp.Store(true)
	c.endIdle(at)
}

// endIdle tells the end of an idle connection, once.
func (c *Conn) endIdle(at time.Duration) {
	if !c.idle.Swap(false) {
		return // it is in an exchange, which will see the end; or was told
	}
	c.tell(c.tap.ended(), at)
}

// tell tells the end of an idle connection, and closes our side at once, as clients do:
// some servers wait for that before they end.
func (c *Conn) tell(err error, at time.Duration) {
	if err != nil {
		c.note(err)
	}
	c.idleEnd(at)
	c.Close()
}

// Close closes the connection. Over TLS it takes leave with a closure alert; but not
// where something went wrong: half a record may be out, or the other side read no
// more, and crypto/tls tries for five seconds. A connection whose lost request may yet
// be told by an RST stays open below: see Kept.
func (c *Conn) Close() error {
	if c.gone.Swap(true) {
		return nil
	}
	c.idle.Store(false)
	defer c.closed(c)
	if c.kept.Load() {
		return c.tap.giveUp() // a writer that still waits
	}
	if c.stream != net.Conn(c.tap) && c.Fate() != Alive {
		return c.tap.Close() // what TLS would say no longer matters
	}
	return c.stream.Close()
}

// Kept reports whether the kernel's end of the connection is still open after Close,
// since an RST may follow the FIN.
func (c *Conn) Kept() bool { return c.kept.Load() }

// State is that of our end now (tcp_states.h), 0 where it cannot be told.
func (c *Conn) State() uint8 { return c.tap.tcp() }

// LetGo closes what was kept.
func (c *Conn) LetGo() {
	if c.kept.Load() {
		c.tap.Close()
	}
}

// Seen is what the connection has seen of its exchange.
type Seen struct {
	Begun     time.Duration // clock just before the first write(2) of the request, 0 if there was none
	Sent      time.Duration // clock just before the last
	FirstByte time.Duration // clock just after the read that brought the first byte of the answer
	Out, In   int64         // bytes of the request that the kernel took, and of the answer
	Whole     bool          // all of the request is out
	Fate      Fate
	State     uint8 // of our end, when the reader saw the connection end
}

// Seen says what the connection has seen so far. An answer can come before all of the
// request is out, and its writer go on: so whether all is out is asked before how much.
func (c *Conn) Seen() Seen {
	s := Seen{Whole: c.whole.Load(), Fate: c.Fate(), State: uint8(c.ended.Load())}
	s.Out, s.In = c.written.Load(), c.read.Load()
	s.Begun, s.Sent, s.FirstByte = time.Duration(c.x.begun.Load()), time.Duration(c.sent.Load()), time.Duration(c.first.Load())
	return s
}

// Over ends the exchange: its request is no longer outstanding. More than once is as
// once.
func (c *Conn) Over() { c.x.over() }

var errLongHead = errors.New("the head of the answer is too long")
