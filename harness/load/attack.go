// Package load drives a server with an open-loop attack and tells the truth
// about every request.
//
// vegeta paces the attack; the requests travel through a RoundTripper of our
// own, which never replays one and records what its connection saw:
//
//	Pacer ──> vegeta.Attacker ──> http.Client ──> transport ──> pool ──> conn
//	  │             │                                 │                   │
//	scheduled     results                          records          bytes, FIN, RST
//
// Over TLS the conn stands above it, and sees what HTTP does.
//
// Records, results and schedule are counted apart, so that a request that went
// missing anywhere is noticed.
package load

import (
	"crypto/tls"
	"net/http"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"lastcall/harness/history"
)

// Config says what to attack and how.
type Config struct {
	Base    time.Time // the base of all times
	Address string    // host:port to dial, resolved already
	Targets []Target  // sent in turn; Origin must have nothing against them

	// TLS is what the connections use, nil for plain TCP. Without a ServerName
	// the certificate must be for the first target's host. HTTP/1.1 is spoken in
	// any case.
	TLS *tls.Config

	Expect  Expect
	Rate    int // requests per second, at least 1
	Lanes   history.Connections
	Timeout time.Duration // a request's deadline, from its start
	Lag     time.Duration // no request is scheduled later after the signal: the balancer has learned; 0 if it never does; of no effect beyond Tail
	Tail    time.Duration // the load pauses so long after the signal
	MaxOpen int           // the load pauses at so many open requests
	Prefix  string        // of the requests' ids

	// Watch is called as a request begins, its outcome still pending, and again as
	// it has ended, by the goroutine that owns it: it must not keep the record, and
	// must not wait. Nil: nobody watches.
	Watch func(*history.Request)
}

// Attack is a running attack.
type Attack struct {
	pacer     *pacer
	transport *transport
	done      chan struct{} // closed when every request has ended

	// Written by collect until done is closed.
	results   int
	disagreed int
}

// Start begins the attack. It goes on until End or Abort.
func Start(c Config) *Attack {
	clock := clock{c.Base}
	t := &transport{
		pool: newPool(c.Address, clock), clock: clock, records: new(slab),
		lanes: c.Lanes, targets: len(c.Targets), forms: formsOf(c.Targets), expect: c.Expect,
		timeout: c.Timeout, prefix: c.Prefix, room: make(chan struct{}, 1), watch: c.Watch,
	}
	a := &Attack{transport: t, pacer: newPacer(t, c), done: make(chan struct{})}
	if c.TLS != nil {
		t.pool.tls = clientTLS(c.TLS, serverName(c.Targets))
	}
	attacker := vegeta.NewAttacker(
		// Alone: vegeta's transport options panic after Client. And without
		// http.Client.Timeout, which starts two goroutines a request.
		vegeta.Client(&http.Client{Transport: t}),
		vegeta.Redirects(vegeta.NoFollow),
		vegeta.MaxBody(0), // bodies are read to their end but not kept
	)
	go a.collect(attacker.Attack(targeter(c.Targets), a.pacer, 0, ""))
	return a
}

// collect takes every result as soon as it comes, for vegeta's channel has no
// buffer and a slow reader would throttle the load. It compares vegeta's
// account with ours. A second result for a request contradicts it too: without
// it, as many results as requests would not mean one each.
func (a *Attack) collect(results <-chan *vegeta.Result) {
	var seen marks
	for res := range results {
		a.results++
		seq := uint32(res.Seq)
		if !seen.add(seq) || disagree(res, a.transport.records.at(seq)) {
			a.disagreed++
		}
	}
	a.transport.pool.close()
	close(a.done) // closed once, by the only reader of vegeta's channel
}

// disagree reports whether vegeta's account of a request contradicts ours.
// vegeta gives everything but a whole answer the code 0.
func disagree(res *vegeta.Result, r *history.Request) bool {
	switch r.Outcome {
	case history.Completed, history.Rejected, history.Failed:
		return res.Code != r.Status
	case history.Refused, history.Dropped, history.Unsent:
		return res.Code != 0 || res.Error == ""
	case history.Pending:
	}
	return true
}

// Open returns how many requests have begun and not ended.
func (a *Attack) Open() int { return int(a.transport.open.Load()) }

// Begun returns how many requests have begun.
func (a *Attack) Begun() int { return int(a.transport.begun.Load()) }

// Signalled tells the attack when the signal was sent: its lag and its tail
// begin.
func (a *Attack) Signalled(at time.Duration) { a.pacer.signalled(at) }

// End schedules no more requests. Those that are open go on to their own end,
// which their deadline bounds.
func (a *Attack) End() { a.pacer.end() }

// Abort ends the attack and gives up all open requests: they become unsent.
func (a *Attack) Abort() {
	a.transport.cancelled.Store(true) // first, so that no request mistakes our close for the server's
	a.pacer.end()
	a.transport.pool.close()
}

// Done is closed when every request has ended and every connection is closed.
func (a *Attack) Done() <-chan struct{} { return a.done }

// Report is what an attack has to say in the end.
type Report struct {
	Requests  []history.Request
	Scheduled int           // hits that the Pacer granted
	Results   int           // results that vegeta handed back
	Disagreed int           // results that contradict our record, or come a second time
	Paused    time.Duration // when the load first paused at a cap, 0 if it never did
	Ended     time.Duration // when the lag stopped the load, 0 if it did not
}

// Report returns what happened. It must not be called before Done is closed.
func (a *Attack) Report() Report {
	return Report{
		Requests:  a.transport.records.first(a.pacer.hits),
		Scheduled: a.pacer.hits,
		Results:   a.results,
		Disagreed: a.disagreed,
		Paused:    a.pacer.pausedAt(),
		Ended:     a.pacer.endedAt(),
	}
}
