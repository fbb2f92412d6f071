package process

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"syscall"
	"time"

	"lastcall/harness/scenario"
)

// Signal sends the command a signal, and only it. It returns the clock before
// and after the system call. The error wraps os.ErrProcessDone if it had exited.
func (p *Process) Signal(s os.Signal) (before, after time.Time, err error) {
	return p.send(fmt.Sprintf("process %d", p.PID()), s, func() error {
		if p.hasExited() {
			return os.ErrProcessDone
		}
		return p.leader.Signal(s)
	})
}

// SignalGroup sends a signal to all of the command's process group at once, as
// a terminal does, and says who was in it just before: what set up a group or a
// session of its own is not. The error wraps os.ErrProcessDone if nobody was.
func (p *Process) SignalGroup(s syscall.Signal) (to []Info, before, after time.Time, err error) {
	group, err := p.group()
	if err != nil {
		return nil, before, after, err
	}
	to = p.infos(group)
	before, after, err = p.send(fmt.Sprintf("process group %d", p.PID()), s, func() error {
		if len(group) == 0 {
			return os.ErrProcessDone
		}
		return signalGroup(p.leader, p.pid, s)
	})
	return to, before, after, err
}

// SignalPID sends a signal to one process of the tree, and refuses any other.
// The error wraps os.ErrProcessDone if it has ended just now.
func (p *Process) SignalPID(pid int, s syscall.Signal) (before, after time.Time, err error) {
	members, err := p.members()
	if err != nil {
		return before, after, err
	}
	for _, r := range members {
		if r.pid == pid {
			return p.send(fmt.Sprintf("process %d", pid), s, func() error { return r.signal(s) })
		}
	}
	return before, after, fmt.Errorf("send %s: process %d is not in the tree of process %d", scenario.SignalName(s), pid, p.PID())
}

// BeforeSignal sets what is done just before each system call that sends a
// signal, after whom it goes to has been found out: that takes its time. Its
// error keeps the signal back. It must not be set while a signal is being sent.
func (p *Process) BeforeSignal(do func() error) { p.beforeSignal = do }

// send runs a system call that sends a signal, between two looks at the clock.
func (p *Process) send(whom string, s os.Signal, call func() error) (before, after time.Time, err error) {
	if p.beforeSignal != nil {
		if err := p.beforeSignal(); err != nil {
			return before, after, fmt.Errorf("send %v to %s: %w", s, whom, err)
		}
	}
	before = time.Now()
	err = call()
	after = time.Now()
	if errors.Is(err, syscall.ESRCH) {
		err = os.ErrProcessDone
	}
	if err != nil {
		err = fmt.Errorf("send %v to %s: %w", s, whom, err)
	}
	return before, after, err
}

// signal sends a signal to the process that was seen, and never to another that
// got its PID since. Getting hold of the PID comes first (a pidfd on Linux), and
// only then the look whether it is still the same: it was, from then on.
func (r row) signal(s syscall.Signal) error {
	handle, err := os.FindProcess(r.pid)
	if err != nil {
		return err
	}
	defer func() { _ = handle.Release() }() // closes the pidfd
	if now, ok := look(r.pid); !ok || now.start != r.start {
		return os.ErrProcessDone
	}
	return handle.Signal(s)
}

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
