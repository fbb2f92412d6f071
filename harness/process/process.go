// Package process runs one child process: it starts it, reads its ready line,
// signals it, waits for it and keeps the last lines it wrote. It never leaves
// the child behind: a pipe that the child inherits tells it when we are gone.
package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// lifelineFD is the descriptor at which the child finds the lifeline: the first
// after stdin, stdout and stderr (os/exec, Cmd.ExtraFiles).
const lifelineFD = 3

// stderrWait is how long Close waits for the rest of stderr after the exit. A
// grandchild can hold the pipe open for ever.
const stderrWait = 200 * time.Millisecond

// Command says what to start. No shell is involved.
type Command struct {
	Path     string
	Args     []string // without the program's name
	Env      []string // added to our own environment
	Lifeline string   // the environment variable that gets the lifeline's descriptor, "" for none
}

// Exit is how a process ended.
type Exit struct {
	At     time.Time
	Code   int    // -1 if a signal ended it
	Signal string // "SIGTERM" if a signal ended it
}

// String describes the exit: "exit status 1" or "killed by SIGTERM".
func (e Exit) String() string {
	if e.Signal != "" {
		return "killed by " + e.Signal
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Process is a running child. Close must be called in the end.
type Process struct {
	cmd      *exec.Cmd
	lifeline *os.File // our end; closing it ends a child that watches it
	stdout   *os.File
	stderr   *os.File
	first    chan string // the first line of stdout; closed at its end
	tail     tail
	stderrEd chan struct{} // closed when stderr has been read to its end
	exited   chan struct{} // closed after exit was set
	exit     Exit
	once     sync.Once
}

// Start starts the command in a process group of its own, so that a Ctrl-C at
// the terminal reaches us and not the child.
func Start(c Command) (*Process, error) {
	p := &Process{
		first:    make(chan string, 1),
		stderrEd: make(chan struct{}),
		exited:   make(chan struct{}),
	}
	p.cmd = exec.Command(c.Path, c.Args...)
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	theirs, err := p.connect(c.Lifeline)
	if err == nil {
		err = p.cmd.Start()
	}
	for _, f := range theirs { // the child has its own copies now, or never will
		f.Close()
	}
	if err != nil {
		p.closePipes()
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	go p.readStdout()
	go p.readStderr()
	go p.wait()
	return p, nil
}

// connect makes the pipes and returns the child's ends.
func (p *Process) connect(lifelineEnv string) (theirs []*os.File, err error) {
	var childOut, childErr, childLife *os.File
	if p.stdout, childOut, err = os.Pipe(); err != nil {
		return theirs, err
	}
	theirs = append(theirs, childOut)
	if p.stderr, childErr, err = os.Pipe(); err != nil {
		return theirs, err
	}
	theirs = append(theirs, childErr)
	p.cmd.Stdout, p.cmd.Stderr = childOut, childErr
	if lifelineEnv == "" {
		return theirs, nil
	}
	if childLife, p.lifeline, err = os.Pipe(); err != nil {
		return theirs, err
	}
	p.cmd.ExtraFiles = []*os.File{childLife}
	p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("%s=%d", lifelineEnv, lifelineFD))
	return append(theirs, childLife), nil
}

// wait stamps the exit from the process's own wait. Cmd.Wait would also wait
// for the pipes, which a surviving grandchild can hold for seconds.
func (p *Process) wait() {
	state, err := p.cmd.Process.Wait()
	p.exit.At = time.Now()
	p.exit.Code = -1
	if err == nil {
		p.exit.Code = state.ExitCode()
		if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			p.exit.Signal = SignalName(status.Signal())
		}
	}
	close(p.exited) // only here: everybody who reads exit waits for this
}

func (p *Process) readStdout() {
	in := bufio.NewReader(p.stdout)
	line, err := in.ReadString('\n')
	if err == nil {
		p.first <- strings.TrimSpace(line)
	}
	close(p.first)                 // only here: FirstLine tells no line from a late one by it
	_, _ = io.Copy(io.Discard, in) // a full pipe would block the child
}

func (p *Process) readStderr() {
	defer close(p.stderrEd) // only here: Close waits for it
	p.tail.read(p.stderr)
}

// FirstLine returns the first line that the child writes to stdout. The error
// says what happened instead: the context ended, or stdout did.
func (p *Process) FirstLine(ctx context.Context) (string, error) {
	select {
	case line, ok := <-p.first:
		if !ok {
			return "", errors.New("it closed its standard output without a ready line")
		}
		return line, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// PID returns the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends the child a signal, and returns the clock before and after the
// system call. The error wraps os.ErrProcessDone if it had exited.
func (p *Process) Signal(s os.Signal) (before, after time.Time, err error) {
	before = time.Now()
	err = p.cmd.Process.Signal(s)
	after = time.Now()
	if err != nil {
		err = fmt.Errorf("send %v to process %d: %w", s, p.PID(), err)
	}
	return before, after, err
}

// Exited is closed once the child has exited.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Exit returns how the child ended. It must not be called before Exited is
// closed.
func (p *Process) Exit() Exit { return p.exit }

// Stderr returns the last lines that the child wrote there.
func (p *Process) Stderr() []string { return p.tail.lines() }

// Close kills the child if it still lives, waits for it, and releases all that
// belongs to it. It may be called more than once.
func (p *Process) Close() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill() // it may have exited: then there is nothing to kill
		<-p.exited
		// A grandchild may hold the other end: its last words are not worth
		// waiting for longer than this.
		patience := time.NewTimer(stderrWait)
		defer patience.Stop()
		select {
		case <-p.stderrEd:
		case <-patience.C:
		}
		p.closePipes()
	})
}

func (p *Process) closePipes() {
	for _, f := range []*os.File{p.lifeline, p.stdout, p.stderr} {
		if f != nil {
			f.Close()
		}
	}
}
