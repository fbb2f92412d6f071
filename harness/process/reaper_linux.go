package process

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"lastcall/internal/bug"
)

// dieWithParent lets the kernel kill the child when the thread that starts it
// ends.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// redirect makes one descriptor a copy of another. (Dup2 is not on arm64.)
func redirect(from, to int) error { return unix.Dup3(from, to, 0) }

// reap waits for the leader, the only child that we have: what it leaves behind
// goes to the parent that it would have without us. It first looks how the leader
// ended and leaves it as it is, so that it keeps its PID until its end was reported
// and our parent holds it.
func (s *supervisor) reap() {
	defer close(s.reaped) // only here: end waits for it
	defer bug.Catch()
	var info childInfo
	_, err := retry(func() (int, error) {
		return 0, unix.Waitid(unix.P_PID, s.leader.Process.Pid, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT, nil)
	})
	if err != nil {
		return // ECHILD: another waiter had it, and no other can be
	}
	s.ended(info.status(), monotonic())
	_, _ = retry(func() (int, error) { return syscall.Wait4(s.leader.Process.Pid, nil, 0, nil) })
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
