package process

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adoptsOrphans says that a supervisor becomes the parent of all orphans among
// its descendants.
const adoptsOrphans = true

// dieWithParent lets the kernel kill the child when the thread that starts it
// ends.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// adopt makes us the parent of all orphans among our descendants.
func adopt() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return errors.Join(errors.New("become a child subreaper"), err)
	}
	return nil
}

// redirect makes one descriptor a copy of another. (Dup2 is not on arm64.)
func redirect(from, to int) error { return unix.Dup3(from, to, 0) }

// reap waits for all that ends under us, until there is nothing left that could.
// It first looks who has ended and leaves it as it is, so that the leader keeps
// its PID until its end was reported and its parent holds it.
func (s *supervisor) reap() {
	defer close(s.reaped) // only here: end waits for it
	for {
		pid, status, err := firstDead()
		if err != nil {
			return // ECHILD: not even a descendant is left, or it would hang under us some day
		}
		if pid == s.leader.Process.Pid {
			s.ended(status, monotonic())
		}
		_, _ = retry(func() (int, error) { return syscall.Wait4(pid, nil, 0, nil) })
	}
}

// firstDead waits until one of our children has ended, and leaves it a zombie.
func firstDead() (pid int, status syscall.WaitStatus, err error) {
	var info childInfo
	_, err = retry(func() (int, error) {
		return 0, unix.Waitid(unix.P_ALL, 0, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT, nil)
	})
	return int(info.pid), info.status(), err
}

// is64bit is 1 where the union in siginfo_t is aligned to 8 bytes.
const is64bit = ^uint(0) >> 63

// childInfo is siginfo_t as waitid(2) fills it in, which package unix leaves
// opaque: the layout is that of internal/syscall/unix.SiginfoChild.
type childInfo struct {
	signo, errno, code int32
	_                  [is64bit]int32
	pid                int32
	uid                uint32
	value              int32
	_                  [128 - (6+is64bit)*4]byte
}

// The compiler refuses a size that is not the kernel's.
var _ [unsafe.Sizeof(unix.Siginfo{})]byte = [unsafe.Sizeof(childInfo{})]byte{}

// Codes of SIGCHLD, from <bits/siginfo-consts.h>.
const (
	cldExited = 1
	cldDumped = 3
)

// status returns the same as wait4(2) would.
func (c childInfo) status() syscall.WaitStatus {
	switch c.code {
	case cldExited:
		return syscall.WaitStatus(c.value << 8)
	case cldDumped:
		return syscall.WaitStatus(c.value) | 0x80
	}
	return syscall.WaitStatus(c.value)
}

// retry repeats a system call that a signal of our own interrupts.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
