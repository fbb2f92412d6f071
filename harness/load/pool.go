package load

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// pool holds the kept-alive connections to one address. It never sends
// anything twice: whoever takes a connection learns that connection's own fate.
type pool struct {
	address string
	tls     *tls.Config // nil: plain TCP
	clock   clock
	dialer  net.Dialer
	made    atomic.Uint32 // connections dialled

	mu     sync.Mutex         // idle and open are shared by all requests
	idle   []*conn            // ready to serve again; the last used is taken first
	open   map[*conn]struct{} // every connection not yet closed, so that none outlives the load
	closed bool

	// ctx ends dials in progress when the pool closes. Requests on established
	// connections end because their connection is closed under them.
	ctx    context.Context
	cancel context.CancelFunc

	transport http.Transport // makes ClientConns; its own pool is never used
}

// maxAnswerHead bounds the heads of one answer, 1xx included, in bytes: thousands
// of requests may be open, and a server gone mad must not fill our memory. What
// has a longer head is no answer (dropped as corrupt).
const maxAnswerHead = 256 << 10

// handoff carries a dialled connection into http.Transport.NewClientConn.
type handoff struct{}

func newPool(address string, clock clock) *pool {
	p := &pool{
		address: address,
		clock:   clock,
		// No local address: bound dials exhaust the ports of a machine.
		dialer: net.Dialer{KeepAlive: -1},
		open:   make(map[*conn]struct{}),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.transport = http.Transport{
		DisableCompression:     true, // bytes are counted as they are; and no proxy is asked
		MaxResponseHeaderBytes: maxAnswerHead,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return ctx.Value(handoff{}).(*conn), nil
		},
	}
	return p
}

// reuse returns an idle connection, reserved, or nil if there is none. Those
// found closed on the way are thrown away and counted.
func (p *pool) reuse() (c *conn, stale int) {
	for {
		c = p.pop()
		if c == nil {
			return nil, stale
		}
		if c.client.Reserve() == nil {
			return c, stale
		}
		stale++
		c.client.Close()
	}
}

func (p *pool) pop() *conn {
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
func (p *pool) put(c *conn) {
	p.mu.Lock() // idle is shared
	defer p.mu.Unlock()
	p.idle = append(p.idle, c)
}

// dial opens a new connection, by a deadline on the clock. It does not look
// whether it is still alive: one that is dead on arrival must be found so by its
// request, as any other.
func (p *pool) dial(deadline time.Duration) (*conn, error) {
	dialer := p.dialer
	dialer.Deadline = p.clock.base.Add(deadline)
	raw, err := dialer.DialContext(p.ctx, "tcp", p.address)
	if err == nil && p.tls != nil {
		raw, err = p.secure(raw, dialer.Deadline)
	}
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, clock: p.clock, number: p.made.Add(1), connected: p.clock.now(), closed: p.forget}
	if local, ok := raw.LocalAddr().(*net.TCPAddr); ok {
		c.port = uint16(local.Port)
	}
	if !p.remember(c) {
		c.Close()
		return nil, net.ErrClosed
	}
	// To net/http it is a plain connection: what TLS there is lies beneath.
	ctx := context.WithValue(p.ctx, handoff{}, c)
	if c.client, err = p.transport.NewClientConn(ctx, "http", p.address); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// remember notes an open connection. It reports false when the pool is closed.
func (p *pool) remember(c *conn) bool {
	p.mu.Lock() // open is shared
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *pool) forget(c *conn) {
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
	all := make([]*conn, 0, len(p.open))
	for c := range p.open {
		all = append(all, c)
	}
	p.idle = nil
	p.mu.Unlock() // closing a connection calls forget, which takes the lock
	for _, c := range all {
		c.Close()
	}
}
