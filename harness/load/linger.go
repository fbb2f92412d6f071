package load

import (
	"sync"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/wire"
	"lastcall/internal/bug"
)

const (
	// maxLingering is how many ended connections are kept open at once: they take
	// descriptors that the load may need.
	maxLingering = 2000
	// longestLinger bounds how long each is. Go's net/http closes 500 ms after it
	// has shut its side down, other servers take a second or two.
	longestLinger = 2 * time.Second
)

// lingers keeps connections of lost requests open that the server ended with a
// FIN, and looks whether an RST follows: it says that the server had not read all
// that was sent when it closed. Whoever has closed his own end is never told.
type lingers struct {
	clock wire.Clock

	mu      sync.Mutex // the rest is shared by all requests and the watch
	open    []lingering
	running chan struct{} // closed when the watch has ended; nil: there is none
	closed  bool
}

type lingering struct {
	conn   *wire.Conn
	record *history.Request // this goroutine alone writes to it now
	since  time.Duration
}

// add takes the connection of a lost request over.
func (l *lingers) add(c *wire.Conn, r *history.Request) {
	l.mu.Lock() // the watch may be looking
	defer l.mu.Unlock()
	if l.closed || len(l.open) >= maxLingering {
		c.LetGo()
		return
	}
	l.open = append(l.open, lingering{c, r, l.clock.Now()})
	if l.running == nil {
		l.running = make(chan struct{})
		go l.watch(l.running)
	}
}

// watch looks at all of them every millisecond, as long as there are any.
func (l *lingers) watch(ended chan struct{}) {
	defer close(ended) // closed by the only goroutine that watches
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	defer bug.Catch()
	for range ticker.C {
		if !l.look() {
			return
		}
	}
}

// look reports whether any is left to look at.
func (l *lingers) look() bool {
	l.mu.Lock() // others may be added
	defer l.mu.Unlock()
	now, left := l.clock.Now(), l.open[:0]
	for _, c := range l.open {
		reset := c.conn.State() == history.TCPClose
		if reset {
			c.record.Later = uint32(max(1, (now-c.record.End)/time.Microsecond))
		}
		if reset || l.closed || now-c.since > longestLinger {
			c.conn.LetGo()
			continue
		}
		left = append(left, c)
	}
	clear(l.open[len(left):])
	l.open = left
	if len(left) == 0 {
		l.running = nil
	}
	return len(left) > 0
}

// close looks a last time and gives all of them up. No record is written to after
// it has returned.
func (l *lingers) close() {
	l.mu.Lock() // no other is taken after this
	l.closed = true
	running := l.running
	l.mu.Unlock() // the watch takes it
	if running != nil {
		<-running
	}
}
