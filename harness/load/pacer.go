package load

import (
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// pacer schedules hits at a constant rate, in an open loop: it never waits for
// an answer. It records when it wanted each hit, so that a lag of ours is seen
// and not mistaken for the server's. vegeta calls Pace from one goroutine.
//
// It pauses at its caps: when too many requests are open, until one ends; and
// for good when the tail after the signal is over. That it ends with the lag
// after the signal is no pause but the plan: a balancer has learned by then, and
// sends nothing more.
type pacer struct {
	clock     clock
	records   *slab
	transport *transport
	interval  time.Duration
	maxOpen   int64
	tail      time.Duration
	lag       time.Duration // 0 if nobody learns

	due   time.Duration // of the next hit; only Pace touches it
	hits  int           // granted; only Pace touches it until the attack is over
	timer *time.Timer

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
	return &pacer{
		clock: t.clock, records: t.records, transport: t,
		interval: time.Second / time.Duration(c.Rate),
		maxOpen:  int64(c.MaxOpen), tail: c.Tail, lag: c.Lag,
		due: t.clock.now(), timer: timer, stop: make(chan struct{}),
	}
}

// Rate returns the hits per second at any time of the attack.
func (p *pacer) Rate(time.Duration) float64 { return float64(time.Second) / float64(p.interval) }

// Pace waits until the next hit is due and grants it, or ends the attack. It
// waits itself instead of letting vegeta sleep, which could not be interrupted.
func (p *pacer) Pace(time.Duration, uint64) (wait time.Duration, stop bool) {
	// The lag is looked at before there is a wait for room too, which would
	// look like a pause.
	if !p.waitUntilDue() || p.over() || !p.waitForRoom() || p.over() {
		return 0, true
	}
	if p.hits == MaxRequests { // there is no room to record more
		p.pause()
		return 0, true
	}
	r := p.records.at(uint32(p.hits))
	r.Seq, r.Scheduled = uint32(p.hits), p.due
	p.hits++
	p.due += p.interval
	return 0, false
}

// waitUntilDue reports false when the attack was ended meanwhile.
func (p *pacer) waitUntilDue() bool {
	wait := p.due - p.clock.now()
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
	began := p.clock.now()
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
	p.due += p.clock.now() - began
	return true
}

// over ends the load when its time after the signal is up. If both the lag and
// the tail are over, the shorter ended it.
func (p *pacer) over() bool {
	p.mu.Lock() // signal is set by the conductor
	since, signaled := p.clock.now()-p.signal, p.signaled
	p.mu.Unlock() // learn and pause take it
	switch {
	case !signaled:
		return false
	case p.lag > 0 && since > p.lag && p.lag <= p.tail:
		p.learn()
		return true
	case since > p.tail:
		p.pause()
		p.end()
		return true
	}
	return false
}

func (p *pacer) pause() {
	p.mu.Lock() // paused is read by the conductor
	defer p.mu.Unlock()
	if p.paused == 0 {
		p.paused = p.clock.now()
	}
}

// signalled starts the tail and the lag.
func (p *pacer) signalled(at time.Duration) {
	p.mu.Lock() // Pace reads signal
	defer p.mu.Unlock()
	p.signal, p.signaled = at, true
	if p.lag > 0 && p.lag <= p.tail && p.lagTimer == nil {
		// Pace may be waiting: for its next hit, or for room that comes much later.
		p.lagTimer = time.AfterFunc(at+p.lag-p.clock.now(), p.learn)
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
	p.stopOnce.Do(func() {
		p.mu.Lock() // the conductor reads ended
		p.ended = p.clock.now()
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
