package probe

import (
	"fmt"
	"time"

	"lastcall/harness/process"
)

// idleTakes is how long a server that has nothing better to do may take to read a
// request, on a busy machine: one that is unread for longer waits for its turn.
const idleTakes = 250 * time.Millisecond

// queuedBehind sends a request to a server that works on another one. Whoever works
// on several at a time reads it, and cannot be probed so.
func queuedBehind(b *bench) (s Sighting, err error) {
	first, proof, err := b.sendSlow("")
	if err != nil {
		return s, err
	}
	second := sent{}
	if second.conn, err = b.dial(); err != nil {
		return s, err
	}
	if second.request, err = b.plain(); err != nil {
		return s, err
	}
	if err := second.write(second.text); err != nil {
		return s, err
	}
	peer, err := b.unread(second)
	if err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	a := first.answer(first.method, b.until(), nil)
	first.close() // kept alive, it could keep the server from the next
	s.Reached, s.Of, s.Proof = true, 1, fmt.Sprintf("%s; the other %s", proof, peer)
	next := second.answer(second.method, b.until(), nil)
	if !next.whole {
		s.Lost = 1
	}
	s.Seen = fmt.Sprintf("the one that waited was %s; the one before it %s", next, b.slowAnswer(a))
	return s, nil
}

// unread watches a request that the server does not read, and says where it is.
func (b *bench) unread(w sent) (where string, err error) {
	for end := time.Now().Add(min(idleTakes, b.facts.slow/2)); ; {
		peer, err := w.peer()
		if err != nil {
			return "", err
		}
		if w.hungUp() || peer.Accepted && peer.Unread < len(w.text) {
			return "", inapplicable("it works on several requests at a time: it reads a second request while it works on the first")
		}
		if time.Now().After(end) {
			return whereabouts(peer), nil
		}
		if err := b.pause(breath / 10); err != nil {
			return "", err
		}
	}
}

func whereabouts(p process.Peer) string {
	if p.Accepted {
		return "lay unread in the buffer of its connection"
	}
	return "waited in the accept queue"
}
