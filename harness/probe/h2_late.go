package probe

import (
	"time"

	"golang.org/x/net/http2"
)

const (
	// streamEvery is how often a late stream is opened.
	streamEvery = 2 * time.Millisecond
	// afterGoaway is how long they are opened after the first GOAWAY: longer than a
	// client on another continent takes to hear of it would be unfair.
	afterGoaway = 100 * time.Millisecond
	// mostLate bounds them, below the hundred streams at once that servers allow at
	// the least (RFC 9113 section 6.5.2): these are answered at once.
	mostLate = 60
)

// h2LateStream keeps the connection busy with one slow stream, and opens others
// from the signal on until the GOAWAY has been there for a while.
func h2LateStream(b *bench) (s Sighting, err error) {
	h, err := b.dialH2()
	if err != nil {
		return s, err
	}
	defer h.leave()
	if _, s.Proof, err = b.openSlow(h, 1); err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	streams, err := b.openLate(h)
	if err != nil {
		return s, err
	}
	if len(streams) == 0 {
		return s, errNothingLate
	}
	seen, err := b.watch(h, b.until(), func(now state) bool { return now.ended || h.settled(streams, now) })
	if err != nil {
		return s, err
	}
	s.Reached, s.Of = true, len(streams)
	how := make(map[string]int)
	for _, one := range streams {
		text, lost := lateFate(h.look(one), seen)
		if lost {
			s.Lost++
		}
		how[text]++
	}
	s.Seen = tally(s.Lost, s.Of, how) + "; " + b.awayWords(seen)
	return s, nil
}

// settled reports whether the client of every stream knows what became of it: it is
// over, or above the last-stream-id.
func (h *h2conn) settled(streams []*stream, now state) bool {
	for _, one := range streams {
		if s := h.look(one); !s.over() && !now.above(s) {
			return false
		}
	}
	return true
}

// above reports whether the last GOAWAY says that a stream was not processed.
func (s state) above(one stream) bool {
	return len(s.away) > 0 && one.id > s.away[len(s.away)-1].last
}

const errNothingLate = inapplicable("the connection was closed before a stream could be opened on it: see h2/in-flight")

// openLate opens streams from the signal on.
func (b *bench) openLate(h *h2conn) (streams []*stream, err error) {
	for len(streams) < mostLate {
		now := h.state()
		if now.ended || len(now.away) > 0 && time.Since(now.away[0].at) > afterGoaway {
			break
		}
		r, err := b.plain()
		if err != nil {
			return nil, err
		}
		one, err := h.open(r)
		if err != nil {
			break // the connection has just ended: no caller has this stream
		}
		streams = append(streams, one)
		if err := b.pause(streamEvery); err != nil {
			return nil, err
		}
	}
	return streams, nil
}

// lateFate says what became of a late stream, and whether its client is left in
// the dark: it has no answer, and cannot tell whether it was processed.
func lateFate(s stream, seen state) (text string, lost bool) {
	switch {
	case s.whole:
		return s.String(), false
	case s.reset != nil && *s.reset == http2.ErrCodeRefusedStream:
		return "refused with REFUSED_STREAM", false
	case seen.above(s):
		return "above the last-stream-id", false
	}
	return s.String(), true
}
