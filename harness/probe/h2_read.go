package probe

import (
	"errors"
	"strings"
	"time"

	"golang.org/x/net/http2"
)

// read takes whatever comes, until the connection ends.
func (h *h2conn) read() {
	if !h.readGreeting() {
		return
	}
	for {
		frame, err := h.framer.ReadFrame()
		if stream, ok := errors.AsType[http2.StreamError](err); ok {
			h.note(func() { h.broke(stream.StreamID, stream.Code) }) // what it sent there is no HTTP
			continue
		}
		if err != nil {
			h.over()
			return
		}
		h.take(frame)
	}
}

// readGreeting looks at the first bytes. A server that speaks only HTTP/1 answers
// the preface as a request that it does not understand.
func (h *h2conn) readGreeting() bool {
	first, err := h.in.Peek(5)
	if string(first) == "HTTP/" {
		line, _ := h.in.ReadString('\n') // as much of it as there is
		h.note(func() { h.foreign = strings.TrimSpace(line) })
		return false
	}
	if err != nil {
		h.over()
		return false
	}
	return true
}

// note changes what is known.
func (h *h2conn) note(change func()) {
	h.mu.Lock() // shared with the goroutine that looks
	defer h.mu.Unlock()
	change()
}

// over notes the end of the connection. A frame that cannot be read is one too.
func (h *h2conn) over() {
	h.note(func() {
		h.ended, h.end, h.endedAt = true, h.last, time.Now()
		if h.end == open {
			h.end = other
		}
	})
}

// take notes a frame, and acknowledges what wants it.
func (h *h2conn) take(frame http2.Frame) {
	id := frame.Header().StreamID
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			h.note(func() { h.greeted = true })
			_ = h.write(h.framer.WriteSettingsAck) // if it fails, reading fails next
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			_ = h.write(func() error { return h.framer.WritePing(true, f.Data) }) // as above
		}
	case *http2.MetaHeadersFrame:
		status, end := f.PseudoValue("status"), f.StreamEnded()
		h.note(func() { h.answered(id, status, end) })
	case *http2.DataFrame:
		end := f.StreamEnded()
		h.note(func() { h.answered(id, "", end) })
	case *http2.RSTStreamFrame:
		h.note(func() { h.broke(id, f.ErrCode) })
	case *http2.GoAwayFrame:
		h.note(func() { h.away = append(h.away, goaway{time.Now(), f.LastStreamID, f.ErrCode}) })
	}
}

// answered notes a part of an answer. An interim one is none (RFC 9110 section
// 15.2), and trailers have no status.
func (h *h2conn) answered(id uint32, status string, end bool) {
	s, ok := h.streams[id]
	if !ok || s.over() {
		return
	}
	if status != "" {
		s.status = status
	}
	if end {
		s.whole, s.closed = true, time.Now()
	}
}

// broke notes that a stream was given up. After the end of its answer that means
// only that the server wants no more of the request (RFC 9113 section 8.1).
func (h *h2conn) broke(id uint32, code http2.ErrCode) {
	if s, ok := h.streams[id]; ok && !s.over() {
		s.reset, s.closed = &code, time.Now()
	}
}
