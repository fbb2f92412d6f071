package load

import (
	"testing"
	"testing/synctest"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
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
	for _, r := range p.records.between(0, p.hits) {
		all = append(all, r.Scheduled)
	}
	return all
}

// At 10 requests a second the signal comes at 250 ms, between two of them.
func TestLag(t *testing.T) {
	const ms = time.Millisecond
	tests := map[string]struct {
		lag, tail time.Duration
		ended     time.Duration
		last      time.Duration // that may be scheduled
	}{
		"the lag ends the load":           {lag: 320 * ms, tail: time.Hour, ended: 570 * ms, last: 500 * ms},
		"one that is due just before is":  {lag: 351 * ms, tail: time.Hour, ended: 601 * ms, last: 600 * ms},
		"before any other request is due": {lag: 10 * ms, tail: time.Hour, ended: 260 * ms, last: 200 * ms},
		"the tail is shorter":             {lag: 320 * ms, tail: 120 * ms, ended: 570 * ms, last: 500 * ms},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
				p := newPacer(r.transport, Config{Rate: 10, MaxOpen: 1, Lag: tt.lag, Tail: tt.tail})
				signal := time.AfterFunc(250*ms, func() { p.signalled(250 * ms) })
				defer signal.Stop()
				all := paced(t, p)
				if got := all[len(all)-1]; got != tt.last {
					t.Errorf("the last request is scheduled at %s, want %s", got, tt.last)
				}
				if p.endedAt() != tt.ended || p.pausedAt() != 0 {
					t.Errorf("ended at %s, paused at %s; want %s and no pause", p.endedAt(), p.pausedAt(), tt.ended)
				}
				time.Sleep(time.Hour) // a timer that was left would say more
				if p.endedAt() != tt.ended || p.pausedAt() != 0 {
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
				r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
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

// After the tail the load is lowered, to what keeps a few requests open, and never
// stops.
func TestLoadIsLoweredAfterTheTail(t *testing.T) {
	for name, tt := range map[string]struct {
		rate    int
		open    int64 // before the signal
		lowered float64
	}{
		"many are open: a tenth":            {rate: 100, open: 200, lowered: 10},
		"few are open: three":               {rate: 100, open: 10, lowered: 30},
		"less than three were open":         {rate: 100, open: 1, lowered: 100},
		"none was seen open":                {rate: 100, open: 0, lowered: 100},
		"so many that it would be too slow": {rate: 20, open: 1500, lowered: 5},
		"a rate that is low as it is":       {rate: 2, open: 2000, lowered: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const signal, tail, after = 10 * time.Second, 5 * time.Second, 20 * time.Second
				r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
				r.open.Store(tt.open)
				defer r.open.Store(0)
				p := newPacer(r.transport, Config{Rate: tt.rate, MaxOpen: 5000, Tail: tail})
				sent := time.AfterFunc(signal, func() { p.signalled(signal) })
				defer sent.Stop()
				end := time.AfterFunc(signal+tail+after, p.end)
				defer end.Stop()
				full, lowered := 0, 0
				for _, at := range paced(t, p) {
					if at <= signal+tail {
						full++
					} else {
						lowered++
					}
				}
				near := func(got int, want float64) bool { return float64(got) > want-2 && float64(got) < want+2 }
				if !near(full, float64(tt.rate)*(signal+tail).Seconds()) || !near(lowered, tt.lowered*after.Seconds()) {
					t.Errorf("%d hits up to the tail's end, and %d in %s after it; want %d, %g a second", full, lowered, after, 15*tt.rate, tt.lowered)
				}
				if p.pausedAt() != 0 || p.endedAt() != 0 {
					t.Errorf("paused at %s, ended at %s", p.pausedAt(), p.endedAt())
				}
			})
		})
	}
}

// A stall of ours past the lag sends nothing more, and waits for no room.
func TestLagAfterAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
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
		r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
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
	told := a.transport.clock.Now()
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
	signal := a.transport.clock.Now()
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

// TestMissedHitsAreSkipped: after a stall of ours the load goes on as if nothing had
// been, and what it missed is counted.
func TestMissedHitsAreSkipped(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		stall   time.Duration
		skipped int
		first   time.Duration // that is scheduled after it
	}{
		"none":                            {0, 0, 100 * ms},
		"shorter than it takes to matter": {8 * ms, 0, 100 * ms},
		"of many":                         {205 * ms, 20, 300 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
				p := newPacer(r.transport, Config{Rate: 100, MaxOpen: 1000, Tail: time.Hour})
				pace := func(n int) {
					for range n {
						p.Pace(0, uint64(p.hits))
					}
				}
				pace(10) // due until 90 ms
				time.Sleep(10*ms + tt.stall)
				before := r.clock.Now()
				pace(5)
				skipped := 0
				for _, s := range p.stalls {
					skipped += s.Hits
				}
				all := p.records.between(0, p.hits)
				if skipped != tt.skipped || all[10].Scheduled != tt.first || p.hits != 15 {
					t.Errorf("%d skipped, then %s, %d hits; want %d, then %s", skipped, all[10].Scheduled, p.hits, tt.skipped, tt.first)
				}
				for i, r := range all[11:] {
					if want := all[10].Scheduled + time.Duration(i+1)*10*ms; r.Scheduled != want {
						t.Errorf("hit %d at %s, want %s", 11+i, r.Scheduled, want)
					}
				}
				if burst := r.clock.Now() - before; burst < 35*ms && tt.stall > 10*ms {
					t.Errorf("5 hits came within %s: a burst", burst)
				}
			})
		})
	}
}

// TestBacklog: what is due and has not begun is seen, but not while the load waits for
// room.
func TestBacklog(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
		p := newPacer(r.transport, Config{Rate: 100, MaxOpen: 1000, Tail: time.Hour})
		a := &Attack{pacer: p, transport: r.transport}
		for range 10 {
			p.Pace(0, uint64(p.hits))
			r.begun.Add(1)
		}
		if p.backlog() != 0 || a.Behind() {
			t.Errorf("%d behind at once", p.backlog())
		}
		time.Sleep(45 * ms)
		if p.backlog() != 4 || !a.Behind() {
			t.Errorf("%d behind after 45 ms, want 4", p.backlog())
		}
		r.waiting.Store(true)
		if p.backlog() != 0 || a.Behind() {
			t.Errorf("%d behind while there is no room", p.backlog())
		}
		r.waiting.Store(false)
		for range 3 {
			p.Pace(0, uint64(p.hits)) // and has not begun
		}
		if p.backlog() < 3 {
			t.Errorf("%d behind with 3 that are granted", p.backlog())
		}
	})
}
