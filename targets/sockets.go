package targets

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// farewell is how long a client gets to answer a close frame. RFC 6455 section
// 7.1.1 lets a server close without an answer.
const farewell = time.Second

// Sockets are the open websockets. A websocket begins as a request, but then it
// is taken out of the server's hands (http.Hijacker): Shutdown does not know of
// it, neither to end it nor to wait for it. Unless it is told, its client sees
// the connection die with the process, which it must report as 1006, abnormal
// closure.
type Sockets struct {
	mu       sync.Mutex // guards what follows: handlers come and go
	open     map[*websocket.Conn]struct{}
	arriving sync.WaitGroup // handshakes: none is added once it is closed
	closed   bool
}

func newSockets() *Sockets { return &Sockets{open: make(map[*websocket.Conn]struct{})} }

// arrive notes a handshake, until what it returns is called: the client can have read
// its end, and hold the websocket for open, before anybody here has entered it.
func (s *Sockets) arrive() (arrived func()) {
	s.mu.Lock() // not after the entry of Close, which waits for those before it
	defer s.mu.Unlock()
	if s.closed {
		return func() {}
	}
	s.arriving.Add(1)
	return sync.OnceFunc(s.arriving.Done)
}

// add enters a socket, unless all are being closed.
func (s *Sockets) add(conn *websocket.Conn) bool {
	s.mu.Lock() // not between the look and the entry of Close
	defer s.mu.Unlock()
	if !s.closed {
		s.open[conn] = struct{}{}
	}
	return !s.closed
}

func (s *Sockets) remove(conn *websocket.Conn) {
	s.mu.Lock() // as in add
	defer s.mu.Unlock()
	delete(s.open, conn)
}

// Close sends every websocket the close frame 1001, going away, and waits for
// the answers, but not for those who take longer than a second. Websockets to
// come get the same frame. It is an error if the context ends first.
func (s *Sockets) Close(ctx context.Context) error {
	s.mu.Lock() // from here on no connection is added
	s.closed = true
	conns := make([]*websocket.Conn, 0, len(s.open))
	for conn := range s.open {
		conns = append(conns, conn)
	}
	s.mu.Unlock()

	arrived := make(chan struct{})
	go func() {
		s.arriving.Wait() // their handlers find it closed, and tell them
		close(arrived)    // by the only one who does
	}()
	told := make(chan struct{}, len(conns)) // buffered: a slow client's goroutine does not wait for us
	for _, conn := range conns {
		go func() {
			leave(conn)
			told <- struct{}{}
		}()
	}
	patience := time.NewTimer(farewell)
	defer patience.Stop()
	for n := range conns {
		select {
		case <-told:
		case <-patience.C:
			return nil // the frames are on their way; the end of the process does the rest
		case <-ctx.Done():
			return fmt.Errorf("close websockets: %d of %d did not answer: %w", len(conns)-n, len(conns), ctx.Err())
		}
	}
	select {
	case <-arrived:
	case <-patience.C: // as above
	case <-ctx.Done():
		return fmt.Errorf("close websockets: a handshake did not end: %w", ctx.Err())
	}
	return nil
}

// leave says 1001 to one client. That the client is gone already, or does not
// answer, is no failure of ours.
func leave(conn *websocket.Conn) {
	_ = conn.Close(websocket.StatusGoingAway, "the server is going away")
}

// socket echoes every message until either side closes.
func (a *App) socket(w http.ResponseWriter, r *http.Request) {
	arrived := a.Sockets.arrive()
	defer arrived()
	conn, err := websocket.Accept(w, r, nil) // answers by itself what is not a handshake
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }() // does nothing if it is closed
	if !a.Sockets.add(conn) {
		leave(conn)
		return
	}
	arrived()
	defer a.Sockets.remove(conn)
	a.executed(r)
	// Not the request's context: net/http ends it as soon as the handler has
	// hijacked the connection and returns, and some strategies cancel it.
	ctx := context.WithoutCancel(r.Context())
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if err := conn.Write(ctx, kind, message); err != nil {
			return
		}
	}
}
