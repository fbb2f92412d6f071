package process

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic returns CLOCK_MONOTONIC in nanoseconds: one clock for all processes
// of a boot (and of a time namespace, which a child shares with its parent).
func monotonic() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return ts.Nano()
}

// fromMonotonic converts an instant that another process took from monotonic
// into a time.Time of this process.
//
// Go's monotonic time is the same clock, minus an origin that it hides. So we
// read both clocks now, and go as far back from the one as the instant lies back
// on the other. The error is the time between the two readings; of a few tries
// the closest counts, which is well under a microsecond.
func fromMonotonic(at int64) (time.Time, bool) {
	if at == 0 {
		return time.Time{}, false
	}
	var best time.Time
	closest := int64(-1)
	for range 5 {
		before := monotonic()
		now := time.Now()
		after := monotonic()
		if between := after - before; closest < 0 || between < closest {
			closest = between
			best = now.Add(time.Duration(at - before - between/2))
		}
	}
	return best, true
}
