package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"lastcall/harness/scenario"
	"lastcall/internal/bug"
)

// startAlone starts the command as our own child.
func (p *Process) startAlone(path string) error {
	p.cmd = exec.Command(path, p.command.Args...)
	p.cmd.Args[0] = p.command.Path
	p.cmd.Dir = p.command.Dir
	p.cmd.Env = p.command.environ()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var theirs []*os.File
	if p.command.Lifeline != "" {
		life, err := p.openLifeline()
		if err != nil {
			return err
		}
		theirs = append(theirs, life)
		p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("%s=%d", p.command.Lifeline, lifelineFD))
	}
	started := make(chan error)
	go func() {
		defer bug.Catch()
		// Also with a lifeline: what is stopped (see Brake) does not read it. The
		// signal comes when the thread that forked ends, so this goroutine keeps
		// one for itself until the child has ended (golang/go #27505).
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		dieWithParent(p.cmd.SysProcAttr)
		err := p.launch(theirs)
		if err == nil {
			p.leader, p.pid = p.cmd.Process, p.cmd.Process.Pid
			p.lineage = newLineage(born(p.pid), "", identity{}, nil)
		}
		started <- err
		if err == nil {
			p.wait()
		}
	}()
	return explain(<-started)
}

// environ returns the command's environment. PWD must say where the command is,
// or programs that believe it are led astray (os/exec does the same).
func (c Command) environ() []string {
	env := os.Environ()
	if c.Dir != "" {
		if dir, err := filepath.Abs(c.Dir); err == nil {
			env = append(env, "PWD="+dir)
		}
	}
	return append(env, c.Env...)
}

// openLifeline makes the lifeline, keeps our end and returns the other.
func (p *Process) openLifeline() (theirs *os.File, err error) {
	theirs, p.lifeline, err = os.Pipe()
	return theirs, err
}

// launch starts cmd with stdout and stderr connected to us, and with the extra
// files from descriptor 3 on. It closes these whatever happens.
func (p *Process) launch(extra []*os.File) error {
	theirs, err := p.connect()
	theirs = append(theirs, extra...)
	defer func() { // the child has its own copies now, or never will
		for _, f := range theirs {
			f.Close()
		}
	}()
	if err != nil {
		return err
	}
	p.cmd.ExtraFiles = extra
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go p.readStdout()
	go p.readStderr()
	return nil
}

// connect makes the pipes for stdout and stderr and returns the child's ends.
func (p *Process) connect() (theirs []*os.File, err error) {
	var childOut, childErr *os.File
	if p.stdout, childOut, err = os.Pipe(); err != nil {
		return nil, err
	}
	if p.stderr, childErr, err = os.Pipe(); err != nil {
		return []*os.File{childOut}, err
	}
	p.cmd.Stdout, p.cmd.Stderr = childOut, childErr
	return []*os.File{childOut, childErr}, nil
}

// wait stamps the exit from the process's own wait. Cmd.Wait would also wait
// for the pipes, which a surviving grandchild can hold for seconds.
func (p *Process) wait() {
	state, err := p.cmd.Process.Wait()
	exit := Exit{At: time.Now(), Code: -1, Err: err}
	if err == nil {
		exit.Code = state.ExitCode()
		if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			exit.Signal = scenario.SignalName(status.Signal())
		}
	}
	p.finish(exit)
}

// born returns the identity of a process that nobody has waited for yet, so that
// its PID is its own. One that has gone all the same, as where nobody holds it,
// has no start.
func born(pid int) identity {
	r, _ := look(pid)
	return identity{pid, r.start}
}
