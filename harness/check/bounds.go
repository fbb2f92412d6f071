package check

import (
	"lastcall/harness/history"
	"lastcall/harness/result"
)

// bounds say what the true shares may be. In each of them a shutdown is one trial:
// see trials.atMost.
func bounds(s result.Subject, intact []*observation) result.Bounds {
	var inFlight, late, atRisk []float64
	for _, o := range intact {
		had := o.counts(history.InFlight)
		add := func(shares []float64, lost, of int) []float64 {
			if of == 0 {
				return shares
			}
			return append(shares, float64(lost)/float64(of))
		}
		inFlight = add(inFlight, had.Total-had.Completed, had.Total)
		atRisk = add(atRisk, o.losses(), o.atRisk())
		if worst, ok := o.worstSpan(); ok {
			late = add(late, len(worst.lost), worst.sent)
		}
	}
	return result.Bounds{
		PerRequest: meanBound(atRisk), PerShutdown: upperBound(s.ShutdownsFailed, s.ShutdownsIntact),
		InFlightLost: meanBound(inFlight), LateLost: meanBound(late),
	}
}

// losses are the requests at risk that got no answer, or a wrong one, or were in
// flight and turned away. A server that promised to stay up also loses those that it
// refuses.
func (o *observation) losses() int {
	had, came := o.counts(history.InFlight), o.counts(history.Late).Plus(o.counts(history.Edge))
	lost := had.Dropped + had.Failed + had.Rejected + came.Dropped + came.Failed
	if staysUpThrough(o.Header.Scenario) {
		lost += had.Refused + came.Refused
	}
	return lost
}

// atRisk is how many requests a shutdown could lose.
func (o *observation) atRisk() int {
	had, came := o.counts(history.InFlight), o.counts(history.Late).Plus(o.counts(history.Edge))
	n := had.AtRisk() + came.AtRisk()
	if staysUpThrough(o.Header.Scenario) {
		n += had.Refused + came.Refused
	}
	return n
}
