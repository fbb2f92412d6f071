package probe

import (
	"errors"
	"fmt"

	"lastcall/harness/process"
)

// acceptCases are about connections that the server has not read from.
func acceptCases() []Case {
	return []Case{
		{
			ID: "accept/backlog", State: "in the accept queue, request sent", Braked: true, Race: true,
			Requires:  "A connection that waits in the accept queue with its request is served, or refused before a byte of it is acknowledged.",
			Reference: "golang/go #36819; benoitc/gunicorn #2529; RFC 9110 section 9.2.2",
			Remedy:    "Go on accepting for a while after the signal, with a failing readiness check, so that the balancer sends no more. Then accept all waiting connections before you close the listener.",
			Bugs:      []string{"B02", "B28", "B31"}, Rule: ruleLate, run: backlog,
		},
		{
			ID: "accept/queued", State: "sent, and unread behind another request", Needs: []Need{needSlow},
			Requires:  "A request that waits behind another request is answered in its turn.",
			Reference: "benoitc/gunicorn #2529",
			Remedy:    "Go on accepting until no connection waits any more, and only then close the listener: the kernel resets all connections that are still in its queue.",
			Bugs:      []string{"B28"}, Rule: ruleInFlight, run: queuedBehind,
		},
		{
			ID: "accept/silent", State: "accepted, not a byte sent",
			Requires:  "A connection on which nothing was sent does not delay the exit by more than 3 s.",
			Reference: "golang/go #22682; hyperium/hyper #3576",
			Remedy:    "Bound the wait for the first request (in Go: http.Server.ReadHeaderTimeout), or close silent connections at the signal.",
			Bugs:      []string{"B03", "B49"}, Rule: ruleGrace, unbooted: true, run: silent,
		},
	}
}

// backlogSize is how many connections are parked where a race is provoked. The
// more there are the longer the server has to run to serve them all before it
// handles the signal: Go's textbook server, on 2 busy cores, served all of 20 in
// half of the tries, and all of 150 in 1 of 120.
const backlogSize = 150

// backlog stops the server, lets connections with their requests pile up in the
// accept queue, sends the signal, and lets the server go on: they are certainly
// there when it handles the signal.
func backlog(b *bench) (s Sighting, err error) {
	if err := b.brake(); err != nil {
		return s, err
	}
	defer func() { _ = b.release() }() // for the ways out below; a second one does nothing
	var waiting []sent
	for range backlogSize {
		c, err := b.dial()
		if err != nil {
			break // a short queue is full: the others are in it
		}
		r, err := b.plain()
		if err != nil {
			return s, err
		}
		if c.write(r.text) == nil {
			waiting = append(waiting, sent{c, r})
		}
	}
	queued, err := inQueue(waiting)
	if err != nil {
		return s, err
	}
	if err := b.signalAndRelease(); err != nil {
		return s, err
	}
	s.Reached, s.Of = true, len(queued)
	s.Proof = fmt.Sprintf("the accept queue held %d connections with their requests when the signal was sent", len(queued))
	return b.countLost(s, queued), nil
}

// sent is a request that was written to a connection.
type sent struct {
	*conn
	request
}

// inQueue returns those that the kernel shows in the accept queue, with unread
// bytes.
func inQueue(waiting []sent) (queued []sent, err error) {
	for _, w := range waiting {
		peer, err := w.peer()
		if err != nil && !errors.Is(err, process.ErrNoPeer) {
			return nil, err
		}
		if err == nil && !peer.Accepted && peer.Unread == len(w.text) {
			queued = append(queued, w)
		}
	}
	if len(queued) == 0 {
		return nil, fmt.Errorf("none of %d connections waits in the accept queue with its request", len(waiting))
	}
	listed, err := process.Queued(queued[0].server)
	if err == nil && listed < len(queued) {
		err = fmt.Errorf("the accept queue is said to hold %d connections, not %d", listed, len(queued))
	}
	return queued, err
}

// signalAndRelease sends the signal to a server that is braked, and lets it go on.
func (b *bench) signalAndRelease() error {
	if err := b.signal(); err != nil {
		return err
	}
	return b.release()
}

// countLost reads the answers to one request each, and counts those without a
// whole one.
func (b *bench) countLost(s Sighting, all []sent) Sighting {
	how := make(map[string]int)
	for _, w := range all {
		a := w.answer(w.method, b.until(), nil)
		if !a.whole {
			s.Lost++
		}
		how[a.String()]++
	}
	s.Seen = tally(s.Lost, s.Of, how)
	return s
}
