//go:build !linux

package wire

import (
	"errors"
	"sync"
	"syscall"
	"time"

	"lastcall/internal/bug"
)

// Watch tells connections when the server has ended its side, by FIN or RST, while they
// are idle. One goroutine looks at all of them every few milliseconds.
type Watch struct {
	clock Clock
	stop  chan struct{} // closed by Close

	mu      sync.Mutex // the rest is shared by those who add and the watch
	begun   bool       // by the first that is added
	conns   map[*Conn]struct{}
	running sync.WaitGroup
}

// everyLook is how often the watch looks.
const everyLook = 2 * time.Millisecond

// NewWatch makes a watch.
func NewWatch(clock Clock) *Watch {
	return &Watch{clock: clock, stop: make(chan struct{}), conns: make(map[*Conn]struct{})}
}

// Add makes the watch know a connection, once, before it is idle.
func (w *Watch) Add(c *Conn) {
	if c.watched {
		return
	}
	c.watched = true
	w.mu.Lock() // conns is shared
	defer w.mu.Unlock()
	if !w.begun {
		w.begun = true
		w.running.Go(w.run)
	}
	w.conns[c] = struct{}{}
}

// Forget drops a connection that is closed.
func (w *Watch) Forget(c *Conn) {
	w.mu.Lock() // conns is shared
	defer w.mu.Unlock()
	delete(w.conns, c)
}

func (w *Watch) run() {
	ticker := time.NewTicker(everyLook)
	defer ticker.Stop()
	defer bug.Catch()
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		w.mu.Lock() // conns is shared
		all := make([]*Conn, 0, len(w.conns))
		for c := range w.conns {
			all = append(all, c)
		}
		w.mu.Unlock() // a connection that ends calls Forget
		for _, c := range all {
			if c.idle.Load() && ended(c.tap.raw) {
				c.hangUp(w.clock.Now())
			}
		}
	}
}

// ended looks whether there is anything to read on a connection, or its end.
func ended(raw syscall.RawConn) (is bool) {
	if raw == nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // it fails where the connection was closed here
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		is = !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR)
	})
	return is
}

// Close ends the watch. No connection is told anything after it has returned.
func (w *Watch) Close() {
	w.mu.Lock() // nothing is begun after this
	w.begun = true
	w.mu.Unlock()
	close(w.stop) // closed once, by the owner of the pool
	w.running.Wait()
}
