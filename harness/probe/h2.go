package probe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"lastcall/harness/scenario"
)

// h2Cases are about HTTP/2 without TLS. A server that speaks it only over TLS, or
// not at all, is skipped: its answer to the preface says so.
func h2Cases() []Case {
	return []Case{
		{
			ID: "h2/in-flight", State: "8 streams open, handlers at work", Needs: []Need{needSlow},
			Requires:  "Every stream that is open at the signal is completed, and no GOAWAY says that one of them was not processed.",
			Reference: "RFC 9113 section 6.8; golang/go #39776, #55846",
			Remedy:    "Send GOAWAY, and wait for all open streams before the connection is closed and the process ends (in Go: until Server.Shutdown has returned).",
			Bugs:      []string{"B08", "B09"}, Rule: ruleInFlight, run: h2InFlight,
		},
		{
			ID: "h2/late-stream", State: "streams opened until the GOAWAY, and after it", Race: true, Needs: []Need{needSlow},
			Requires:  "A stream that is opened around the GOAWAY is answered, or the client learns that it was not processed: it is above the last-stream-id, or reset with REFUSED_STREAM.",
			Reference: "RFC 9113 sections 6.8, 8.7",
			Remedy:    "Send a first GOAWAY with the highest possible last-stream-id, and the final GOAWAY a round trip later. Answer all streams up to its last-stream-id.",
			Bugs:      []string{"B08", "B09"}, Rule: ruleLate, run: h2LateStream,
		},
		{
			ID: "h2/goaway-order", State: "one connection, busy or idle", Variants: []string{atWork, idle}, Needs: []Need{needSlow},
			Requires:  "GOAWAY comes before the connection is closed, and it is not closed while streams are open. A later GOAWAY has no higher last-stream-id, and none below a stream that was answered.",
			Reference: "RFC 9113 section 6.8",
			Remedy:    "Send GOAWAY (NO_ERROR) on every HTTP/2 connection, also on idle ones, before you close it.",
			Bugs:      []string{"B08"}, Rule: ruleAnnounces, run: h2GoawayOrder,
		},
		{
			ID: "h2/preface-after-signal", State: "accepted, no byte sent; preface after the signal", Needs: []Need{needSlow},
			Requires:  "A connection that begins to speak HTTP/2 after the signal gets a GOAWAY, or is closed. It is not served without a GOAWAY.",
			Reference: "kaseiwang/http2-grace-shutdown-test; RFC 9113 section 6.8",
			Remedy:    "Check for the shutdown where an HTTP/2 connection begins, and send GOAWAY there, too.",
			Bugs:      []string{"B54"}, Rule: ruleAnnounces, run: h2PrefaceAfterSignal,
		},
	}
}

// The variants of h2/goaway-order.
const (
	atWork = "busy"
	idle   = "idle"
)

const (
	// h2Streams is how many streams are open, so that they end one after another.
	h2Streams = 8
	// stagger is how much longer the next of them takes.
	stagger = 20 * time.Millisecond
)

// openSlow opens so many streams with slow requests, and waits until the server
// works on all of them.
func (b *bench) openSlow(h *h2conn, n int) (streams []*stream, proof string, err error) {
	if err := b.tooQuick(); err != nil {
		return nil, "", err
	}
	var ids []string
	for i := range n {
		r, err := b.slow(slowFor + time.Duration(i)*stagger)
		if err != nil {
			return nil, "", err
		}
		s, err := h.open(r)
		if err != nil {
			return nil, "", err
		}
		b.dueBy(s.opened)
		streams, ids = append(streams, s), append(ids, r.id)
	}
	proof = "the server had read all of them, and nothing had come back"
	look := h.taken
	if b.facts.ledger {
		proof = "the server's ledger said received of all, and nothing had come back"
		look = func() error {
			for _, id := range ids {
				if !b.received(id) {
					return errors.New("its ledger does not say received for every stream")
				}
			}
			return nil
		}
	}
	if err := b.await(look); err != nil {
		return nil, "", err
	}
	if h.state().open < n {
		return nil, "", overdue("an answer came before the signal could")
	}
	return streams, proof, nil
}

// keptStream reports whether a stream has the answer that it would have without
// the signal.
func (b *bench) keptStream(s stream) bool {
	return s.whole && s.status == strconv.Itoa(b.facts.slowStatus)
}

func h2InFlight(b *bench) (s Sighting, err error) {
	h, err := b.dialH2()
	if err != nil {
		return s, err
	}
	defer h.leave()
	streams, proof, err := b.openSlow(h, h2Streams)
	if err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	seen, err := b.watch(h, b.until(), func(s state) bool { return s.open == 0 || s.ended })
	if err != nil {
		return s, err
	}
	s = Sighting{Reached: true, Of: len(streams), Proof: proof}
	how := make(map[string]int)
	for _, one := range streams {
		now := h.look(one)
		if !b.keptStream(now) {
			s.Lost++
		}
		how[now.String()]++
	}
	s.Seen = tally(s.Lost, s.Of, how) + "; " + b.awayWords(seen)
	if id, ok := disowned(h, streams, seen); ok {
		s.Bad = true
		s.Seen += fmt.Sprintf(", below stream %d, which was answered", id)
	}
	return s, nil
}

// disowned returns a stream that was answered and that the last GOAWAY says was
// not processed: a client may have repeated it.
func disowned(h *h2conn, streams []*stream, seen state) (id uint32, ok bool) {
	for _, one := range streams {
		if now := h.look(one); now.whole && seen.above(now) {
			return now.id, true
		}
	}
	return 0, false
}

// String says what became of a stream in a few words.
func (s stream) String() string {
	switch {
	case s.whole:
		return "answered " + s.status
	case s.reset != nil:
		return "reset with " + s.reset.String()
	case s.status != "":
		return "cut off"
	}
	return "not answered"
}

// awayWords says what the server said of the connection's end.
func (b *bench) awayWords(s state) string {
	if len(s.away) == 0 {
		return "no GOAWAY came" + b.endWords(s)
	}
	var said []string
	for _, g := range s.away {
		text := fmt.Sprintf("after %s with last-stream-id %d", scenario.InWords(g.at.Sub(b.signalled)), g.last)
		if g.code != http2.ErrCodeNo {
			text += " and " + g.code.String()
		}
		said = append(said, text)
	}
	return "GOAWAY came " + strings.Join(said, ", and ") + b.endWords(s)
}

// endWords says how and when the connection ended, if it did.
func (b *bench) endWords(s state) string {
	if !s.ended {
		return ""
	}
	return fmt.Sprintf("; the connection was %s after %s", s.end, scenario.InWords(s.endedAt.Sub(b.signalled)))
}
