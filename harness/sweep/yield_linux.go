package sweep

import "golang.org/x/sys/unix"

// yield lets another thread that waits for this processor have it: the kernel often puts a
// server onto the one whose thread has woken it, which is ours.
func yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
