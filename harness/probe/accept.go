package probe

import (
	"fmt"
	"time"

	"lastcall/harness/process"
)

// acceptCases are about connections that the server has not read from.
func acceptCases() []Case {
	return []Case{
		{
			ID: "accept/backlog", State: "in the accept queue, request sent", Braked: true, Race: true,
			Requires:  "A connection that waits in the accept queue with its request is served, or refused before a byte of it was acknowledged.",
			Reference: "golang/go #36819, benoitc/gunicorn #2529; tcp(7); RFC 9110 section 9.2.2",
			Remedy:    "Go on accepting for a while after the signal, with readiness red, so that the balancer sends no more; then accept what waits before the listener is closed.",
			Bugs:      []string{"B02", "B28", "B31"}, Rule: ruleLate, run: backlog,
		},
		{
			ID: "accept/silent", State: "accepted, not a byte sent",
			Requires:  "A connection on which nothing was ever sent does not hold the exit: not 3 seconds more than it takes without.",
			Reference: "golang/go #22682; hyperium/hyper #3576",
			Remedy:    "Bound how long a first request may take to come (in Go http.Server.ReadHeaderTimeout), or close connections that have sent nothing at the signal.",
			Bugs:      []string{"B03", "B49"}, Rule: ruleGrace, run: silent,
		},
	}
}

// The rules whose severity breaches have.
const (
	ruleInFlight = "in-flight-completes"
	ruleLate     = "late-requests-answered"
	ruleGrace    = "exits-in-grace"
)

// parked is how many connections are parked where a race is provoked.
const parked = 20

// backlog stops the server, lets connections with their requests pile up in the
// accept queue, sends the signal, and lets the server go on: they are certainly
// there when it handles the signal.
func backlog(b *bench) Sighting {
	if err := b.brake(); err != nil {
		return notReached(err.Error())
	}
	defer b.release()
	var waiting []*conn
	for range parked {
		c, err := b.dial()
		if err != nil {
			break // a short queue is full: the others are in it
		}
		r, err := b.plain()
		if err != nil {
			return notReached(err.Error())
		}
		if err := c.write(r.text); err == nil {
			waiting = append(waiting, c)
		}
	}
	queued, err := inQueue(waiting)
	if err != nil {
		return notReached(err.Error())
	}
	if err := b.signal(); err != nil {
		return notReached(err.Error())
	}
	if err := b.release(); err != nil {
		return notReached(err.Error())
	}
	s := Sighting{Reached: true, Of: len(queued), Proof: fmt.Sprintf("the accept queue held %d connections with their requests as the signal was sent", len(queued))}
	return b.countLost(s, queued)
}

// inQueue returns those connections that the kernel shows in the accept queue,
// with unread bytes.
func inQueue(waiting []*conn) (queued []*conn, err error) {
	var last error
	for _, c := range waiting {
		if err := c.arrived(); err != nil {
			last = err
			continue
		}
		peer, err := c.peer()
		if err == nil && !peer.Accepted && peer.Unread > 0 {
			queued = append(queued, c)
			continue
		}
		if err == nil {
			err = fmt.Errorf("it is %+v", peer)
		}
		last = err
	}
	if len(queued) == 0 {
		return nil, fmt.Errorf("no connection waits in the accept queue: %w", last)
	}
	listed, err := process.Queued(queued[0].server)
	if err == nil && listed < len(queued) {
		err = fmt.Errorf("the accept queue holds %d, not %d", listed, len(queued))
	}
	return queued, err
}

// countLost reads the answers on connections with one request each, and counts
// those without a whole one.
func (b *bench) countLost(s Sighting, conns []*conn) Sighting {
	how := make(map[string]int)
	for _, c := range conns {
		a := c.answer("GET", b.until(), nil)
		if !a.whole {
			s.Lost++
		}
		how[a.String()]++
	}
	s.Seen = tally(s.Lost, s.Of, how)
	return s
}

// silentBound is how much longer than without it a silent connection may make
// the exit: more than the bound of a second or two that a server may set, less
// than the five that Go waits.
const silentBound = 3 * time.Second

// silent measures an exit without such a connection first: some servers close one
// that says nothing for a second.
func silent(b *bench) Sighting {
	other, err := b.another()
	if err != nil {
		return notReached(err.Error())
	}
	defer other.end()
	without, err := other.stop()
	switch {
	case err != nil:
		return notReached(err.Error())
	case without.killed:
		return notReached("it does not end by itself without such a connection either: " + without.String())
	}
	c, err := b.dial()
	if err == nil {
		err = b.await(c.taken)
	}
	if err != nil {
		return notReached(err.Error())
	}
	with, err := b.stop()
	if err != nil {
		return notReached(err.Error())
	}
	held := with.took - without.took
	return Sighting{
		Reached: true, Proof: "the server had accepted the connection", Bad: with.killed || held > silentBound,
		Seen: fmt.Sprintf("%s; without the connection after %s%s", with, short(without.took), fingerprint(held)),
	}
}

// fingerprint names whose doing a delay looks like.
func fingerprint(held time.Duration) string {
	if held < 4500*time.Millisecond || held > 6500*time.Millisecond {
		return ""
	}
	return "; 5 to 6 s is how long Go's Shutdown takes such a connection for one about to speak"
}

// stop sends the signal and waits for the end.
func (b *bench) stop() (leave, error) {
	if err := b.signal(); err != nil {
		return leave{}, err
	}
	return b.awaitExit()
}
