package demo

import (
	"net/http"
	"time"
)

// messageWithin bounds the writing of one message to a viewer who does not read.
const messageWithin = 5 * time.Second

// events streams the board to a viewer, as server-sent events.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	v, err := s.board.Watch()
	if err != nil {
		w.Header().Set("Retry-After", "5")
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer s.board.Leave(v)
	w.Header().Set("Content-Type", "text/event-stream")
	// The deadline of the request's reading would end the stream.
	control := http.NewResponseController(w)
	if control.SetReadDeadline(time.Time{}) != nil {
		return
	}
	for {
		select {
		case m, ok := <-v.messages:
			if !ok || !send(w, control, m) {
				return // too slow, or gone: the page comes back for the present state
			}
		case <-r.Context().Done():
			return
		}
	}
}

// send writes one message, and reports whether it went out.
func send(w http.ResponseWriter, control *http.ResponseController, message []byte) bool {
	if control.SetWriteDeadline(time.Now().Add(messageWithin)) != nil {
		return false
	}
	if _, err := w.Write(message); err != nil {
		return false
	}
	return control.Flush() == nil
}
