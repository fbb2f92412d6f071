package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSIGKILLInABrake kills lastcall while the server that it probes is stopped.
// We are a subreaper of the same session, as a service manager or a CI agent can
// be: the kernel continues nothing then, and what is stopped reads no lifeline.
func TestSIGKILLInABrake(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
	const probe = "accept/backlog"
	for name, subject := range map[string][]string{
		"strategy": {"signal-notify"},
		"command":  {"--", lastcall, "serve", "signal-notify", "--request-log=false", "--addr", "127.0.0.1:{port}"},
	} {
		t.Run(name, func(t *testing.T) {
			mark := fmt.Sprintf("%d-%s-%d", os.Getpid(), name, time.Now().UnixNano())
			cmd := exec.Command(lastcall, append([]string{"probe", probe, "--quiet", "--repeats", "100"}, subject...)...)
			cmd.Env = append(os.Environ(), envMark+"="+mark)
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// Who is seen to be stopped may be released before we act, so lastcall is
			// stopped too, and they are looked at again.
			held := eventually(20*time.Second, func() bool {
				if len(braked(mark, cmd.Process.Pid)) == 0 {
					return false
				}
				if cmd.Process.Signal(syscall.SIGSTOP) != nil {
					return false
				}
				if eventually(time.Second, func() bool { return inStateT(cmd.Process.Pid) }) && len(braked(mark, cmd.Process.Pid)) > 0 {
					return true
				}
				_ = cmd.Process.Signal(syscall.SIGCONT)
				return false
			})
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed: that is the point
			if !held {
				t.Errorf("no server was seen stopped; lastcall said %q", &said)
			}
			if !eventually(2*time.Second, func() bool { return len(marked(mark)) == 0 }) {
				left := marked(mark)
				t.Errorf("left behind: %v", left)
				for pid := range left {
					_ = syscall.Kill(pid, syscall.SIGKILL) // they are ours: we are their parent now
				}
			}
			reapAdopted()
		})
	}
}

// braked returns the marked processes, beside one, that are stopped.
func braked(mark string, beside int) (pids []int) {
	for pid := range marked(mark) {
		if pid != beside && inStateT(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// inStateT reports whether a signal has stopped a process.
func inStateT(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	end := bytes.LastIndexByte(text, ')') // of the name, which can hold anything
	return err == nil && end >= 0 && end+2 < len(text) && text[end+2] == 'T'
}

// reapAdopted waits for what has ended and was left to us. No test of this package
// has a child of its own at this point: they run one after the other.
func reapAdopted() {
	for {
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || pid <= 0 {
			return
		}
	}
}
