package load

import (
	"sync"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"lastcall/harness/history"
	"lastcall/harness/wire"
	"lastcall/internal/bug"
)

// maxLate is how late a hit may be and still be sent: what was missed for longer is
// skipped, and not sent in a burst.
const maxLate = 10 * time.Millisecond

// maxStalls is how many stalls are told apart: those that follow are added to the
// last.
const maxStalls = 1000

// pacer schedules hits at a constant rate, in an open loop: it never waits for
// an answer. It records when it wanted each hit, so that a lag of ours is seen
// and not mistaken for the server's. vegeta calls Pace from one goroutine.
//
// It pauses at its cap: when too many requests are open, until one ends. Once the
// tail after the signal is over it sends just enough to keep a few requests in the
// server's hands until its exit: what goes wrong then must not go unseen. That it
// ends with the lag after the signal is no pause but the plan: a balancer has
// learned by then, and sends nothing more.
type pacer struct {
	clock     wire.Clock
	records   *slab
	transport *transport
	interval  time.Duration
	maxOpen   int64
	tail      time.Duration
	lag       time.Duration // 0: no lag

	due    time.Duration // of the next hit; only Pace touches it, as all that follows
	hits   int           // granted; read by others once the attack is over
	before struct {      // the signal
		hits int
		open int64 // requests, summed over those hits
	}
	stalls []history.Stall
	step   time.Duration // between the last hit and the next
	timer  *time.Timer

	next    atomic.Int64 // due, for those who ask from elsewhere
	granted atomic.Int64 // hits, for the same

	stop     chan struct{} // closed by end and learn: no more hits
	stopOnce sync.Once

	mu       sync.Mutex // the conductor writes what Pace reads, and the other way round
	signal   time.Duration
	signaled bool
	lagTimer *time.Timer   // ends the load even while Pace waits; nil before the signal
	paused   time.Duration // when the load first paused, 0 if it never did
	ended    time.Duration // when the lag stopped the load, 0 if it did not
}

var _ vegeta.Pacer = (*pacer)(nil)

func newPacer(t *transport, c Config) *pacer {
	timer := time.NewTimer(time.Hour)
	timer.Stop() // armed by each wait
	p := &pacer{
		clock: t.clock, records: t.records, transport: t,
		interval: time.Second / time.Duration(c.Rate), step: time.Second / time.Duration(c.Rate),
		maxOpen: int64(c.MaxOpen), tail: c.Tail, lag: c.Lag,
		due: t.clock.Now(), timer: timer, stop: make(chan struct{}),
	}
	p.next.Store(int64(p.due))
	return p
}

// Rate returns the hits per second at any time of the attack.
func (p *pacer) Rate(time.Duration) float64 { return float64(time.Second) / float64(p.interval) }

// Pace waits until the next hit is due and grants it, or ends the attack. It
// waits itself instead of letting vegeta sleep, which could not be interrupted.
func (p *pacer) Pace(time.Duration, uint64) (wait time.Duration, stop bool) {
	defer bug.Catch() // in a goroutine of vegeta's

	// The lag is looked at before there is a wait for room too, which would
	// look like a pause.
	if !p.waitUntilDue() || p.over() || !p.waitForRoom() || p.over() {
		return 0, true
	}
	if p.hits == MaxRequests { // there is no room to record more
		p.pause()
		return 0, true
	}
	p.skipMissed()
	r := p.records.at(uint32(p.hits))
	r.Seq, r.Scheduled = uint32(p.hits), p.due
	p.hits++
	p.step = p.gap()
	p.due += p.step
	p.granted.Store(int64(p.hits))
	p.next.Store(int64(p.due))
	return 0, false
}

// skipMissed passes over the hits that a stall of ours has made us miss, but for the
// last of them: it is late by less than an interval.
func (p *pacer) skipMissed() {
	late := p.clock.Now() - p.due
	missed := int(late / p.step)
	if late < maxLate || missed == 0 {
		return
	}
	if n := len(p.stalls); n == maxStalls {
		p.stalls[n-1].Hits += missed
		p.stalls[n-1].Until = p.due + late
	} else {
		p.stalls = append(p.stalls, history.Stall{From: p.due, Until: p.due + late, Hits: missed})
	}
	p.due += time.Duration(missed) * p.step
}

// backlog is how many hits are due now and have not begun.
func (p *pacer) backlog() int {
	n := p.granted.Load() - p.transport.begun.Load()
	if late := int64(p.clock.Now()) - p.next.Load(); late > 0 && !p.transport.waiting.Load() {
		n += late/int64(p.interval) + 1
	}
	return int(max(0, n))
}

// After the tail about one in thinned of the requests is kept in hand that were
// open in the mean before the signal, but not fewer than fewest, and not fewer
// than slowest are sent in a second.
const (
	thinned = 10
	fewest  = 3
	slowest = 5
)

// gap is how long after this hit the next is due. By Little's law the rate that
// keeps n requests in hand is n times the rate before over those that were open.
func (p *pacer) gap() time.Duration {
	since, signaled := p.sinceSignal()
	if !signaled {
		p.before.hits++
		p.before.open += p.transport.open.Load()
		return p.interval
	}
	if since <= p.tail || p.before.open == 0 {
		return p.interval
	}
	mean := float64(p.before.open) / float64(p.before.hits)
	gap := time.Duration(float64(p.interval) * mean / max(fewest, mean/thinned))
	return max(p.interval, min(gap, time.Second/slowest))
}

// waitUntilDue reports false when the attack was ended meanwhile.
func (p *pacer) waitUntilDue() bool {
	wait := p.due - p.clock.Now()
	if wait <= 0 {
		select {
		case <-p.stop:
			return false
		default:
			return true
		}
	}
	p.timer.Reset(wait)
	select {
	case <-p.timer.C:
		return true
	case <-p.stop:
		return false
	}
}

// waitForRoom waits while too many requests are open, and moves the schedule on
// by as long: what could not be sent then is not sent in a burst afterwards. It
// reports false when the attack was ended meanwhile.
func (p *pacer) waitForRoom() bool {
	t := p.transport
	if t.open.Load() < p.maxOpen {
		return true
	}
	began := p.clock.Now()
	p.pause()
	t.waiting.Store(true) // from now on the transport tells us of every end
	defer t.waiting.Store(false)
	for t.open.Load() >= p.maxOpen {
		select {
		case <-t.room:
		case <-p.stop:
			return false
		}
	}
	p.due += p.clock.Now() - began
	p.next.Store(int64(p.due)) // before waiting is false again: no backlog is seen in between
	return true
}

// over ends the load when its lag after the signal is up.
func (p *pacer) over() bool {
	since, signaled := p.sinceSignal()
	if !signaled || p.lag == 0 || since <= p.lag {
		return false
	}
	p.learn()
	return true
}

func (p *pacer) sinceSignal() (since time.Duration, signaled bool) {
	p.mu.Lock() // the conductor sets signal
	defer p.mu.Unlock()
	return p.clock.Now() - p.signal, p.signaled
}

func (p *pacer) pause() {
	p.mu.Lock() // paused is read by the conductor
	defer p.mu.Unlock()
	if p.paused == 0 {
		p.paused = p.clock.Now()
	}
}

func (p *pacer) isSignalled() bool {
	p.mu.Lock() // the conductor writes it
	defer p.mu.Unlock()
	return p.signaled
}

// signalled starts the tail and the lag.
func (p *pacer) signalled(at time.Duration) {
	p.mu.Lock() // Pace reads signal
	defer p.mu.Unlock()
	p.signal, p.signaled = at, true
	if p.lag > 0 && p.lagTimer == nil {
		// Pace may be waiting: for its next hit, or for room that comes much later.
		p.lagTimer = time.AfterFunc(at+p.lag-p.clock.Now(), p.learn)
	}
}

func (p *pacer) pausedAt() time.Duration {
	p.mu.Lock() // Pace writes paused
	defer p.mu.Unlock()
	return p.paused
}

func (p *pacer) endedAt() time.Duration {
	p.mu.Lock() // learn writes ended
	defer p.mu.Unlock()
	return p.ended
}

// learn ends the attack because the lag is over.
func (p *pacer) learn() {
	defer bug.Catch()
	p.stopOnce.Do(func() {
		p.mu.Lock() // the conductor reads ended
		p.ended = p.clock.Now()
		p.mu.Unlock()
		close(p.stop) // closed once, here or in end
	})
}

// end ends the attack: no more hits are granted.
func (p *pacer) end() {
	p.stopOnce.Do(func() { close(p.stop) }) // closed once, here or in learn
	p.mu.Lock()                             // the conductor sets the timer
	defer p.mu.Unlock()
	if p.lagTimer != nil {
		p.lagTimer.Stop()
	}
}
