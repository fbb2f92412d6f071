//go:build !linux

package process

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	psnet "github.com/shirou/gopsutil/v4/net"
	"golang.org/x/sys/unix"

	"lastcall/internal/bug"
)

var errNoBrake = errors.New("only Linux shows whether a process is stopped")

// Brake is for Linux only.
func (p *Process) Brake() error { return errNoBrake }

// Release does nothing: nothing was stopped.
func (p *Process) Release() error { return nil }

// cgroup is what only Linux has: here there is none.
type cgroup struct{ path string }

// newCgroup says that there is none.
func newCgroup(string) (*cgroup, error) { return nil, errors.ErrUnsupported }

// EndDead does nothing: there are no cgroups.
func EndDead() {}

// openCgroup returns none.
func openCgroup(string) *cgroup { return nil }

// findCgroup returns none.
func findCgroup(string) *cgroup { return nil }

func (*cgroup) name() string          { return "" }
func (*cgroup) pids() map[int]bool    { return nil }
func (*cgroup) kill()                 {}
func (*cgroup) remove()               {}
func (*cgroup) share()                {}
func (*cgroup) start(*exec.Cmd) error { return errors.ErrUnsupported }

// monotonic returns 0: no clock is known here that two processes share, so the
// time of the report has to do.
func monotonic() int64 { return 0 }

func fromMonotonic(int64) (time.Time, bool) { return time.Time{}, false }

// ReadDispositions gives an error that wraps errors.ErrUnsupported: this system
// does not show them.
func ReadDispositions(pid int) (Dispositions, error) {
	return Dispositions{}, fmt.Errorf("signal dispositions of process %d: %w", pid, errors.ErrUnsupported)
}

// signalGroup sends a signal to the process group that the leader founded. Its
// number stays taken while there is a member: the caller has just seen one.
func signalGroup(_ *os.Process, pgid int, s syscall.Signal) error {
	return syscall.Kill(-pgid, s)
}

// listeners returns the sockets that listen. It asks lsof, which takes its time.
func listeners() ([]listener, error) {
	all, err := psnet.Connections("tcp")
	if err != nil {
		return nil, err
	}
	var found []listener
	for _, c := range all {
		if c.Status != "LISTEN" {
			continue
		}
		ip, err := netip.ParseAddr(c.Laddr.IP)
		switch {
		case c.Laddr.IP == "*": // of either family
			ip = netip.IPv6Unspecified()
		case err != nil:
			continue
		}
		found = append(found, listener{addr: netip.AddrPortFrom(ip.Unmap(), uint16(c.Laddr.Port)), id: uint64(c.Pid)})
	}
	return found, nil
}

// owners returns the processes that have one of the sockets open.
func owners(sockets []listener) ([]int, error) {
	var pids []int
	for _, s := range sockets {
		if pid := int(s.id); !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// FindPeer is for Linux only: the error is ErrUnseen.
func FindPeer(_, _ netip.AddrPort) (Peer, error) { return Peer{}, ErrUnseen }

// Unread is for Linux only.
func Unread(syscall.Conn) (int, error) { return 0, ErrUnseen }

// Queued is for Linux only.
func Queued(netip.AddrPort) (int, error) { return 0, ErrUnseen }

// Unacknowledged is for Linux only.
func Unacknowledged(syscall.Conn) (int, error) { return 0, ErrUnseen }

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

// Sockets is for Linux only.
type Sockets struct{}

// OpenSockets is for Linux only: the error is ErrNoWitness.
func OpenSockets(netip.AddrPort, int) (*Sockets, error) { return nil, ErrNoWitness }

// Close does nothing.
func (*Sockets) Close() {}

// Look is for Linux only.
func (*Sockets) Look([]netip.AddrPort, []Socket) ([]Socket, error) { return nil, ErrNoWitness }

// Listening is for Linux only.
func (*Sockets) Listening([]Listener) ([]Listener, error) { return nil, ErrNoWitness }

// Wait is how long a thread has waited for a CPU since it began, and had one, in
// nanoseconds.
type Wait struct {
	Thread int
	Total  uint64
	Ran    uint64
}

// Waits is for Linux only: elsewhere nothing is known.
func Waits(_ []int, into []Wait) []Wait { return into[:0] }
