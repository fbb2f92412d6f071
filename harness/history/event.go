package history

import "time"

// EventName names a thing that happened once in a shutdown.
type EventName string

// The events of a shutdown, in the order in which they usually come.
const (
	EventReady        EventName = "ready"         // the subject answered its readiness check
	EventLoad         EventName = "load"          // the first request was scheduled
	EventSignal       EventName = "signal"        // the signal was sent (before the system call)
	EventFirstRefused EventName = "first-refused" // the first refused request began: the listener is closed
	EventLastAnswer   EventName = "last-answer"   // the last whole answer ended
	EventLoadPaused   EventName = "load-paused"   // the load met its cap and paused
	EventExit         EventName = "exit"          // the subject's process was gone
	EventKilled       EventName = "killed"        // SIGKILL was sent because the grace period was over
)

// Event is one thing that happened, on the shutdown's clock.
type Event struct {
	Name EventName     `json:"name"`
	At   time.Duration `json:"at"`
}

// Signal is the disruption itself. The instant at which a signal lands lies
// between Before and After, the clock read on either side of kill(2).
type Signal struct {
	Name   string        `json:"name"`
	Number int           `json:"number"`
	Sent   bool          `json:"sent"`
	Before time.Duration `json:"before,omitempty"`
	After  time.Duration `json:"after,omitempty"`
	Open   int           `json:"open"`      // requests open when it was sent
	Mean   float64       `json:"mean_open"` // mean number of open requests during warm-up
	Error  string        `json:"error,omitempty"`
}

// Exit is how the subject's process ended.
type Exit struct {
	Seen   bool          `json:"seen"`
	At     time.Duration `json:"at,omitempty"`
	Code   int           `json:"code"`             // exit code, -1 if a signal ended it
	Signal string        `json:"signal,omitempty"` // "SIGTERM" if a signal ended it
	Killed bool          `json:"killed,omitempty"` // we sent SIGKILL, the grace period being over
}
