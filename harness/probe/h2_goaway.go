package probe

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"lastcall/harness/scenario"
)

// h2GoawayOrder looks at the order of GOAWAY, the answers and the close.
func h2GoawayOrder(b *bench) (s Sighting, err error) {
	h, err := b.dialH2()
	if err != nil {
		return s, err
	}
	defer h.leave()
	var streams []*stream
	if b.variant == atWork {
		streams, s.Proof, err = b.openSlow(h, 2)
	} else {
		s.Proof, err = b.serveOne(h)
	}
	if err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	told := func(s state) bool { return s.ended || len(s.away) > 0 && s.open == 0 }
	if _, err := b.watch(h, b.until(), told); err != nil {
		return s, err
	}
	// A further GOAWAY may follow, or the close; that a client closes first when it
	// has been told is as well.
	seen, err := b.watch(h, time.Now().Add(lastWord), func(s state) bool { return s.ended })
	if err != nil {
		return s, err
	}
	s.Reached, s.Of, s.Lost = true, len(streams), seen.open
	wrong := misorder(seen)
	if id, ok := disowned(h, streams, seen); ok {
		wrong = append(wrong, fmt.Sprintf("the last-stream-id is below stream %d, which was answered", id))
	}
	s.Seen = strings.Join(append([]string{b.awayWords(seen)}, wrong...), "; ")
	if s.Lost > 0 {
		s.Rule = ruleInFlight
	}
	s.Bad = len(wrong) > 0
	return s, nil
}

// serveOne lets the connection serve one stream, after which it is idle.
func (b *bench) serveOne(h *h2conn) (proof string, err error) {
	r, err := b.plain()
	if err != nil {
		return "", err
	}
	one, err := h.open(r)
	if err != nil {
		return "", err
	}
	err = b.await(func() error {
		if now := h.look(one); !now.whole {
			return fmt.Errorf("its first stream was %s", now)
		}
		return nil
	})
	return "it had answered one stream, and no other was open", err
}

// misorder lists what is wrong with what the server said of the connection's end.
func misorder(s state) (wrong []string) {
	if s.ended && len(s.away) == 0 {
		wrong = append(wrong, "the client got no GOAWAY")
	}
	if !s.ended && len(s.away) == 0 {
		wrong = append(wrong, "neither GOAWAY nor close within the grace period")
	}
	if s.ended && s.open > 0 {
		wrong = append(wrong, fmt.Sprintf("streams open then: %d", s.open))
	}
	for i, g := range s.away {
		if g.code != http2.ErrCodeNo {
			wrong = append(wrong, fmt.Sprintf("the GOAWAY has the error %s", g.code))
		}
		if i > 0 && g.last > s.away[i-1].last {
			wrong = append(wrong, fmt.Sprintf("the last-stream-id went up from %d to %d", s.away[i-1].last, g.last))
		}
	}
	return wrong
}

const (
	// lastWord is how long it is waited for after all was said: Go sends its final
	// GOAWAY a second after the first.
	lastWord = 1500 * time.Millisecond
	// untold is how long a connection that speaks since after the signal may be
	// served without being told. Nothing but the news that it ends is due.
	untold = time.Second
	// askEvery is how often it is asked for something meanwhile.
	askEvery = 50 * time.Millisecond
)

// h2PrefaceAfterSignal keeps the server draining with a slow request on another
// connection, lets this one begin to speak after the signal, and asks on until it
// is told to go, or closed.
func h2PrefaceAfterSignal(b *bench) (s Sighting, err error) {
	knows, err := b.dialH2() // the first, so that a server without HTTP/2 is found out
	if err != nil {
		return s, err
	}
	defer knows.leave()
	if _, _, err = b.openSlow(knows, 1); err != nil {
		return s, err
	}
	c, err := b.dial()
	if err == nil {
		err = b.await(c.taken)
	}
	if err != nil {
		return s, err
	}
	s.Proof = "the server had accepted the connection, and nothing had been sent on it"
	if err := b.signal(); err != nil {
		return s, err
	}
	if err := b.pause(2 * breath); err != nil { // until the server has heard
		return s, err
	}
	if err := b.inTime("the preface", time.Now()); err != nil {
		return s, err
	}
	h := startH2(c)
	defer h.leave()
	s.Reached, s.Of = true, 1
	if err := h.preface(); err != nil {
		s.Seen = "the connection was closed before it began to speak"
		return s, nil
	}
	began := time.Now()
	served, seen, err := b.askOn(h, began.Add(untold))
	if err != nil {
		return s, err
	}
	s.Seen = fmt.Sprintf("streams answered: %d, within %s; %s", served, scenario.InWords(time.Since(began)), b.awayWords(seen))
	if served > 0 && len(seen.away) == 0 {
		s.Bad = true
		s.Seen += "; it was served without a GOAWAY"
	}
	if !seen.ended && len(seen.away) == 0 && served == 0 {
		s.Bad = true
		s.Seen += "; it was neither served nor closed, and got no GOAWAY"
	}
	return s, nil
}

// askOn opens one stream after another until the server says GOAWAY, the
// connection ends, or the deadline. It returns how many were answered.
func (b *bench) askOn(h *h2conn, deadline time.Time) (served int, seen state, err error) {
	var streams []*stream
	for len(streams) < mostLate {
		if seen = h.state(); seen.ended || len(seen.away) > 0 || time.Now().After(deadline) {
			break
		}
		r, err := b.plain()
		if err != nil {
			return 0, seen, err
		}
		one, err := h.open(r)
		if err != nil {
			break // it has just ended
		}
		streams = append(streams, one)
		if err := b.pause(askEvery); err != nil {
			return 0, seen, err
		}
	}
	seen, err = b.watch(h, time.Now().Add(breath), func(s state) bool { return s.open == 0 && len(s.away) > 0 || s.ended })
	for _, one := range streams {
		if h.look(one).whole {
			served++
		}
	}
	return served, seen, err
}
