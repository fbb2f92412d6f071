package run

import (
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

const ms = time.Millisecond

func gate(warm, trigger, timeout time.Duration, rate int) scenario.Scenario {
	s := scenario.Default()
	s.Subject.Delay.Duration = 0
	s.Load.WarmUp.Duration, s.Load.Trigger.Duration, s.Load.Timeout.Duration, s.Load.Rate = warm, trigger, timeout, rate
	return s
}

// seen is how many requests are open and have begun at a time.
type seen func(at time.Duration) (open, begun int)

// steady is a load of requests that all take so long.
func steady(rate int, takes time.Duration) seen {
	every := time.Second / time.Duration(rate)
	return func(at time.Duration) (open, begun int) {
		begun = int(at/every) + 1
		ended := 0
		if at >= takes {
			ended = int((at-takes)/every) + 1
		}
		return begun - ended, begun
	}
}

func TestMoment(t *testing.T) {
	const s = time.Second
	for name, tt := range map[string]struct {
		scenario scenario.Scenario
		seen     seen
		from, to time.Duration // within which the signal is to be sent
		mean     float64
		open     int // at the least, at the signal
	}{
		"a quick server, at its time":              {gate(700*ms, 5*s, 15*s, 500), steady(500, 50*ms), 700 * ms, 705 * ms, 25, 12},
		"a quick server, as soon as it is steady":  {gate(0, 5*s, 15*s, 500), steady(500, 50*ms), 400 * ms, 405 * ms, 25, 12},
		"one with few requests, at the usual time": {gate(0, 5*s, 15*s, 50), steady(50, 50*ms), 700 * ms, 730 * ms, 2.5, 1},
		"one whose queue grows, at the usual time": {gate(0, 5*s, 15*s, 500), func(at time.Duration) (int, int) {
			begun := int(at / (2 * ms))
			return begun - begun/2, begun
		}, 700 * ms, 705 * ms, 106, 50},
		"one that stands still, no longer than a second": {gate(700*ms, 5*s, 15*s, 500), func(at time.Duration) (int, int) {
			begun := int(at / (2 * ms))
			if at < 650*ms {
				return min(25, begun), begun
			}
			return begun - 275, begun
		}, 1700 * ms, 1705 * ms, 30, 50},
		"a slow server, when it has shown a steady state":      {gate(700*ms, 5*s, 15*s, 10), steady(10, s), 2300 * ms, 2310 * ms, 10, 5},
		"one that hardly ever has a request, while it has one": {gate(700*ms, 5*s, 15*s, 5), steady(5, 30*ms), 810 * ms, 830 * ms, 0.15, 1},
		"one that answers at once, soon":                       {gate(700*ms, 5*s, 15*s, 50), steady(50, ms/2), 700 * ms, 960 * ms, 0, 0},
		"one that never answers, while nothing has timed out":  {gate(700*ms, 5*s, 3*s, 100), steady(100, time.Hour), 1500 * ms, 1510 * ms, 53, 100},
		"one that never answers, with no deadline in sight":    {gate(700*ms, 5*s, time.Hour, 100), steady(100, time.Hour), 5700 * ms, 5710 * ms, 53, 100},
		"a pause, until it has been made up for": {gate(700*ms, 5*s, 15*s, 200), func(at time.Duration) (int, int) {
			begun := int(at / (5 * ms))
			switch {
			case at < 600*ms:
				return min(begun, 5), begun
			case at < 850*ms:
				return 5 + int((at-600*ms)/(5*ms)), begun
			case at < 900*ms:
				return 55 - int((at-850*ms)/ms), begun
			}
			return 5, begun
		}, 880 * ms, 890 * ms, 8, 5},
		"a lull, no longer than the trigger": {gate(700*ms, s, 15*s, 100), func(at time.Duration) (int, int) {
			if at < 650*ms {
				return 10, 100
			}
			return 1, 100
		}, 1700 * ms, 1701 * ms, 8, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMoment(0, tt.scenario, 1, 0)
			for at := time.Duration(0); ; at += ms {
				open, begun := tt.seen(at)
				if !m.look(at, open, begun) && at < m.last {
					continue
				}
				if at < tt.from || at > tt.to || open < tt.open {
					t.Errorf("at %s, %d open, want from %s to %s and %d", at, open, tt.from, tt.to, tt.open)
				}
				if mean := m.mean(); mean < tt.mean*0.8-0.1 || mean > tt.mean*1.3+0.1 {
					t.Errorf("%v open in the mean, want about %v", mean, tt.mean)
				}
				return
			}
		})
	}
}

// TestSuitableRate: what is concluded from a step in which a server fell behind.
func TestSuitableRate(t *testing.T) {
	for _, tt := range []struct {
		before, asked int // the rate that it kept up with, and the next
		completed     float64
		want          int
	}{
		{0, 50, 10, 7},
		{0, 50, 9.6, 6},
		{0, 50, 0, 1},
		{0, 50, 49, 34},
		{200, 500, 300, 210},
		{200, 500, 150, 140},
		{200, 500, 700, 350},
	} {
		if c := (Calibration{Rate: tt.before}).slowedAt(tt.asked, tt.completed); c.Rate != tt.want {
			t.Errorf("after %d, of %d it completed %v: %d, want %d", tt.before, tt.asked, tt.completed, c.Rate, tt.want)
		}
	}
}

// stepOf is a step of so many requests a second on a server of so many workers.
func stepOf(rate, workers int, takes, lasts time.Duration) trial {
	every := time.Second / time.Duration(rate)
	free := make([]time.Duration, workers)
	t := trial{ended: lasts, over: lasts + doubled*takes + lastWait}
	for at := time.Duration(0); at < lasts; at += every {
		next := 0
		for i := range free {
			if free[i] < free[next] {
				next = i
			}
		}
		free[next] = max(free[next], at) + takes
		r := history.Request{Scheduled: at, Started: at, End: free[next], Outcome: history.Completed}
		if r.End > t.over {
			r.Outcome, r.End = history.Unsent, t.over
		}
		t.requests = append(t.requests, r)
	}
	return t
}

func TestFallsBehind(t *testing.T) {
	for name, tt := range map[string]struct {
		rate, workers int
		takes         time.Duration
		behind        bool
		completed     float64
	}{
		"ten workers of a second":          {50, 10, time.Second, true, 10},
		"one worker of 100 ms":             {50, 1, 100 * ms, true, 10},
		"as many workers as are needed":    {50, 100, time.Second, false, 0},
		"one quick worker":                 {500, 1, ms, false, 0},
		"one that is nearly quick enough":  {500, 1, 2500 * time.Microsecond, true, 400},
		"one that is just as quick":        {500, 1, 2 * ms, false, 0},
		"fifty workers of a second at 100": {100, 50, time.Second, true, 50},
	} {
		t.Run(name, func(t *testing.T) {
			seen := stepOf(tt.rate, tt.workers, tt.takes, stepLasts(tt.rate, tt.takes))
			if got := seen.behind(tt.rate, tt.takes); got != tt.behind {
				t.Fatalf("behind: %t, want %t", got, tt.behind)
			}
			if got := seen.completed(tt.takes); tt.behind && (got < 0.75*tt.completed || got > 1.1*tt.completed) {
				t.Errorf("%.1f completed a second, want %v", got, tt.completed)
			}
		})
	}
}
