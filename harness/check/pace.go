package check

import (
	"fmt"
	"math"
	"strconv"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// schedule asks that the load came as it was meant to. What is proved to be lost by the
// kernel or by a ledger is lost, however late lastcall was; but a pass is not earned.
func schedule(o *observation) []problem {
	if o.slip <= history.MaxSlip {
		return nil
	}
	skipped := ""
	if n := o.Skipped(); n > 0 {
		skipped = fmt.Sprintf(" or not at all (%d were skipped)", n)
	}
	return []problem{{soft: o.Kernel.Asked || o.Ledger.Present(), detail: fmt.Sprintf(
		"the load ran behind its schedule: one request in a hundred started more than %s late%s, and %s is allowed; lower the rate%s, or use a machine that is less busy",
		scenario.InWords(o.slip), skipped, scenario.InWords(history.MaxSlip), o.Lower(),
	)}}
}

// overload asks that the server was not overloaded before the signal. What becomes of a
// queue that only grows is not the doing of the shutdown.
func overload(o *observation) []problem {
	pace, over := o.Overload()
	if !over || o.unloaded() {
		return nil
	}
	return []problem{{detail: fmt.Sprintf(
		"the server is slower than the rate: before %s it got %s requests a second and completed %s, and its answers took longer and longer; lower the rate (--rate %d)",
		o.moment(), perSecond(pace.Begun), perSecond(pace.Completed), pace.Sustainable(),
	)}}
}

// perSecond writes a rate with two digits, or all that stand before the point.
func perSecond(rate float64) string {
	if rate < 10 {
		return strconv.FormatFloat(rate, 'f', 1, 64)
	}
	return strconv.FormatFloat(rate, 'f', 0, 64)
}

// capped asks that the load did not meet its cap before the signal. Where lastcall
// was late too it is not for the server to answer for that.
func (o *observation) capped() []problem {
	paused, ok := o.At(history.EventLoadPaused)
	if !ok || paused >= o.Signal.Before {
		return nil
	}
	slow := "the server is slower than the rate"
	if o.slip > history.MaxSlip {
		slow = "lastcall was late itself, and the machine is slower than the rate"
	}
	return []problem{{soft: true, detail: fmt.Sprintf("the load met its cap of %d open requests before %s: %s, so lower it%s",
		o.Header.Scenario.Load.MaxOpen, o.moment(), slow, o.Lower())}}
}

// unwatched asks that the load saw the process to its end. Of one that it left
// alone after the signal nobody knows what it would have done with a request.
func unwatched(o *observation) []problem {
	paused, ok := o.At(history.EventLoadPaused)
	if !ok || !o.Signal.Sent || staysUpThrough(o.Header.Scenario) || paused < o.Signal.Before || !o.Exit.Seen || o.Exit.At <= paused {
		return nil
	}
	for i := range o.Requests {
		if r := &o.Requests[i]; r.Started > paused && r.Started < o.Exit.At || r.Started <= o.Exit.At && r.End >= o.Exit.At {
			return nil
		}
	}
	return []problem{{soft: true, detail: fmt.Sprintf("the load paused %s after %s, and the process ran for another %s without a request: it is not known what it would have done with one",
		scenario.InWords(paused-o.Signal.Before), o.moment(), scenario.InWords(o.Exit.At-paused))}}
}

// lower says to which rate, where that can be told.
func (o *observation) Lower() string {
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
