package history

import (
	"path"
	"slices"
	"strings"
	"time"
)

// EventName names a thing that happened once in a shutdown.
type EventName string

// The events of a shutdown, in the order in which they usually come.
const (
	EventStarted      EventName = "started"       // the subject's process was started, and not waited for
	EventReady        EventName = "ready"         // the subject answered its readiness check
	EventLoad         EventName = "load"          // the first request was scheduled
	EventSignal       EventName = "signal"        // the signal was sent (before the system call)
	EventFirstRefused EventName = "first-refused" // the first refused request began: the listener is closed
	EventLastAnswer   EventName = "last-answer"   // the last whole answer ended
	EventLoadPaused   EventName = "load-paused"   // the load met its cap and paused
	EventExit         EventName = "exit"          // the subject's process was gone
	EventKilled       EventName = "killed"        // SIGKILL was sent because the grace period was over
	EventSignalAgain  EventName = "signal-again"  // a further signal of the sequence was sent
	EventNotReady     EventName = "not-ready"     // the readiness check first answered something else than 2xx
	EventLoadEnded    EventName = "load-ended"    // new requests stopped as planned: the balancer has learned
	EventOperated     EventName = "operated"      // the command that ran instead of a signal had ended
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
	Open   int           `json:"open"`            // requests open when it was sent
	Mean   float64       `json:"mean_open"`       // mean number of open requests during warm-up
	Again  []Again       `json:"again,omitempty"` // further signals of the sequence
	Error  string        `json:"error,omitempty"`
}

// Again is a further signal of a sequence.
type Again struct {
	Name   string        `json:"name"`
	Number int           `json:"number"`
	At     time.Duration `json:"at"`
}

// Includes reports whether the signal of that name was sent.
func (s Signal) Includes(name string) bool {
	return s.Name == name || slices.ContainsFunc(s.Again, func(a Again) bool { return a.Name == name })
}

// IncludesNumber reports whether the signal of that number was sent.
func (s Signal) IncludesNumber(number int) bool {
	return s.Number == number || slices.ContainsFunc(s.Again, func(a Again) bool { return a.Number == number })
}

// Readiness is what the readiness check answered from the signal on. Times are
// those at which a check began; zero means that it did not happen.
type Readiness struct {
	Polls   int           `json:"polls"`             // checks that were answered or refused, before the signal too
	Red     time.Duration `json:"red,omitempty"`     // the first that answered anything but 2xx
	Refused time.Duration `json:"refused,omitempty"` // the first refused request
}

// Process names a process for people.
type Process struct {
	PID  int    `json:"pid"`
	Name string `json:"name"` // its command line, shortened
}

// Program is the name of the process's program, "" if that is not known. A process
// may have renamed itself (nginx: master process).
func (p Process) Program() string {
	word, _, _ := strings.Cut(strings.Trim(p.Name, "[]"), " ")
	if word == "" {
		return ""
	}
	return strings.TrimSuffix(path.Base(word), ":")
}

// Delivery says who was told to stop, and who should have been: the processes
// that held the listening socket as the signal was sent.
type Delivery struct {
	Target  string    `json:"target,omitempty"`  // leader, group or owner
	To      []Process `json:"to,omitempty"`      // got the signal from us
	Holders []Process `json:"holders,omitempty"` // listened at the subject's address
	Deaf    []Process `json:"deaf,omitempty"`    // holders that still lived when the subject should have been gone
	Error   string    `json:"error,omitempty"`   // why the holders are not known
	Front   string    `json:"front,omitempty"`   // the process that listened there in the subject's place, and relayed to it

	Dispositions []Disposition `json:"dispositions,omitempty"` // of the leader and the first holders, where the system shows them
}

// Disposition is what a process had told the kernel to do with the signal, just
// before it was sent. None of the three is the default action, which ends it.
type Disposition struct {
	PID     int  `json:"pid"`
	Catches bool `json:"catches,omitempty"`
	Ignores bool `json:"ignores,omitempty"`
	Blocks  bool `json:"blocks,omitempty"` // its first thread does: it may wait for the signal with sigwait(3) or signalfd(2)
	// Runtime: it catches signals that no program asks for. A runtime does so, as
	// Go's, whatever the program has told it, so that Catches says nothing.
	Runtime bool `json:"runtime,omitempty"`
}

// Disposition returns that of a process, and whether it is known.
func (d Delivery) Disposition(pid int) (Disposition, bool) {
	i := slices.IndexFunc(d.Dispositions, func(d Disposition) bool { return d.PID == pid })
	if i < 0 {
		return Disposition{}, false
	}
	return d.Dispositions[i], true
}

// Left is what was there after the subject's exit, before lastcall removed it.
type Left struct {
	Looked    bool      `json:"looked,omitempty"`     // lastcall looked
	Processes []Process `json:"processes,omitempty"`  // of the subject's tree, that lived on
	PortTaken bool      `json:"port_taken,omitempty"` // a process still listened at the subject's address
}

// Operation is a command that ran under load instead of a signal. Its times are
// Signal.Before and End.
type Operation struct {
	Command []string      `json:"command"`
	End     time.Duration `json:"end"`
	Code    int           `json:"code"`             // exit code, -1 if a signal ended it
	Signal  string        `json:"signal,omitempty"` // "SIGKILL" if a signal ended it
	Killed  bool          `json:"killed,omitempty"` // by lastcall, the grace period being over
	Stderr  []string      `json:"stderr,omitempty"` // its last lines
}

// Exit is how the subject's process ended.
type Exit struct {
	Seen   bool          `json:"seen"`
	At     time.Duration `json:"at,omitempty"`
	Code   int           `json:"code"`             // exit code, -1 if a signal ended it
	Signal string        `json:"signal,omitempty"` // "SIGTERM" if a signal ended it
	Killed bool          `json:"killed,omitempty"` // we sent SIGKILL, the grace period being over
}
