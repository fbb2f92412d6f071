package process

import (
	"math/bits"
	"syscall"
)

// Dispositions is what a process has told the kernel to do with signals, at one
// instant: each is a set of them, with bit n-1 for signal n.
type Dispositions struct {
	blocked, ignored, caught uint64
}

// Catches reports whether the process has a handler for the signal. One that waits
// for it with sigwait(3) or a signalfd(2) has none, and blocks it.
func (d Dispositions) Catches(s syscall.Signal) bool { return holds(d.caught, s) }

// Ignores reports whether the process ignores the signal explicitly. What the
// default action ignores, as for SIGCHLD, is not.
func (d Dispositions) Ignores(s syscall.Signal) bool { return holds(d.ignored, s) }

// Blocks reports whether the process's first thread blocks the signal. Another
// thread may not; then that one gets it.
func (d Dispositions) Blocks(s syscall.Signal) bool { return holds(d.blocked, s) }

// manyCaught is more signals than a program of its own accord has handlers for. Of 64
// Go's runtime catches all but a few.
const manyCaught = 40

// Runtime reports whether the process catches so many signals that its runtime must
// have done it, whatever the program asked for: then Catches says nothing of that.
func (d Dispositions) Runtime() bool { return bits.OnesCount64(d.caught) >= manyCaught }

func holds(set uint64, s syscall.Signal) bool {
	return s >= 1 && s <= 64 && set&(1<<(s-1)) != 0
}
