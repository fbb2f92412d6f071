package check

import (
	"fmt"
	"math"
	"slices"
	"time"

	"lastcall/harness/scenario"
)

// cutShort says that the load ended before the lag did, because the process had
// gone: what such a server lost looks small beside one that was there to the end,
// and a reader who compares the two must know.
func (t teller) cutShort() []string {
	lag := t.scenario.Disruption.Lag.Duration
	var stops []time.Duration
	for _, o := range t.intact {
		if stop, early := o.stoppedEarly(lag); early {
			stops = append(stops, stop)
		}
	}
	if len(stops) == 0 {
		return nil
	}
	slices.Sort(stops)
	stop := stops[len(stops)/2]
	more := int(math.Round(float64(t.scenario.Load.Rate) * (lag - stop).Seconds()))
	if more > 100 { // no more exact than it is
		more = (more + 5) / 10 * 10
	}
	if more == 0 {
		return nil
	}
	each := ""
	if t.subject.ShutdownsIntact > 1 {
		each = " each time"
	}
	return []string{fmt.Sprintf("lastcall sent nothing later than %s after the signal, because the server was gone. A balancer would have sent about %d more%s.",
		scenario.InWords(stop), more, each)}
}

// stoppedEarly is how long after the signal the last request began, and whether
// that was before the lag was over because the process had ended.
func (o *observation) stoppedEarly(lag time.Duration) (stop time.Duration, early bool) {
	if lag == 0 || !o.Exit.Seen || o.Exit.Killed {
		return 0, false
	}
	last := o.Exit.At
	for i := range o.Requests {
		last = max(last, o.Requests[i].Started)
	}
	stop = last - o.Signal.After
	return stop, stop < lag
}
