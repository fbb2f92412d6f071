package process

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalGroup sends a signal to the process group that the leader founded. Its
// pidfd stands for the group also when the leader has gone, and for no other
// that gets the number later (Linux 6.9). Without it the number has to do, which
// stays taken while there is a member: the caller has just seen one.
func signalGroup(leader *os.Process, pgid int, s syscall.Signal) error {
	var sent error
	if err := leader.WithHandle(func(fd uintptr) {
		sent = unix.PidfdSendSignal(int(fd), s, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP)
	}); err == nil && !errors.Is(sent, unix.EINVAL) && !errors.Is(sent, unix.ENOSYS) {
		return sent
	}
	return unix.Kill(-pgid, s)
}
