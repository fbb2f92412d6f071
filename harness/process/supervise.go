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
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lastcall/internal/bug"
)

// ErrByHand is returned by Supervise if it was not started with Start.
var ErrByHand = errors.New("lastcall starts its supervisor itself: do not start it by hand")

// supervisor is the parent of one command.
type supervisor struct {
	path, mark string
	argv       []string
	lifeline   *os.File
	reports    *json.Encoder
	reporting  sync.Mutex // what it sees and how the leader ends is told side by side
	leader     *exec.Cmd
	lineage    *lineage
	let        chan struct{} // closed when the leader may be reaped: it is held, or nobody asks
	alone      chan struct{} // closed when the lifeline has ended
	reaped     chan struct{} // closed when the leader was
}

// Without a cgroup the supervisor looks for what was born 50 times a second, but
// it spends no more than a hundredth of a CPU on it.
const (
	followEvery = 20 * time.Millisecond
	followShare = 100
)

// endWait bounds how long the supervisor kills what is left. Nobody waits for it as
// a rule, and on a machine that is busy with worse a few hundred processes take
// their time to die.
const endWait = 12 * killWait

// Supervise runs a command as its parent, as a program that Start starts must
// do: it reports the start and the end of the command, and when the lifeline
// ends it kills all that came of it and returns. Its error is for nobody but
// the log: what Start must know is in the reports.
//
// It adopts nothing: a subreaper (PR_SET_CHILD_SUBREAPER) would hide from a server
// that it was orphaned. It starts the command in a session and, where it can make
// one, in a cgroup of its own, and with the run's mark in its environment; without
// a cgroup it looks again and again for what came of the command, and reports it.
// By these signs all is found again that daemonises itself. Only the command is its
// child: how anything else ended is not seen.
//
// If it is killed itself, the kernel kills the command on Linux
// (PR_SET_PDEATHSIG; not one that changed its credentials in between, as sudo
// does), and who started it the rest. On other systems there is neither cgroup nor
// mark: what left the session and lost its parent between two looks is not found.
//
// The process must be used for nothing else, and end when Supervise returns.
func Supervise(argv []string) error {
	s, err := newSupervisor(argv)
	if err != nil {
		return err
	}
	shield()
	if err := seesTable(); err != nil {
		return s.fail(err)
	}
	// The kernel takes the thread that forked for the parent, so it must live as
	// long as we do (golang/go #27505). It is never unlocked: it has to end with
	// the process.
	runtime.LockOSThread()
	c, err := s.launch()
	if err != nil {
		return s.fail(err)
	}
	s.lineage = newLineage(born(s.leader.Process.Pid), s.mark, born(os.Getpid()), c)
	err = errors.Join(letGo(), s.report(report{Event: reportStarted, PID: s.leader.Process.Pid, Cgroup: c.name()}))
	go s.watch()
	go s.follow()
	go s.reap()
	if err == nil {
		<-s.alone
	}
	return errors.Join(err, s.end())
}

// newSupervisor takes over what Start has left for us, and hides it from the
// command.
func newSupervisor(argv []string) (*supervisor, error) {
	said, ok := os.LookupEnv(envSupervisor)
	if !ok {
		return nil, ErrByHand
	}
	path, ok := strings.CutPrefix(said, protocol)
	if !ok {
		return nil, fmt.Errorf("%s=%q is of another version of lastcall, this one speaks %s", envSupervisor, said, protocol)
	}
	if path == "" || len(argv) == 0 {
		return nil, errors.New("there is no command to supervise")
	}
	if err := errors.Join(os.Unsetenv(envSupervisor), inherited(lifelineFD), inherited(reportFD)); err != nil {
		return nil, err
	}
	marks := strings.Split(os.Getenv(envMark), ",")
	return &supervisor{
		path: path, argv: argv, mark: marks[len(marks)-1], // the last is of this run
		lifeline: os.NewFile(lifelineFD, "lifeline"),
		reports:  json.NewEncoder(os.NewFile(reportFD, "reports")),
		let:      make(chan struct{}),
		alone:    make(chan struct{}),
		reaped:   make(chan struct{}),
	}, nil
}

// launch starts the command, in a cgroup if that can be had.
func (s *supervisor) launch() (*cgroup, error) {
	if c, err := newCgroup(s.mark); err == nil {
		s.leader = s.command()
		err := c.start(s.leader)
		if err == nil {
			return c, nil
		}
		c.remove()
		if s.leader.Process != nil {
			return nil, err // it runs, so there must not be a second
		}
	}
	s.leader = s.command()
	return nil, s.leader.Start()
}

// command returns what is to be executed. It gets a session of its own, as a
// service manager gives it: no terminal, and a sign of what came of it.
func (s *supervisor) command() *exec.Cmd {
	// Not exec.Command, which would look in the PATH that the command gets.
	cmd := &exec.Cmd{
		Path: s.path, Args: s.argv, Stdout: os.Stdout, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	dieWithParent(cmd.SysProcAttr)
	return cmd
}

// inherited asks that a descriptor is a pipe, and keeps it from the command: it
// would hold the lifeline, or speak in our name.
func inherited(fd int) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFIFO {
		return fmt.Errorf("descriptor %d is not a pipe: %w", fd, ErrByHand)
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
		return errors.New("the system does not show the processes of this user (on Linux: is /proc mounted?)")
	}
	return nil
}

// fail reports that the command could not be started, or not be supervised.
func (s *supervisor) fail(err error) error {
	r := report{Event: reportFailed, Error: err.Error(), Path: s.path}
	if executed, ok := errors.AsType[*os.PathError](err); ok {
		r.Errno, _ = errors.AsType[syscall.Errno](executed)
	}
	return errors.Join(err, s.report(r))
}

// watch reads the lifeline: one byte says that the leader is held, its end that
// nobody is there any more.
func (s *supervisor) watch() {
	defer bug.Catch()
	if n, _ := s.lifeline.Read(make([]byte, 1)); n == 1 {
		close(s.let)
		_, _ = s.lifeline.Read(make([]byte, 1)) // blocks until the end: no more is sent
	} else {
		close(s.let) // it will not be held: it need not wait
	}
	close(s.alone) // only here: Supervise waits for it
}

// report writes one.
func (s *supervisor) report(r report) error {
	s.reporting.Lock() // a report is one line
	defer s.reporting.Unlock()
	return s.reports.Encode(r)
}

// follow looks for what is born, and tells of it, until nobody listens. A cgroup
// needs no help.
func (s *supervisor) follow() {
	defer bug.Catch()
	if s.lineage.cgroup != nil {
		return
	}
	for pause := followEvery; !inTime(s.alone, pause); {
		began := time.Now()
		s.tell()
		pause = max(followEvery, followShare*time.Since(began))
	}
}

// tell reports what was born since the last look.
func (s *supervisor) tell() {
	seen, err := s.lineage.follow()
	if err == nil && len(seen) > 0 { // without a list there is nothing to tell
		_ = s.report(report{Event: reportSeen, Seen: seen}) // it fails if there is no reader, and then the lifeline ends too
	}
}

// ended reports how the leader ended, and what it leaves behind, and waits until
// it may be reaped.
func (s *supervisor) ended(status syscall.WaitStatus, at int64) {
	if s.lineage.cgroup == nil {
		s.tell() // before its end: the reader of the report looks for what it has left
	}
	r := report{Event: reportExited, Code: status.ExitStatus(), At: at}
	if status.Signaled() {
		r.Signal = int(status.Signal())
	}
	_ = s.report(r) // it fails if there is no reader, and then the lifeline ends too
	<-s.let
}

// end kills all that came of the command, and waits until it was reaped.
func (s *supervisor) end() error {
	if s.lineage.cgroup == nil {
		s.lineage.settle = settleLong // no other goroutine looks any more
	}
	s.lineage.cgroup.kill() // at once, whatever forks meanwhile
	if err := killAll(s.leader.Process, s.leader.Process.Pid, s.lineage.members, endWait); err != nil {
		return err
	}
	if !inTime(s.reaped, killWait) {
		return fmt.Errorf("the command was not reaped within %s", killWait)
	}
	s.lineage.cgroup.remove()
	return nil
}
