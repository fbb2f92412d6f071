package check

import (
	"fmt"
	"time"
)

// acceptRace is how close to the closing of the listener a request on a new
// connection must have been sent to be excused: it was in the accept queue, or
// was accepted and closed unread (golang/go #65802).
const acceptRace = 50 * time.Millisecond

// longestAcceptRace bounds what a busy machine makes of it: a server that accepts
// and hangs up for longer does so by itself.
const longestAcceptRace = 500 * time.Millisecond

// acceptRaceOf is the race's width in a shutdown whose requests started so late
// (the p99) and whose answers before the signal were so uneven. Client and server
// share a machine: where our own requests start late, the server accepts, reads
// and closes as late. Uneven answers may be the server's own way, so they count
// only as far as our own lag vouches for them.
func acceptRaceOf(lag, uneven time.Duration) time.Duration {
	return min(longestAcceptRace, max(acceptRace, 2*lag, min(2*uneven, 10*lag)))
}

// widened says that a race was wider than usual, and how wide, "" if it was not.
func widened(race time.Duration) string {
	if race <= acceptRace {
		return ""
	}
	return fmt.Sprintf(" (here %s: the machine was busy)", short(race))
}
