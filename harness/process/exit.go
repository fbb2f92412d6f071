package process

import (
	"fmt"
	"time"
)

// Exit is how a process ended.
type Exit struct {
	// At is the instant at which the waiting process learned of its
	// end: we, or the supervisor by its own clock on Linux. It does not depend on
	// when stdout or stderr ended.
	At     time.Time
	Code   int    // -1 if a signal ended it, or if Err is set
	Signal string // "SIGTERM" if a signal ended it
	// Err says why the end was not observed: the supervisor died, or the process
	// survived SIGKILL. At is then the time at which this was known.
	Err error
}

// String describes the exit: "exit status 1" or "killed by SIGTERM".
func (e Exit) String() string {
	switch {
	case e.Err != nil:
		return "unknown: " + e.Err.Error()
	case e.Signal != "":
		return "killed by " + e.Signal
	}
	return fmt.Sprintf("exit status %d", e.Code)
}
