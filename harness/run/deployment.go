package run

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"lastcall/harness/process"
	"lastcall/harness/scenario"
	"lastcall/internal/bug"
)

// deployment is a command that changes a server which is not ours. Nothing that
// it starts depends on us: it has no pipe of ours, and nobody kills what it leaves
// behind. Only the command itself can be, when its time is over.
type deployment struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed after exit was set
	exit   process.Exit
}

func startDeployment(argv []string, dir string, env []string, output *os.File) (*deployment, error) {
	d := &deployment{cmd: exec.Command(argv[0], argv[1:]...), exited: make(chan struct{})}
	d.cmd.Dir, d.cmd.Env = dir, append(os.Environ(), env...)
	if output != nil { // an *os.File is inherited as it is; os/exec makes a pipe of all else
		d.cmd.Stdout, d.cmd.Stderr = output, output
	}
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C at the terminal is for us
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go d.wait()
	return d, nil
}

func (d *deployment) wait() {
	defer bug.Catch()
	state, err := d.cmd.Process.Wait()
	d.exit.At, d.exit.Code = time.Now(), -1
	if err != nil {
		d.exit.Err = fmt.Errorf("wait for the command: %w", err)
	} else {
		d.exit.Code = state.ExitCode()
		if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			d.exit.Signal = scenario.SignalName(status.Signal())
		}
	}
	close(d.exited) // only here: everybody who reads exit waits for this
}

// Exited is closed once the command has ended.
func (d *deployment) Exited() <-chan struct{} { return d.exited }

// Exit returns how it ended.
func (d *deployment) Exit() process.Exit { return d.exit }

// Kill ends the command and its process group.
func (d *deployment) Kill() error {
	err := syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// Stderr is empty: what the command writes goes where the operator said.
func (d *deployment) Stderr() []string { return nil }

// Close ends a command that still runs, which only an interrupt leaves so.
func (d *deployment) Close() {
	select {
	case <-d.exited:
	default:
		_ = d.Kill() // it may have ended just now
		<-d.exited
	}
}
