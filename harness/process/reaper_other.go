//go:build !linux

package process

import (
	"syscall"

	"golang.org/x/sys/unix"
	"lastcall/internal/bug"
)

// dieWithParent does nothing: the kernel knows no such thing here.
func dieWithParent(*syscall.SysProcAttr) {}

// redirect makes one descriptor a copy of another.
func redirect(from, to int) error { return unix.Dup2(from, to) }

// reap waits for the leader, the only child that we have. Here it is reaped
// before its end is reported, so that its PID is free for a moment too early.
func (s *supervisor) reap() {
	defer close(s.reaped) // only here: end waits for it
	defer bug.Catch()
	state, err := s.leader.Process.Wait()
	if err != nil {
		return
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok {
		s.ended(status, monotonic())
	}
}
