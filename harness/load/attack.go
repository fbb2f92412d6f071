// Package load drives a server with an open-loop attack and tells the truth
// about every request.
//
// vegeta paces the attack; the requests travel through a RoundTripper of our
// own, which never replays one and records what its connection saw:
//
//	Pacer ──> vegeta.Attacker ──> http.Client ──> transport ──> pool ──> wire.Conn
//	  │             │                                 │                   │
//	scheduled     results                          records          bytes, FIN, RST
//
// Over TLS the conn stands above it, and sees what HTTP does.
//
// Records, results and schedule are counted apart, so that a request that went
// missing anywhere is noticed.
package load

import (
	"cmp"
	"crypto/tls"
	"net/http"
	"slices"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/harness/wire"
	"lastcall/internal/bug"
)

// Config says what to attack and how.
type Config struct {
	Base    time.Time // the base of all times
	Address string    // host:port to dial, resolved already
	Targets []Target  // sent in turn; each is valid (Target.Validate)

	// TLS is what the connections use, nil for plain TCP. Without a ServerName
	// the certificate must be for the first target's host. HTTP/1.1 is spoken in
	// any case.
	TLS *tls.Config

	Expect  Expect
	Rate    int // requests per second, at least 1
	Lanes   scenario.Connections
	Timeout time.Duration // a request's deadline, from its start
	Lag     time.Duration // no request is scheduled later after the signal: the balancer has learned; 0 if it never does
	Tail    time.Duration // the rate is kept so long after the signal, and then lowered to what keeps a few requests open
	MaxOpen int           // the load pauses at so many open requests
	Prefix  string        // of the requests' ids

	// Fold reports whether nobody needs the records of those requests one by one that
	// were completed long before the signal (history.Folder). It is asked now and then.
	// Nil: all are kept.
	Fold func() bool
	// Spill is handed the records before they are folded, from the first on without a
	// gap, if it is set. An error ends the folding.
	Spill     func([]history.Request) error
	foldAfter time.Duration // of a test; 0: history.FoldedAfter

	// Watch is called as a request begins, its outcome still pending, and again as
	// it has ended, by the goroutine that owns it: it must not keep the record, and
	// must not wait. Nil: there is no watcher.
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
	fold      fold
}

// Start begins the attack. It goes on until End or Abort.
func Start(c Config) *Attack {
	clock := wire.Clock{Base: c.Base}
	t := &transport{
		pool: newPool(c.Address, clock), clock: clock, records: new(slab),
		lanes: c.Lanes, targets: len(c.Targets), forms: formsOf(c.Targets), expect: c.Expect,
		timeout: c.Timeout, prefix: c.Prefix, room: make(chan struct{}, 1), watch: c.Watch,
	}
	a := &Attack{transport: t, pacer: newPacer(t, c), done: make(chan struct{}), fold: fold{wanted: c.Fold, spill: c.Spill, after: cmp.Or(c.foldAfter, history.FoldedAfter)}}
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
	defer bug.Catch()
	var seen marks
	for res := range results {
		a.results++
		seq := uint32(res.Seq)
		if !seen.add(seq) || disagree(res, a.transport.records.at(seq)) {
			a.disagreed++
		}
		if a.results%chunkSize == 0 {
			a.foldOld(seen)
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

// Behind reports whether more requests wait to be sent than the timers of a machine
// that keeps to the schedule leave behind: they will come in a burst.
func (a *Attack) Behind() bool {
	return a.pacer.backlog() > max(1, int(ordinaryDelay/a.pacer.interval))
}

// ordinaryDelay is how late a hit may be without being called so.
const ordinaryDelay = 5 * time.Millisecond

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
	Folded    history.Folded // of the requests that have no record
	Scheduled int            // hits that the Pacer granted
	Stalls    []history.Stall
	Results   int           // results that vegeta handed back
	Disagreed int           // results that contradict our record, or come a second time
	Paused    time.Duration // when the load first paused at a cap, 0 if it never did
	Ended     time.Duration // when the lag stopped the load, 0 if it did not
}

// Report returns what happened. It must not be called before Done is closed.
func (a *Attack) Report() Report {
	requests, folded := a.kept(a.pacer.hits)
	return Report{
		Requests:  requests,
		Folded:    folded,
		Scheduled: a.pacer.hits,
		Stalls:    a.pacer.stalls,
		Results:   a.results,
		Disagreed: a.disagreed,
		Paused:    a.pacer.pausedAt(),
		Ended:     a.pacer.endedAt(),
	}
}

// Outstanding lists all requests that are on a connection and have no whole answer
// yet, in into.
func (a *Attack) Outstanding(into []wire.Outstanding) []wire.Outstanding {
	p := a.transport.pool
	p.mu.Lock() // open is shared
	defer p.mu.Unlock()
	into = into[:0]
	for c := range p.open {
		if o, ok := c.Outstanding(); ok {
			into = append(into, o)
		}
	}
	return into
}

// Endings are when the server closed connections on which nothing was outstanding,
// kept alive and idle, in the order in which that was seen.
func (a *Attack) Endings() []time.Duration {
	p := a.transport.pool
	p.mu.Lock() // the connections add to it
	defer p.mu.Unlock()
	return slices.Clone(p.ended)
}

// Roomy says that the server serves several connections at once, so that two can
// be set aside that are not used again, where none are kept alive otherwise.
func (a *Attack) Roomy() {
	p := a.transport.pool
	p.mu.Lock() // the sentinels are shared
	defer p.mu.Unlock()
	p.roomy = true
}

// Seal says that no further connection is to be set aside. One that served after the
// signal would be kept from the requests that come, and its server from its end.
func (a *Attack) Seal() {
	p := a.transport.pool
	p.mu.Lock() // the sentinels are shared
	defer p.mu.Unlock()
	p.sealed = true
}

// Dismiss closes the connections that were set aside.
func (a *Attack) Dismiss() { a.transport.pool.dismiss() }
