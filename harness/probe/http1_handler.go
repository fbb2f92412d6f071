package probe

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// handlerCases are about requests that the server works on.
func handlerCases() []Case {
	return []Case{
		{
			ID: "http1/in-handler", State: "whole request read, handler at work", Variants: []string{cold, warm}, Needs: []Need{needSlow},
			Requires:  "A request that the server works on is answered as it would be without the signal.",
			Reference: "Go net/http Server.Shutdown; RFC 9112 section 9.6",
			Remedy:    "Wait for the requests in flight before the process ends (in Go: wait until Server.Shutdown has returned), and do not derive their context from the signal's.",
			Bugs:      []string{"B05", "B06", "B10", "B21", "B46"}, Rule: ruleInFlight, run: inHandler,
		},
	}
}

// tooQuick says why the slow request cannot be probed, or "".
func (b *bench) tooQuick() string {
	if b.facts.slow >= slowEnough {
		return ""
	}
	return fmt.Sprintf("the slow request takes only %s: name one with --slow-url that takes at least %s", short(b.facts.slow), short(slowEnough))
}

// sendSlow opens a connection, sends the slow request on it and waits until the
// server works on it.
func (b *bench) sendSlow() (c *conn, r request, proof string, err error) {
	if c, err = b.open(); err != nil {
		return c, r, "", err
	}
	if r, err = b.slow(slowFor); err != nil {
		return c, r, "", err
	}
	if err = c.write(r.text); err != nil {
		return c, r, "", err
	}
	proof, err = b.working(c, r)
	return c, r, proof, err
}

// kept reports whether an answer is what it would be without the signal.
func (b *bench) kept(a answer) bool { return a.whole && a.status == b.facts.slowStatus }

// slowAnswer says what came of a slow request.
func (b *bench) slowAnswer(a answer) string {
	text := a.String()
	if a.whole && !b.kept(a) {
		text += fmt.Sprintf("; without the signal it is %d", b.facts.slowStatus)
	}
	if a.whole {
		return text
	}
	return fmt.Sprintf("%s, %s after the signal", text, short(a.done.Sub(b.signalled)))
}

func inHandler(b *bench) Sighting {
	if why := b.tooQuick(); why != "" {
		return skip(why)
	}
	c, r, proof, err := b.sendSlow()
	if err != nil {
		return without(err)
	}
	if err := b.signal(); err != nil {
		return notReached(err.Error())
	}
	a := c.answer(r.method, b.until(), nil)
	s := Sighting{Reached: true, Of: 1, Proof: proof, Seen: b.slowAnswer(a)}
	if !b.kept(a) {
		s.Lost = 1
	}
	return s
}

// tally says how many were lost, and how all ended.
func tally(lost, of int, how map[string]int) string {
	var parts []string
	keys := slices.SortedFunc(maps.Keys(how), func(a, b string) int {
		if how[a] != how[b] {
			return how[b] - how[a]
		}
		return strings.Compare(a, b)
	})
	for _, text := range keys {
		parts = append(parts, fmt.Sprintf("%d %s", how[text], text))
	}
	return fmt.Sprintf("%d of %d lost: %s", lost, of, strings.Join(parts, ", "))
}
