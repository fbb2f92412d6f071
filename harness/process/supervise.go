package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrByHand is returned by Supervise to whoever did not start it with Start.
var ErrByHand = errors.New("a supervisor is started by lastcall itself, not by hand")

// supervisor is the parent of one command.
type supervisor struct {
	lifeline *os.File
	reports  *json.Encoder
	leader   *exec.Cmd
	start    uint64
	let      chan struct{} // closed when the leader may be reaped: it is held, or nobody asks
	alone    chan struct{} // closed when the lifeline has ended
	reaped   chan struct{} // closed when the leader was, and all that hangs under us
}

// Supervise runs a command as its parent, as a program that Start starts must
// do: it reports the start and the end of the command, and when the lifeline
// ends it kills all that came of it and returns. Its error is for nobody but
// the log: what Start must know is in the reports.
//
// On Linux it is a child subreaper (PR_SET_CHILD_SUBREAPER): what daemonises
// itself becomes its child and cannot get away. It reaps what ends there, but
// the command only after its end was reported. If it is killed itself, the
// kernel kills the command (PR_SET_PDEATHSIG; not one that changed its
// credentials in between, as sudo does). Elsewhere there is neither: what left
// the process group and lost its parent is not found again.
//
// The process must be used for nothing else, and end when Supervise returns.
func Supervise(argv []string) error {
	s, err := newSupervisor(argv)
	if err != nil {
		return err
	}
	shield()
	if err := errors.Join(adopt(), seesTable()); err != nil {
		return s.fail(err)
	}
	// The kernel takes the thread that forked for the parent, so it must live as
	// long as we do (golang/go #27505). It is never unlocked: it has to end with
	// the process.
	runtime.LockOSThread()
	if err := s.leader.Start(); err != nil {
		return s.fail(err)
	}
	if r, ok := look(s.leader.Process.Pid); ok { // not reaped yet: it is itself
		s.start = r.start
	}
	err = errors.Join(letGo(), s.reports.Encode(report{Event: reportStarted, PID: s.leader.Process.Pid}))
	go s.watch()
	go s.reap()
	if err == nil {
		<-s.alone
	}
	return errors.Join(err, s.end())
}

// newSupervisor takes over what Start has left for us, and hides it from the
// command.
func newSupervisor(argv []string) (*supervisor, error) {
	mark, ok := os.LookupEnv(envSupervisor)
	if !ok {
		return nil, ErrByHand
	}
	path, ok := strings.CutPrefix(mark, protocol)
	if !ok {
		return nil, fmt.Errorf("%s=%q is of another version of lastcall, this one speaks %s", envSupervisor, mark, protocol)
	}
	if path == "" || len(argv) == 0 {
		return nil, errors.New("there is no command to supervise")
	}
	if err := errors.Join(os.Unsetenv(envSupervisor), inherited(lifelineFD), inherited(reportFD)); err != nil {
		return nil, err
	}
	// Not exec.Command, which would look in the PATH that the command gets.
	cmd := &exec.Cmd{
		Path: path, Args: argv, Stdout: os.Stdout, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	dieWithParent(cmd.SysProcAttr)
	return &supervisor{
		lifeline: os.NewFile(lifelineFD, "lifeline"),
		reports:  json.NewEncoder(os.NewFile(reportFD, "reports")),
		leader:   cmd,
		let:      make(chan struct{}),
		alone:    make(chan struct{}),
		reaped:   make(chan struct{}),
	}, nil
}

// inherited asks that a descriptor is a pipe, and keeps it from the command: it
// would hold the lifeline, or speak in our name.
func inherited(fd int) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFIFO {
		return fmt.Errorf("descriptor %d is no pipe: %w", fd, ErrByHand)
	}
	unix.CloseOnExec(fd)
	return nil
}

// shield makes us deaf to the signals that ask a program to stop: we end with
// the lifeline only. They are caught and not ignored, because what is ignored
// stays so in the command. What was ignored before is left alone, for the same
// reason: the command has a right to find it so.
func shield() {
	deaf := make(chan os.Signal, 1) // buffered and never read: what does not fit is dropped
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(deaf, s)
		}
	}
}

// letGo replaces our stdout and stderr: they are the command's, and must end
// when it and its children close them.
func letGo() error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	return errors.Join(redirect(int(null.Fd()), 1), redirect(int(null.Fd()), 2))
}

// seesTable asks that the system shows us processes, and the right ones. What we
// cannot see we could not kill, and nobody would know that it survived.
func seesTable() error {
	if r, ok := look(os.Getpid()); !ok || r.ppid != os.Getppid() {
		return errors.New("the system does not show our processes (on Linux: is /proc mounted?)")
	}
	return nil
}

// fail reports that the command could not be started, or not be supervised.
func (s *supervisor) fail(err error) error {
	r := report{Event: reportFailed, Error: err.Error(), Path: s.leader.Path}
	if executed, ok := errors.AsType[*os.PathError](err); ok {
		r.Errno, _ = errors.AsType[syscall.Errno](executed)
	}
	return errors.Join(err, s.reports.Encode(r))
}

// watch reads the lifeline: one byte says that the leader is held, its end that
// nobody is there any more.
func (s *supervisor) watch() {
	if n, _ := s.lifeline.Read(make([]byte, 1)); n == 1 {
		close(s.let)
		_, _ = s.lifeline.Read(make([]byte, 1)) // blocks until the end: no more is sent
	} else {
		close(s.let) // nobody will hold it: it need not wait
	}
	close(s.alone) // only here: Supervise waits for it
}

// ended reports how the leader ended, and waits until it may be reaped.
func (s *supervisor) ended(status syscall.WaitStatus, at int64) {
	r := report{Event: reportExited, Code: status.ExitStatus(), At: at}
	if status.Signaled() {
		r.Signal = int(status.Signal())
	}
	_ = s.reports.Encode(r) // it fails if nobody is there, and then the lifeline ends too
	<-s.let
}

// end kills all that hangs under us. Where orphans do, the kernel says when there
// is nothing left; the list alone could miss what is born while it is made.
func (s *supervisor) end() error {
	for deadline := time.Now().Add(killWait); ; {
		err := killAll(s.leader.Process, s.leader.Process.Pid, s.members, killWait)
		switch {
		case err != nil:
			return err
		case inTime(s.reaped, 10*time.Millisecond):
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("processes are still born after %s", killWait)
		}
	}
}

// members returns the rows of all that hangs under us.
func (s *supervisor) members() ([]row, error) {
	rows, err := table()
	if err != nil {
		return nil, err
	}
	return treeOf(rows, s.leader.Process.Pid, s.start, os.Getpid()), nil
}
