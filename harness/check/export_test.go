package check

import "lastcall/harness/history"

// The histories that tests of other packages judge: they stand here because the tests
// of package diff cannot use the builder.

// Served returns three intact shutdowns of a server whose requests in flight all came
// to that outcome.
func Served(outcome history.Outcome) []*history.History {
	var all []*history.History
	for i := range 3 {
		h := newFrame().before(history.Completed, 40).inFlight(outcome, 25).late(history.Refused, 5).done()
		h.Header.Shutdown = i + 1
		all = append(all, h)
	}
	return all
}

// Lossy returns so many of three shutdowns that were planned, each of which dropped
// what was in flight.
func Lossy(shutdowns int) []*history.History {
	var all []*builder
	for range shutdowns {
		all = append(all, newHistory().inFlight(history.Dropped, 3))
	}
	return planned(3, all...)
}

// Dying returns so many shutdowns that dropped so many of what was in flight, and of
// what came late.
func Dying(shutdowns, inFlight, lateCompleted, lateDropped int) []*history.History {
	return histories(several(shutdowns, func() *builder {
		b := newHistory()
		if inFlight > 0 {
			b.inFlight(history.Dropped, inFlight)
		}
		if lateCompleted > 0 {
			b.late(history.Completed, lateCompleted)
		}
		if lateDropped > 0 {
			b.late(history.Dropped, lateDropped)
		}
		return b
	})...)
}
