// Package process runs one command and answers for all that comes of it: it
// starts it, reads its ready line, signals it, waits for it, keeps the last
// lines it wrote, and knows its tree of processes. It leaves nothing behind.
//
// There are two ways to start one. A command of ours is started directly, and a
// pipe that it inherits, its lifeline, tells it when we are gone; on Linux the
// kernel kills it then, also while it is stopped. A command that knows nothing of
// us runs under a supervisor, which watches the lifeline in its stead:
//
//	us ──(lifeline: held, or gone)──> supervisor ──> command ──> its workers
//	us <─(reports: started, exited, what came of it)── supervisor
//	us <─(stdout, stderr)─────────────────────────── command
//
// Orphans of the command go to the parent that they would have without us, which
// is process 1 as a rule: servers look at it. They are told by other signs, see
// lineage. How one of them ended is not seen, for only a parent is told.
//
// Who holds a port, which port is free, and how signals are called is here too.
package process

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lifelineFD is the descriptor at which a child finds the lifeline: the
	// first after stdin, stdout and stderr (os/exec, Cmd.ExtraFiles).
	lifelineFD = 3
	// killWait bounds how long we wait for what was sent SIGKILL. It is gone at
	// once, unless it is stuck in the kernel.
	killWait = 5 * time.Second
	// lastWords is how long Close waits for the rest of stderr after the exit.
	// What is no part of the tree any more can hold the pipe open for ever.
	lastWords = 200 * time.Millisecond
)

// Command says what to start. No shell is involved. Its standard input is
// /dev/null.
type Command struct {
	// Path is the program: a path, relative to Dir, or a name that is looked up
	// in our own PATH.
	Path string
	Args []string // without the program's name
	Env  []string // added to our own environment
	Dir  string   // the working directory, "" for ours
	// Lifeline is the environment variable that gets the lifeline's descriptor,
	// "" for none. The command must watch it, and end with it.
	Lifeline string
	// Supervisor is the program that runs the command and watches the lifeline
	// for it, with its arguments: it must call Supervise with what follows "--".
	// Without one the kernel kills the command (but not what it started) as we
	// die; only Linux does.
	Supervisor []string
}

// Process is a running command. Close must be called in the end.
type Process struct {
	command Command
	cmd     *exec.Cmd   // the command, or its supervisor
	leader  *os.Process // the command: a pidfd on Linux, so that it is never a stranger
	pid     int         // its PID, which a released os.Process forgets
	lineage *lineage    // what came of it

	supervised bool
	buried     chan struct{} // closed when it was waited for
	failed     bool          // the supervisor did not end as it should; set before buried is closed
	reports    *os.File      // what the supervisor says
	lifeline   *os.File      // our end; closing it ends a child that watches it

	stdout   *os.File
	stderr   *os.File
	first    chan string // the first line of stdout; closed at its end
	tail     tail
	stderrEd chan struct{} // closed when stderr has been read to its end

	exited chan struct{} // closed after exit was set
	exit   Exit
	ended  sync.Once     // guards the two above: the end can be seen, or given up on
	limit  time.Duration // killWait, but for tests

	beforeSignal func() error // see BeforeSignal

	closing atomic.Bool
	once    sync.Once
}

// Start starts the command in a process group of its own, so that a Ctrl-C at
// the terminal reaches us and not the child.
//
// A command that is not there gives an error that wraps exec.ErrNotFound (and
// fs.ErrNotExist if it was a path), one that is no executable file one that
// wraps fs.ErrPermission. A bad Dir wraps fs.ErrNotExist, syscall.ENOTDIR or
// fs.ErrPermission, and never exec.ErrNotFound.
func Start(c Command) (*Process, error) {
	p := &Process{
		command:  c,
		buried:   make(chan struct{}),
		first:    make(chan string, 1),
		stderrEd: make(chan struct{}),
		exited:   make(chan struct{}),
		limit:    killWait,
	}
	path, err := c.locate()
	if err == nil && c.Supervisor != nil {
		err = p.startSupervised(path)
	} else if err == nil {
		err = p.startAlone(path)
	}
	if err != nil {
		p.closePipes()
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	return p, nil
}

// finish notes how it ended. The first to know is right.
func (p *Process) finish(e Exit) {
	p.ended.Do(func() {
		p.exit = e
		close(p.exited) // only here: everybody who reads exit waits for this
	})
}

// PID returns the process id of the command itself, also under a supervisor.
func (p *Process) PID() int { return p.pid }

// Exited is closed once the command has exited, also if others of its tree still run.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Exit returns how the command ended. It must not be called before Exited is
// closed.
func (p *Process) Exit() Exit { return p.exit }

func (p *Process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Close kills all of the tree that still lives, waits for the end of the
// command, and releases all that belongs to it. It may be called more than once.
//
// It waits for a few seconds at the longest. What survives SIGKILL for so long
// is stuck in the kernel; if it is the command, Exit has an error that says so.
func (p *Process) Close() {
	p.once.Do(func() {
		p.closing.Store(true)
		err := p.KillTree()
		patience := p.limit
		if err != nil {
			_ = p.leader.Kill()  // for a tree that could not even be listed
			patience = lastWords // what has not ended by now will not
		}
		if !inTime(p.exited, patience) {
			if err == nil {
				err = fmt.Errorf("its exit was not seen within %s", patience)
			}
			p.finish(lost(err))
		}
		if p.supervised {
			p.dismiss(patience)
		}
		inTime(p.stderrEd, lastWords)
		p.closePipes()
	})
}

// lost is the exit of a command whose end was not seen.
func lost(why error) Exit { return Exit{At: time.Now(), Code: -1, Err: why} }

func (p *Process) closePipes() {
	for _, f := range []*os.File{p.lifeline, p.reports, p.stdout, p.stderr} {
		if f != nil {
			f.Close()
		}
	}
}

// inTime waits for a channel to be closed, and says whether it was in time.
func inTime(c <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit) // what we wait for may never come
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}
