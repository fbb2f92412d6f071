package load

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lastcall/harness/wire"
)

// pool holds the kept-alive connections to one address. It never sends
// anything twice: the caller that takes a connection learns that connection's own fate.
type pool struct {
	address string
	tls     *tls.Config // nil: plain TCP
	clock   wire.Clock
	dialer  net.Dialer
	made    atomic.Uint32 // connections dialled

	wrap func(number uint32, raw net.Conn) net.Conn // nil, but in tests that tamper with connections

	mu     sync.Mutex              // idle and open are shared by all requests
	idle   []*wire.Conn            // ready to serve again; the last used is taken first
	open   map[*wire.Conn]struct{} // every connection not yet closed, so that none outlives the load
	closed bool

	roomy     bool            // the server serves several connections at once
	sealed    bool            // no further connection is set aside: the signal has come
	sentinels []*wire.Conn    // kept-alive ones that are not used again: see sentinel
	ended     []time.Duration // when the server closed an idle one
	lingers   lingers
	watch     *wire.Watch // of the idle ones

	// ctx ends dials in progress when the pool closes. Requests on established
	// connections end because their connection is closed under them.
	ctx    context.Context
	cancel context.CancelFunc
}

func newPool(address string, clock wire.Clock) *pool {
	p := &pool{
		address: address,
		clock:   clock,
		// No local address: bound dials exhaust the ports of a machine.
		dialer:  net.Dialer{KeepAlive: -1},
		open:    make(map[*wire.Conn]struct{}),
		lingers: lingers{clock: clock},
		watch:   wire.NewWatch(clock),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// reuse returns an idle connection, or nil if there is none. Those found closed on the
// way are counted.
func (p *pool) reuse() (c *wire.Conn, stale int) {
	for {
		c = p.pop()
		if c == nil {
			return nil, stale
		}
		if c.Wake() {
			return c, stale
		}
		stale++
	}
}

func (p *pool) pop() *wire.Conn {
	p.mu.Lock() // idle is shared
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put makes a connection available to other requests.
func (p *pool) put(c *wire.Conn) {
	p.watch.Add(c)
	c.Rest()
	p.mu.Lock() // idle is shared
	defer p.mu.Unlock()
	if p.isSentinel(c, len(p.idle) >= manyIdle) {
		return
	}
	p.idle = append(p.idle, c)
}

const (
	// maxSentinels is how many connections wait for the server to close its idle
	// ones. One may meet the close of its own keep-alive timeout.
	maxSentinels = 2
	// manyIdle is how many idle connections show that the server does not give a
	// worker to each, so that one more does not keep others from being served.
	manyIdle = 3
)

// isSentinel takes an idle connection for one that is not used again: when the
// server closes it, it closes its idle connections, and a request that it loses at
// that instant may have crossed the close. The lock is held.
func (p *pool) isSentinel(c *wire.Conn, can bool) bool {
	if !can || p.closed || p.sealed || len(p.sentinels) >= maxSentinels {
		return false
	}
	p.sentinels = append(p.sentinels, c)
	return true
}

// keep keeps an idle connection that would be closed otherwise, if a sentinel is
// wanted.
func (p *pool) keep(c *wire.Conn) bool {
	p.mu.Lock() // the sentinels are shared
	kept := p.isSentinel(c, p.roomy)
	p.mu.Unlock() // it may have ended just now, which over is told
	if kept {
		p.watch.Add(c)
		c.Rest()
	}
	return kept
}

// over notes that the server closed a connection on which nothing was outstanding.
func (p *pool) over(c *wire.Conn, at time.Duration) {
	p.mu.Lock() // all of it is shared
	defer p.mu.Unlock()
	p.ended = append(p.ended, at)
	p.sentinels = slices.DeleteFunc(p.sentinels, func(s *wire.Conn) bool { return s == c })
}

// dismiss closes the sentinels.
func (p *pool) dismiss() {
	p.mu.Lock() // no other is added
	p.roomy = false
	sentinels := p.sentinels
	p.sentinels = nil
	p.mu.Unlock() // closing a connection calls forget, which takes the lock
	for _, c := range sentinels {
		c.Close()
	}
}

// dial opens a new connection, by a deadline on the clock. It does not look
// whether it is still alive: one that is dead on arrival must be found so by its
// request, as any other.
func (p *pool) dial(deadline time.Duration) (*wire.Conn, error) {
	dialer := p.dialer
	dialer.Deadline = p.clock.Base.Add(deadline)
	raw, err := dialer.DialContext(p.ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	number := p.made.Add(1)
	if p.wrap != nil {
		raw = p.wrap(number, raw)
	}
	c := wire.New(raw, p.clock, number, wire.Owner{IdleEnd: p.over, Closed: p.forget})
	if p.tls != nil {
		// The context is the pool's: closing it ends the handshake.
		if err := c.Secure(p.ctx, p.tls, deadline); err != nil {
			raw.Close()
			return nil, &handshakeError{err}
		}
	}
	if !p.remember(c) {
		c.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// remember notes an open connection. It reports false when the pool is closed.
func (p *pool) remember(c *wire.Conn) bool {
	p.mu.Lock() // open is shared
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *pool) forget(c *wire.Conn) {
	p.watch.Forget(c)
	p.mu.Lock() // open is shared
	defer p.mu.Unlock()
	delete(p.open, c)
}

// close ends all dials and closes all connections, whatever is under way on
// them.
func (p *pool) close() {
	p.cancel()
	p.mu.Lock() // after this no connection is added
	p.closed = true
	all := make([]*wire.Conn, 0, len(p.open))
	for c := range p.open {
		all = append(all, c)
	}
	p.idle, p.sentinels = nil, nil
	p.mu.Unlock() // closing a connection calls forget, which takes the lock
	for _, c := range all {
		c.Close()
	}
	p.lingers.close()
	p.watch.Close()
}
