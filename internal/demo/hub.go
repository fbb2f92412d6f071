package demo

import "errors"

const (
	// maxViewers bounds how many watch at a time: each costs a connection and a
	// buffer.
	maxViewers = 16
	// backlog is how many messages a viewer may be behind: some three seconds.
	backlog = 64
)

// ErrFull says that no other page can watch.
var ErrFull = errors.New("too many pages are open already")

// viewer is somebody who watches. Its messages are complete: no part of one is
// ever sent alone.
type viewer struct {
	messages chan []byte // closed when the viewer is too far behind
}

// hub hands every message to every viewer. It never waits for one: who falls too
// far behind is dismissed, and comes back to find the present state. Its owner
// guards it.
type hub struct{ viewers map[*viewer]struct{} }

// join adds a viewer, whose first message this is.
func (h *hub) join(first ...[]byte) (*viewer, error) {
	if len(h.viewers) >= maxViewers {
		return nil, ErrFull
	}
	v := &viewer{messages: make(chan []byte, backlog)}
	for _, m := range first {
		v.messages <- m // there is room: it is new
	}
	if h.viewers == nil {
		h.viewers = make(map[*viewer]struct{})
	}
	h.viewers[v] = struct{}{}
	return v, nil
}

func (h *hub) leave(v *viewer) { delete(h.viewers, v) }

func (h *hub) publish(message []byte) {
	for v := range h.viewers {
		select {
		case v.messages <- message:
		default:
			h.leave(v)
			close(v.messages) // closed once: it cannot be reached any more
		}
	}
}
