package targets

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// writeBound is how long one piece of a stream may take to be written: a client
// that does not read must not keep a server from stopping.
const writeBound = 5 * time.Second

// Streams are the answers that have no end of their own, such as /events. To
// http.Server they are requests in flight: Shutdown would wait for them for
// ever. So they are told to end before it is called.
type Streams struct {
	once  sync.Once
	ended chan struct{}
}

func newStreams() *Streams { return &Streams{ended: make(chan struct{})} }

// Close ends all streams, those to come too. Each says goodbye and ends whole.
func (s *Streams) Close() error {
	s.once.Do(func() { close(s.ended) }) // the only close: a second one would panic
	return nil
}

// Ended is closed when the streams must end.
func (s *Streams) Ended() <-chan struct{} { return s.ended }

// pieces writes an answer piece by piece, each of which leaves at once.
type pieces struct {
	http.ResponseWriter
	control *http.ResponseController
}

func inPieces(w http.ResponseWriter) pieces {
	return pieces{w, http.NewResponseController(w)}
}

// send writes one piece and flushes it.
func (p pieces) send(text string) error {
	err := p.control.SetWriteDeadline(time.Now().Add(writeBound))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := p.Write([]byte(text)); err != nil {
		return err
	}
	return p.control.Flush()
}

// end takes the deadline off again: the connection may serve on.
func (p pieces) end() { _ = p.control.SetWriteDeadline(time.Time{}) } // only a dead connection refuses
