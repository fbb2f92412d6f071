package load

import (
	"testing"
	"testing/synctest"
	"time"

	"lastcall/harness/history"
)

// paced calls Pace as vegeta does until the load ends, and returns the schedule.
// It must run in a bubble: the clock is that of a rig made there.
func paced(t *testing.T, p *pacer) []time.Duration {
	t.Helper()
	for {
		if _, stop := p.Pace(0, uint64(p.hits)); stop {
			break
		}
		if p.hits > 10_000 {
			t.Fatal("the load does not end")
		}
	}
	var all []time.Duration
	for _, r := range p.records.first(p.hits) {
		all = append(all, r.Scheduled)
	}
	return all
}

// At 10 requests a second the signal comes at 250 ms, between two of them.
func TestLagAndTail(t *testing.T) {
	const ms = time.Millisecond
	tests := map[string]struct {
		lag, tail     time.Duration
		ended, paused time.Duration
		last          time.Duration // that may be scheduled
	}{
		"the lag ends the load":             {lag: 320 * ms, tail: time.Hour, ended: 570 * ms, last: 500 * ms},
		"one that is due just before is":    {lag: 351 * ms, tail: time.Hour, ended: 601 * ms, last: 600 * ms},
		"before any other request is due":   {lag: 10 * ms, tail: time.Hour, ended: 260 * ms, last: 200 * ms},
		"the tail is shorter":               {lag: 320 * ms, tail: 120 * ms, paused: 400 * ms, last: 300 * ms},
		"the tail is shorter by a little":   {lag: 130 * ms, tail: 120 * ms, paused: 400 * ms, last: 300 * ms},
		"both are alike: the plan comes up": {lag: 120 * ms, tail: 120 * ms, ended: 370 * ms, last: 300 * ms},
		"nobody learns":                     {tail: 320 * ms, paused: 600 * ms, last: 500 * ms},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "127.0.0.1:1", history.Reused, ample)
				p := newPacer(r.transport, Config{Rate: 10, MaxOpen: 1, Lag: tt.lag, Tail: tt.tail})
				signal := time.AfterFunc(250*ms, func() { p.signalled(250 * ms) })
				defer signal.Stop()
				all := paced(t, p)
				if got := all[len(all)-1]; got != tt.last {
					t.Errorf("the last request is scheduled at %s, want %s", got, tt.last)
				}
				if p.endedAt() != tt.ended || p.pausedAt() != tt.paused {
					t.Errorf("ended at %s, paused at %s; want %s, %s", p.endedAt(), p.pausedAt(), tt.ended, tt.paused)
				}
				time.Sleep(time.Hour) // a timer that was left would say more
				if p.endedAt() != tt.ended || p.pausedAt() != tt.paused {
					t.Errorf("later it says: ended at %s, paused at %s", p.endedAt(), p.pausedAt())
				}
			})
		})
	}
}

// A load that is full when its lag ends waits for no room, and was not paused by
// the lag.
func TestLagEndsAFullLoad(t *testing.T) {
	const ms = time.Millisecond
	tests := map[string]struct {
		fullAt, paused time.Duration
	}{
		"full before":     {150 * ms, 200 * ms},
		"full only after": {300 * ms, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "127.0.0.1:1", history.Reused, ample)
				p := newPacer(r.transport, Config{Rate: 10, MaxOpen: 1, Lag: 10 * ms, Tail: time.Hour})
				full := time.AfterFunc(tt.fullAt, func() { r.open.Store(1) })
				defer full.Stop()
				defer r.open.Store(0)
				signal := time.AfterFunc(250*ms, func() { p.signalled(250 * ms) })
				defer signal.Stop()
				paced(t, p)
				if p.endedAt() != 260*ms || p.pausedAt() != tt.paused {
					t.Errorf("ended at %s, paused at %s; want 260ms, %s", p.endedAt(), p.pausedAt(), tt.paused)
				}
			})
		})
	}
}

// Room that comes after the tail is of no use.
func TestTailEndsAFullLoad(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "127.0.0.1:1", history.Reused, ample)
		p := newPacer(r.transport, Config{Rate: 10, MaxOpen: 1, Tail: 100 * ms})
		p.signalled(0)
		full := time.AfterFunc(50*ms, func() { r.open.Store(1) })
		defer full.Stop()
		room := time.AfterFunc(time.Second, func() {
			r.open.Store(0)
			r.room <- struct{}{} // as the transport tells a pacer that waits
		})
		defer room.Stop()
		if all := paced(t, p); len(all) != 1 || p.pausedAt() != 100*ms {
			t.Errorf("%d hits, paused at %s", len(all), p.pausedAt())
		}
	})
}

// A stall of ours past the lag sends nothing more, and waits for no room.
func TestLagAfterAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "127.0.0.1:1", history.Reused, ample)
		r.open.Store(1)
		defer r.open.Store(0)
		p := newPacer(r.transport, Config{Rate: 10, MaxOpen: 1, Lag: time.Second, Tail: time.Hour})
		p.signal, p.signaled = 0, true // and no timer has fired yet
		time.Sleep(1100 * time.Millisecond)
		if all := paced(t, p); len(all) != 0 || p.pausedAt() != 0 || p.endedAt() != 1100*time.Millisecond {
			t.Errorf("%d hits, paused at %s, ended at %s", len(all), p.pausedAt(), p.endedAt())
		}
	})
}

// Whoever ends the load first has ended it.
func TestEndComesBeforeTheLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "127.0.0.1:1", history.Reused, ample)
		p := newPacer(r.transport, Config{Rate: 10, MaxOpen: 1, Lag: time.Second, Tail: time.Hour})
		p.signalled(0)
		p.end()
		if p.lagTimer.Stop() {
			t.Error("the timer goes on for nothing")
		}
		time.Sleep(time.Hour)
		if p.endedAt() != 0 || len(paced(t, p)) != 0 {
			t.Errorf("ended at %s by the lag, %d hits", p.endedAt(), p.hits)
		}
	})
}

// The conductor may tell of the signal late.
func TestLagOverAtOnce(t *testing.T) {
	s := newSite(t, false)
	c := s.config()
	c.Lag = 30 * time.Millisecond
	a := Start(c)
	eventually(t, "requests are served", func() bool { return s.served.Load() >= 40 })
	told := a.transport.clock.now()
	a.Signalled(0)
	r := done(t, a)
	conserved(t, a, r)
	if r.Ended < told || r.Paused != 0 {
		t.Errorf("told of the signal at %s: ended at %s, paused at %s", told, r.Ended, r.Paused)
	}
	for _, request := range r.Requests {
		if request.Outcome != history.Completed || request.Scheduled > r.Ended {
			t.Errorf("request %d: %s, scheduled at %s, the load ended at %s", request.Seq, request.Outcome, request.Scheduled, r.Ended)
		}
	}
}

func TestLagEndsTheLoad(t *testing.T) {
	s := newSite(t, false)
	c := s.config()
	c.Lag = 50 * time.Millisecond
	a := Start(c)
	eventually(t, "requests are served", func() bool { return s.served.Load() >= 20 })
	signal := a.transport.clock.now()
	a.Signalled(signal)
	r := done(t, a)
	conserved(t, a, r)
	if r.Ended < signal+c.Lag || r.Paused != 0 {
		t.Errorf("signal at %s, lag %s, ended at %s, paused at %s", signal, c.Lag, r.Ended, r.Paused)
	}
	after := 0
	for _, request := range r.Requests {
		if request.Outcome != history.Completed || request.Scheduled > signal+c.Lag {
			t.Errorf("request %d: %s, scheduled at %s, the lag ended at %s", request.Seq, request.Outcome, request.Scheduled, signal+c.Lag)
		}
		if request.Scheduled > signal {
			after++
		}
	}
	if after == 0 {
		t.Error("nothing was sent within the lag")
	}
}
