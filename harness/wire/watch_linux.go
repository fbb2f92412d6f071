package wire

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"lastcall/internal/bug"
)

// Watch tells connections when the server has ended its side, by FIN or RST, while they
// are idle. One goroutine serves all of them.
type Watch struct {
	clock Clock

	mu      sync.Mutex // the rest is shared by those who add and the watch
	begun   bool       // by the first that is added
	file    *os.File   // of an epoll, which the runtime's own poller waits for; nil: the system gave none
	conns   map[int32]*Conn
	running sync.WaitGroup
}

// NewWatch makes a watch. Where the system gives no descriptor for it, the ends of idle
// connections are seen when they are used again.
func NewWatch(clock Clock) *Watch { return &Watch{clock: clock, conns: make(map[int32]*Conn)} }

// begin starts the watch. The lock is held.
func (w *Watch) begin() {
	w.begun = true
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return
	}
	_ = unix.SetNonblock(fd, true) // or reading would take a thread
	w.file = os.NewFile(uintptr(fd), "epoll")
	w.running.Go(w.run)
}

// Add makes the watch know a connection, once, before it is idle. Data that comes on it
// wakes no goroutine: it is asked for the end alone (EPOLLRDHUP; errors are always told).
func (w *Watch) Add(c *Conn) {
	if c.watched || c.tap.raw == nil {
		return
	}
	c.watched = true
	w.mu.Lock() // the watch looks it up as soon as epoll knows it
	defer w.mu.Unlock()
	if !w.begun {
		w.begin()
	}
	if w.file == nil {
		return
	}
	w.conns[int32(c.Number)] = c
	raw, err := w.file.SyscallConn()
	if err != nil {
		return // closed
	}
	_ = c.tap.raw.Control(func(fd uintptr) {
		_ = raw.Control(func(epoll uintptr) {
			event := unix.EpollEvent{Events: unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff, Fd: int32(c.Number)}
			_ = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, int(fd), &event)
		})
	})
}

// Forget drops a connection that is closed: the kernel has forgotten it already. It may be
// called by any goroutine, while the connection's holder adds it.
func (w *Watch) Forget(c *Conn) {
	w.mu.Lock() // conns is shared
	defer w.mu.Unlock()
	delete(w.conns, int32(c.Number))
}

func (w *Watch) run() {
	defer bug.Catch()
	raw, err := w.file.SyscallConn()
	if err != nil {
		return
	}
	var events [64]unix.EpollEvent
	for {
		n := 0
		err := raw.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events[:], 0)
			return n > 0 // or wait for more
		})
		if err != nil {
			return // closed
		}
		at := w.clock.Now()
		for _, e := range events[:n] {
			w.mu.Lock() // conns is shared
			c := w.conns[e.Fd]
			w.mu.Unlock()
			if c != nil {
				c.hangUp(at)
			}
		}
	}
}

// Close ends the watch. No connection is told anything after it has returned.
func (w *Watch) Close() {
	w.mu.Lock() // nothing is begun after this
	w.begun = true
	file := w.file
	w.mu.Unlock() // the watch may be looking one up
	if file != nil {
		file.Close()
		w.running.Wait()
	}
}
