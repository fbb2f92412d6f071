package check

import (
	"fmt"
	"math"
	"time"

	"lastcall/harness/history"
)

// schedule asks that the load came as it was meant to.
func schedule(o *observation) []problem {
	if o.lag <= o.allowed {
		return nil
	}
	return []problem{{detail: fmt.Sprintf(
		"the load ran behind its schedule: one request in a hundred started more than %s late, %s is allowed; lower the rate%s or leave the machine alone",
		o.lag.Round(time.Millisecond), o.allowed.Round(time.Millisecond), o.lower(),
	)}}
}

// capped asks that the load did not meet its cap before the signal. Where lastcall
// was late too it is not for the server to answer for that.
func (o *observation) capped() []problem {
	paused, ok := o.At(history.EventLoadPaused)
	if !ok || paused >= o.Signal.Before {
		return nil
	}
	slow := "the server is slower than the rate"
	if o.lag > history.MaxLag {
		slow = "lastcall was late itself, and the machine is slower than the rate"
	}
	return []problem{{soft: true, detail: fmt.Sprintf("the load met its cap of %d open requests before %s: %s, so lower it%s",
		o.Header.Scenario.Load.MaxOpen, o.moment(), slow, o.lower())}}
}

// lower says to which rate, where that can be told.
func (o *observation) lower() string {
	if kept := o.kept(); kept > 0 {
		return fmt.Sprintf(" to what was answered (--rate %d)", kept)
	}
	return " (--rate)"
}

// kept is the rate that would have been kept: a round number of requests a second,
// just below how many were completed before the signal. It is 0 if that was nearly
// the rate, or so few that something else must be wrong.
func (o *observation) kept() int {
	first, n := o.Signal.Before, 0
	o.each(history.Before, func(r *history.Request) {
		if r.Outcome == history.Completed {
			n++
			first = min(first, r.End) // before that there was nothing to complete
		}
	})
	if first >= o.Signal.Before {
		return 0
	}
	reached, rate := float64(n-1)/(o.Signal.Before-first).Seconds(), float64(o.Header.Scenario.Load.Rate)
	if reached < 1 || reached < rate/10 || reached > 0.95*rate {
		return 0
	}
	unit := math.Pow10(max(0, int(math.Log10(reached))-1)) // two digits of it
	return int(math.Floor(reached/unit) * unit)
}
