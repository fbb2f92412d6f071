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
// for good when the tail after the signal is over.
type pacer struct {
	clock     clock
	records   *slab
	transport *transport
	interval  time.Duration
	maxOpen   int64
	tail      time.Duration

	due   time.Duration // of the next hit; only Pace touches it
	hits  int           // granted; only Pace touches it until the attack is over
	timer *time.Timer

	stop     chan struct{} // closed by end: no more hits
	stopOnce sync.Once

	mu       sync.Mutex // the conductor writes what Pace reads, and the other way round
	signal   time.Duration
	signaled bool
	paused   time.Duration // when the load first paused, 0 if it never did
}

var _ vegeta.Pacer = (*pacer)(nil)

func newPacer(t *transport, rate, maxOpen int, tail time.Duration) *pacer {
	timer := time.NewTimer(time.Hour)
	timer.Stop() // armed by each wait
	return &pacer{
		clock: t.clock, records: t.records, transport: t,
		interval: time.Second / time.Duration(rate),
		maxOpen:  int64(maxOpen), tail: tail,
		due: t.clock.now(), timer: timer, stop: make(chan struct{}),
	}
}

// Rate returns the hits per second at any time of the attack.
func (p *pacer) Rate(time.Duration) float64 { return float64(time.Second) / float64(p.interval) }

// Pace waits until the next hit is due and grants it, or ends the attack. It
// waits itself instead of letting vegeta sleep, which could not be interrupted.
func (p *pacer) Pace(time.Duration, uint64) (wait time.Duration, stop bool) {
	if !p.waitUntilDue() || !p.waitForRoom() {
		return 0, true
	}
	if p.tailOver() {
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

func (p *pacer) tailOver() bool {
	p.mu.Lock() // signal is set by the conductor
	defer p.mu.Unlock()
	return p.signaled && p.clock.now()-p.signal > p.tail
}

func (p *pacer) pause() {
	p.mu.Lock() // paused is read by the conductor
	defer p.mu.Unlock()
	if p.paused == 0 {
		p.paused = p.clock.now()
	}
}

// signalled starts the tail.
func (p *pacer) signalled(at time.Duration) {
	p.mu.Lock() // Pace reads signal
	defer p.mu.Unlock()
	p.signal, p.signaled = at, true
}

func (p *pacer) pausedAt() time.Duration {
	p.mu.Lock() // Pace writes paused
	defer p.mu.Unlock()
	return p.paused
}

// end ends the attack: no more hits are granted.
func (p *pacer) end() {
	p.stopOnce.Do(func() { close(p.stop) }) // closed once, here only
}
