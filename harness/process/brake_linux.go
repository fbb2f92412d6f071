package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// brakeWait bounds how long the kernel may take to stop a tree. It takes a few
// milliseconds; the bound is for one that is stuck in the kernel.
const brakeWait = 2 * time.Second

// Brake stops every process of the tree (SIGSTOP) and returns when the kernel
// shows each of their threads stopped: until Release none of them runs, so that
// what arrives in their sockets stays there, and a signal stays pending. If that
// fails, the tree is released again.
//
// Whoever brakes must release. If we die before, a supervisor kills the tree, and
// without one the kernel kills the leader (PR_SET_PDEATHSIG). What the leader had
// started is then left to a lifeline, which it does not read while it is stopped:
// the kernel continues and ends it only if its group becomes an orphaned one
// (setpgid(2)), and not where a subreaper of our own session adopts it.
func (p *Process) Brake() error {
	deadline := time.Now().Add(brakeWait)
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 10*time.Millisecond) {
		members, err := p.members()
		if err == nil && len(members) == 0 {
			err = os.ErrProcessDone
		}
		if err != nil {
			return errors.Join(fmt.Errorf("stop the tree of process %d: %w", p.PID(), err), p.Release())
		}
		running := slices.DeleteFunc(slices.Clone(members), func(r row) bool { return stopped(r.pid) })
		if len(running) == 0 {
			return nil // what a process forks before it stops is in the list by then
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("stop the tree of process %d: %s still runs after %s", p.PID(), info(running[0].pid), brakeWait), p.Release())
		}
		for _, r := range running {
			_ = r.signal(syscall.SIGSTOP) // whether it did is seen at the next look
		}
		time.Sleep(pause) // for the kernel: only the next look can tell
	}
}

// Release lets the tree go on (SIGCONT), children before their parents, so that
// no parent sees a child that is stopped. One that cannot be continued keeps none
// of the others.
func (p *Process) Release() error {
	first := p.resume(func(row) bool { return true })
	// A list that is read while processes fork can miss one. Only who is still
	// stopped gets a second signal: a server may have a handler for it.
	return errors.Join(first, p.resume(func(r row) bool { return stopped(r.pid) }))
}

// resume continues those of the tree that are wanted.
func (p *Process) resume(wanted func(row) bool) error {
	members, err := p.members()
	if err != nil {
		return fmt.Errorf("continue the tree of process %d: %w", p.PID(), err)
	}
	members = slices.DeleteFunc(members, func(r row) bool { return !wanted(r) })
	return resumeAll(members, func(r row) error { return r.signal(syscall.SIGCONT) })
}

// resumeAll continues all of them, the last first, whatever becomes of one.
func resumeAll(members []row, resume func(row) error) (all error) {
	for _, r := range slices.Backward(members) {
		if err := resume(r); err != nil && !errors.Is(err, os.ErrProcessDone) {
			all = errors.Join(all, fmt.Errorf("continue process %d: %w", r.pid, err))
		}
	}
	return all
}

// stopped reports whether every thread of a process is stopped by a signal. One
// that has gone does not run either.
func stopped(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return false // the pattern is fixed: it cannot be bad
	}
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has gone
		}
		end := bytes.LastIndexByte(text, ')') // of the name, which can hold anything
		if end < 0 || end+2 >= len(text) || !bytes.ContainsRune([]byte("TZX"), rune(text[end+2])) {
			return false
		}
	}
	return true
}
