package check

import (
	"lastcall/harness/history"
)

// chosen returns what is judged of each shutdown, in order. One in which lastcall could
// not keep to its schedule was tried again. What a try has proved stays proved,
// whatever came after it; a pass can only be earned by the last.
func chosen(histories []*history.History, policy Policy) []*observation {
	observations := make([]*observation, len(histories))
	for i, h := range histories {
		observations[i] = observe(h, policy)
	}
	forgiveCrossings(observations)
	var all []*observation
	for _, o := range observations { // the tries of a shutdown follow each other
		if n := len(all); n > 0 && again(all[n-1], o) {
			tries := max(1, all[n-1].tries) + 1
			if !breaks(all[n-1], policy) {
				all[n-1] = o
			}
			all[n-1].tries = tries
			continue
		}
		all = append(all, o)
	}
	return all
}

// again reports whether both are tries of one shutdown.
func again(before, o *observation) bool {
	a, b := before.Header, o.Header
	return a.Position == b.Position && a.Shutdown == b.Shutdown && a.Repeats < b.Repeats
}

// breaks reports whether a required rule was violated.
func breaks(o *observation, policy Policy) bool {
	if !o.intact() {
		return false
	}
	_, failed := judgeRules([]*observation{o}, o.Header.Scenario.Disruption, policy)
	return len(failed) > 0
}

// Chosen returns the histories by which the shutdowns of a run are judged: one of each,
// though one that was repeated has several.
func Chosen(histories []*history.History, policy Policy) []*history.History {
	var all []*history.History
	for _, group := range bySubject(histories) {
		for _, o := range chosen(group, policy) {
			all = append(all, o.History)
		}
	}
	return all
}

// Blurred reports whether what a shutdown lost is in doubt because lastcall was late
// itself, or because the server got no CPU, and nothing else proves a breach. Then
// another try may tell. A doubt that comes of the server alone is not blurred: another
// try would only hide it.
func Blurred(h *history.History, policy Policy) (blurred bool) {
	o := observe(h, policy)
	if !o.intact() || breaks(o, policy) {
		return false
	}
	if policy.Levels[LateRequestsAnswered].Breach == Require {
		o.late(func(r *history.Request) {
			l, lost := o.fates[r.Seq]
			blurred = blurred || lost && l.fate == fateDoubt && o.blurred(r)
		})
	}
	if policy.Levels[InFlightCompletes].Breach == Require {
		o.each(history.InFlight, func(r *history.Request) { blurred = blurred || o.cutBeforeItBegan(r) })
	}
	return blurred
}
