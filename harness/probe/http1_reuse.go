package probe

import (
	"errors"
	"fmt"
	"time"

	"lastcall/harness/scenario"
)

// reuseCases are about connections that have served a request, and are to serve
// another.
func reuseCases() []Case {
	return []Case{
		{
			ID: "http1/reuse-after", State: "kept alive, next request after the signal", Needs: []Need{needSlow},
			Requires:  "After the signal, a request on a kept-alive connection is served with Connection: close, or rejected, or the connection was closed before. It is not served with keep-alive without end.",
			Reference: "RFC 9112 sections 9.3 and 9.6; valyala/fasthttp #39; nodejs/node #2642",
			Remedy:    "Close idle connections at the signal, and send Connection: close with every answer after it.",
			Bugs:      []string{"B14", "B19", "B77"}, Rule: ruleLate, run: reuseAfter,
		},
		{
			ID: "http1/idle-race", State: "kept alive, request in its buffer", Braked: true, Race: true,
			Requires:  "A request that has reached a kept-alive connection before the server closes it as idle is served.",
			Reference: "golang/go #65802 and #23829; RFC 9112 section 9.3.1",
			Remedy:    "Send Connection: close for a while before you close connections, so that clients leave them. HTTP/1.1 has no other way.",
			Bugs:      []string{"B01", "B04", "B13", "B75"}, Rule: ruleLate, run: idleRace,
		},
		{
			ID: "http1/pipelined", State: "two requests sent, the first in its handler", Needs: []Need{needSlow},
			Requires:  "The second of two pipelined requests is served, or the answer to the first says Connection: close; and the first is answered whole.",
			Reference: "RFC 9112 sections 9.3.2 and 9.6",
			Remedy:    "Send Connection: close with the last answer on each connection: then a client may send the rest again.",
			Rule:      ruleInFlight, run: pipelined,
		},
	}
}

// reuseFor is how long after the drain a connection may be served with
// keep-alive.
const reuseFor = 3 * time.Second

// reuseAfter keeps a server draining with a slow request, and asks again and again
// on another connection until that is told to go.
func reuseAfter(b *bench) (s Sighting, err error) {
	kept, err := b.dial()
	if err == nil {
		err = b.warmUp(kept)
	}
	if err != nil {
		return s, err
	}
	if _, s.Proof, err = b.sendSlow(""); err != nil {
		return s, err
	}
	if kept.hungUp() {
		return s, errors.New("the idle connection was closed before the signal")
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	limit := min(b.plan.Lag+b.facts.slow+reuseFor, b.plan.Grace)
	s.Reached, s.Of = true, 1
	s.Proof = "the connection had served a request and was open; of the one that keeps the server busy: " + s.Proof
	for served := 0; ; served++ {
		if err := b.pause(breath / 2); err != nil {
			return s, err
		}
		after := time.Since(b.signalled)
		switch {
		case kept.hungUp():
			s.Seen = fmt.Sprintf("closed, with nothing under way, after %d answers with keep-alive", served)
			return s, nil
		case after > limit:
			s.Bad, s.Seen = true, fmt.Sprintf("still served with keep-alive %s after the signal: %d answers", scenario.InWords(after), served)
			return s, nil
		}
		r, err := b.plain()
		if err != nil {
			return s, err
		}
		a := b.ask(kept, r)
		if !a.whole { // no server can answer one that crosses the close of its connection
			s.Lost, s.Excused = 1, a.bare && a.end != timeout
		}
		if !a.whole || a.close {
			s.Seen = fmt.Sprintf("%d answers with keep-alive, then %s", served, a)
			return s, nil
		}
	}
}

// idleSize is how many idle connections are parked. Go's textbook server served all
// of 150 in 2 of 5 tries, and all of 400 in 3 of 40: as in backlogSize.
const idleSize = 400

// idleRace warms connections up, stops the server, sends a request on each, sends
// the signal, and lets the server go on.
func idleRace(b *bench) (s Sighting, err error) {
	var idle []*conn
	for range idleSize {
		c, err := b.dial()
		if err == nil {
			err = b.warmUp(c)
		}
		if err != nil && len(idle) == 0 {
			return s, err
		}
		if err != nil {
			break // so many and no more are kept alive
		}
		idle = append(idle, c)
	}
	if err := b.brake(); err != nil {
		return s, err
	}
	defer func() { _ = b.release() }() // for the ways out below; a second one does nothing
	var all []sent
	for _, c := range idle {
		r, err := b.plain()
		if err != nil {
			return s, err
		}
		if !c.hungUp() && c.write(r.text) == nil {
			all = append(all, sent{c, r})
		}
	}
	var reached []sent
	for _, w := range all {
		if peer, err := w.peer(); err == nil && peer.Unread == len(w.text) {
			reached = append(reached, w)
		}
	}
	if len(reached) == 0 {
		return s, errors.New("no request waits in the buffer of an idle connection")
	}
	if err := b.signalAndRelease(); err != nil {
		return s, err
	}
	s.Reached, s.Of = true, len(reached)
	s.Proof = fmt.Sprintf("the buffers of %d idle connections held a request each when the signal was sent", len(reached))
	return b.countLost(s, reached), nil
}

func pipelined(b *bench) (s Sighting, err error) {
	second, err := b.plain()
	if err != nil {
		return s, err
	}
	first, proof, err := b.sendSlow(second.text)
	if err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	s = Sighting{Reached: true, Of: 2, Proof: proof + "; the second had been sent with it"}
	a := first.answer(first.method, b.until(), nil)
	s.Seen = "the first " + b.slowAnswer(a)
	if !b.kept(a) {
		s.Lost = 1
	}
	if !a.whole || a.close {
		s.Seen += "; the second was not answered"
		if !a.whole {
			s.Lost++
		}
		return s, nil
	}
	next := first.answer(second.method, b.until(), nil)
	if !next.whole {
		s.Lost++
	}
	s.Seen += "; the second " + next.String()
	return s, nil
}
