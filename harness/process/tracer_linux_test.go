package process

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// playTracer makes a process stand still as it dies. It lets it go on when it
// ends itself.
func playTracer(name, arg string) {
	if name != "trace" {
		playStray(name, arg)
		return
	}
	pid, err := strconv.Atoi(arg)
	must(err)
	runtime.LockOSThread() // the kernel takes the thread for the tracer
	if _, _, errno := syscall.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(pid), 0, unix.PTRACE_O_TRACEEXIT, 0, 0); errno != 0 {
		fmt.Println("refused:", errno)
	} else {
		fmt.Println("ready")
	}
	waitForLifeline()
}

// startTracer starts a tracer of the process, of all its threads.
func startTracer(t *testing.T, pid int) *Process {
	t.Helper()
	tracer := start(t, fmt.Sprintf("trace:%d", pid))
	if line := firstLine(t, tracer); strings.HasPrefix(line, "refused") {
		t.Skipf("no process can be made unkillable here: ptrace is %s", line)
	}
	return tracer
}
