package probe

import (
	"strings"
	"time"
)

// wireCases are about what else is on the wire.
func wireCases() []Case {
	return []Case{{
		ID: "wire/no-reset", State: "in the handler, more bytes unread", Needs: []Need{needSlow},
		Requires:  "The answer reaches a client that reads late, and no reset follows it: the server closes in stages if bytes of the client are unread.",
		Reference: "RFC 9112 section 9.6; RFC 9293 section 3.10.7.4",
		Remedy:    "Close the sending side first, and read for a moment longer: a reset can destroy an answer that the client has not read yet.",
		Rule:      ruleInFlight, run: noReset,
	}}
}

// padding makes a request longer than what a server reads ahead, four kilobytes in
// net/http, when there are some of them.
const (
	padding  = 1 << 10
	pipeline = 24 // requests
)

// noReset sends more requests behind one that takes its time, and reads only when
// all is over.
func noReset(b *bench) (s Sighting, err error) {
	w, proof, err := b.sendSlow("")
	if err != nil {
		return s, err
	}
	more, err := b.plain("X-Padding: " + strings.Repeat("x", padding))
	if err != nil {
		return s, err
	}
	if err := w.write(strings.Repeat(more.text, pipeline)); err != nil {
		return s, err
	}
	if err := b.await(w.arrived); err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	if err := b.pause(b.facts.slow + 2*breath); err != nil { // the client reads late
		return s, err
	}
	a := w.answer(w.method, b.until(), nil)
	s = b.served(proof+"; further requests had arrived behind it", a)
	if !a.whole {
		return s, nil
	}
	switch end := w.afterwards(time.Now().Add(b.plan.Grace)); end {
	case reset:
		// On this machine the answer could still be read; elsewhere it may not.
		s.Bad, s.Excused = true, true
		s.Seen += ", and then reset (RST) with the client's bytes unread: with a slower client the answer is lost"
	default:
		s.Seen += ", and then " + end.String()
	}
	return s, nil
}
