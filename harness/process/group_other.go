//go:build !linux

package process

import (
	"os"
	"syscall"
)

// signalGroup sends a signal to the process group that the leader founded. Its
// number stays taken while there is a member: the caller has just seen one.
func signalGroup(_ *os.Process, pgid int, s syscall.Signal) error {
	return syscall.Kill(-pgid, s)
}
