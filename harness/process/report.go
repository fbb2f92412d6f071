package process

import (
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lastcall/harness/scenario"
)

// What a supervisor and its parent agree on. The supervisor inherits the
// lifeline at descriptor 3 and writes its reports to descriptor 4, one JSON
// object a line. After the first, that the command was started, it reads one
// byte from the lifeline: the parent has got hold of the command. Without a cgroup
// it also tells of each process that came of the command, as soon as it has seen it:
// afterwards its descent may not be seen any more.
const (
	reportFD = 4
	// envSupervisor tells a supervisor that it was started as one, and the path of
	// what it is to execute. The command does not inherit it.
	envSupervisor = "LASTCALL_SUPERVISOR"
	// envMark is the run's mark: all that comes of the command inherits it, unless it
	// drops its environment. It is a list, for a lastcall can run under another.
	envMark = "LASTCALL_RUN"
	// protocol comes before the path. A program that was replaced while we run may
	// speak another.
	protocol = "v2:"
	held     = '!'
)

const (
	reportStarted = "started"
	reportFailed  = "failed"
	reportExited  = "exited"
	reportSeen    = "seen"
)

// report is one line from the supervisor.
type report struct {
	Event string `json:"event"`

	PID    int    `json:"pid,omitempty"`    // started: the command's
	Cgroup string `json:"cgroup,omitempty"` // started: the run's own, if there is one

	Seen []identity `json:"seen,omitempty"` // seen: what came of the command

	Error string        `json:"error,omitempty"` // failed: in words
	Errno syscall.Errno `json:"errno,omitempty"` // failed: why the kernel refused to execute it
	Path  string        `json:"path,omitempty"`  // failed: what was to be executed

	Code   int `json:"code,omitempty"`   // exited: -1 after a signal
	Signal int `json:"signal,omitempty"` // exited: by this signal
	// At is when the supervisor learned of the exit, in nanoseconds of
	// CLOCK_MONOTONIC, or 0 where there is no such clock.
	At int64 `json:"at,omitempty"`
}

// failure returns why the command could not be started.
func (r report) failure() error {
	if r.Errno != 0 {
		return explain(&fs.PathError{Op: "fork/exec", Path: r.Path, Err: r.Errno})
	}
	return fmt.Errorf("supervisor: %s", r.Error)
}

// exit returns how the command ended.
func (r report) exit() Exit {
	e := Exit{At: time.Now(), Code: r.Code}
	if at, ok := fromMonotonic(r.At); ok {
		e.At = at
	}
	if r.Signal != 0 {
		e.Signal = scenario.SignalName(syscall.Signal(r.Signal))
	}
	return e
}

// newMark returns a mark that no other run has, and what the environment has to
// carry it: all the marks of our own environment, and it.
func newMark() (mark, value string) {
	mark = strconv.Itoa(os.Getpid()) + "-" + rand.Text()
	if outer := os.Getenv(envMark); outer != "" {
		return mark, outer + "," + mark
	}
	return mark, mark
}

// carries reports whether the value of envMark has the mark.
func carries(value, mark string) bool { return slices.Contains(strings.Split(value, ","), mark) }
