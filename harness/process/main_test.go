package process

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lastcall/internal/testrun"
)

// The test binary is its own children: with envRole set it plays that role
// instead of running tests. So no shell and no other program is needed.
const (
	envRole     = "LASTCALL_TEST_ROLE"
	envAddr     = "LASTCALL_TEST_ADDR"     // where a role reports that it lives
	envLifeline = "LASTCALL_TEST_LIFELINE" // the lifeline's descriptor
	envRun      = "LASTCALL_TEST_RUN"      // marks all processes of one run of the tests
)

// supervise is the argument with which the test binary plays the supervisor.
const supervise = "supervise"

// followsDaemons says that what left its session and its parents is found again.
const followsDaemons = runtime.GOOS == "linux"

// patience bounds every wait. It is met only by what is broken.
const patience = 20 * time.Second

// orphaned is the exit code of a child whose lifeline ended.
const orphaned = 7

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == supervise { // before the role, which is the command's
		must(Supervise(os.Args[3:])) // after "--"
		return
	}
	if role := os.Getenv(envRole); role != "" {
		play(role)
		return
	}
	must(os.Setenv(envRun, fmt.Sprint(os.Getpid())))
	must(os.Setenv("GORACE", "atexit_sleep_ms=0")) // or every child would sleep for a second before it exits
	goleak.VerifyTestMain(tidy{m})
}

// tidy runs the tests and then demands that they left no process behind.
type tidy struct{ m *testing.M }

func (r tidy) Run() int {
	code := r.m.Run()
	mark := envRun + "=" + os.Getenv(envRun)
	left := marked(mark)
	for end := time.Now().Add(2 * time.Second); len(left) > 0 && time.Now().Before(end); left = marked(mark) {
		time.Sleep(10 * time.Millisecond) // what was killed last may need a moment
	}
	for _, pid := range left {
		fmt.Fprintf(os.Stderr, "the tests left process %s behind\n", info(pid))
		_ = syscall.Kill(pid, syscall.SIGKILL)
		code = 1
	}
	return code
}

// marked returns the living processes, beside us, that inherited a variable:
// name=value. Where there is no /proc it sees none.
func marked(mark string) []int {
	var pids []int
	environs, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is well formed
	for _, path := range environs {
		text, err := os.ReadFile(path)
		if err != nil || !slices.Contains(strings.Split(string(text), "\x00"), mark) {
			continue // gone meanwhile, or another's
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if r, ok := look(pid); err == nil && ok && r.lives && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// play is what a child does.
func play(role string) {
	name, arg, _ := strings.Cut(role, ":")
	switch name {
	case "exit": // with that code, after a ready line
		fmt.Println("ready")
		code, err := strconv.Atoi(arg)
		must(err)
		os.Exit(code)
	case "mute": // stdout ends without a line
	case "torn": // stdout ends within a line
		fmt.Print("rea")
	case "wait": // until the lifeline ends
		fmt.Println("ready", arg)
		waitForLifeline()
	case "chatter": // more than a pipe holds, after the ready line
		fmt.Println("ready")
		fmt.Print(strings.Repeat("x", 1<<20))
	case "flood": // so many MiB without a line's end, on stdout and on stderr
		n, err := strconv.Atoi(arg)
		must(err)
		much := bytes.Repeat([]byte("x"), 1<<20)
		for range n {
			_, err := os.Stdout.Write(much)
			must(err)
			_, err = os.Stderr.Write(much)
			must(err)
		}
	case "deaf": // SIGTERM does nothing
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		waitForLifeline()
	case "group": // says which process group it is in
		fmt.Println(os.Getpid(), syscall.Getpgrp())
	case "words": // on stderr
		speak()
	case "hold": // lives with stdout and stderr open until the lifeline ends, and says so
		defer dial().Close()
		waitForLifeline()
	case "leave": // a grandchild behind that holds stdout and stderr
		leave()
	case "parent": // starts a child of its own with a lifeline
		p, err := Start(child("hold"))
		must(err)
		fmt.Println("ready", p.PID())
		waitForLifeline()
	default:
		playTree(name, arg)
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
}

// waitForLifeline returns never: the process exits when its lifeline ends.
func waitForLifeline() {
	fd, err := strconv.Atoi(os.Getenv(envLifeline))
	must(err)
	_, err = io.Copy(io.Discard, os.NewFile(uintptr(fd), "lifeline"))
	must(err)
	os.Exit(orphaned)
}

// dial connects to the test. The connection ends with the process, whoever its
// parent is by then.
func dial() net.Conn {
	c, err := net.Dial("tcp", os.Getenv(envAddr))
	must(err)
	return c
}

// leave starts a grandchild that inherits stdout, stderr and the lifeline, and
// exits.
func leave() {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"=hold")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{os.NewFile(lifelineFD, "lifeline")}
	must(cmd.Start())
	fmt.Println("ready")
	os.Exit(3)
}

// speak writes to stderr what TestStderrTail expects.
func speak() {
	for i := range 100 {
		fmt.Fprintf(os.Stderr, "line %d\n", i)
	}
	fmt.Fprintf(os.Stderr, "%s\r\n", strings.Repeat("a", 10*tailWidth))
	fmt.Fprintf(os.Stderr, "%s\n", strings.Repeat("b", tailWidth))
	fmt.Fprint(os.Stderr, "without an end")
}

// child returns the command that plays the role, with a lifeline.
func child(role string, env ...string) Command {
	return Command{Path: os.Args[0], Env: append(env, envRole+"="+role), Lifeline: envLifeline}
}

// start starts a child that is closed with the test.
func start(t *testing.T, role string, env ...string) *Process {
	t.Helper()
	testrun.NotShort(t)
	p, err := Start(child(role, env...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// ready starts a child and waits for its ready line.
func ready(t *testing.T, role string, env ...string) *Process {
	t.Helper()
	p := start(t, role, env...)
	if line := firstLine(t, p); !strings.HasPrefix(line, "ready") {
		t.Fatalf("its first line is %q", line)
	}
	return p
}

func firstLine(t *testing.T, p *Process) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	line, err := p.FirstLine(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// exit waits for the exit and returns it.
func exit(t *testing.T, p *Process) Exit {
	t.Helper()
	within(t, "the exit", p.Exited())
	return p.Exit()
}

// within waits for a channel to be closed, or to have something.
func within[T any](t *testing.T, what string, c <-chan T) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c:
	case <-timer.C:
		t.Fatalf("%s did not come within %s", what, patience)
	}
}

// listen is where a process that plays "hold" reports that it lives.
func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// accept waits for that report. The connection ends when the process does.
func accept(t *testing.T, ln *net.TCPListener) net.Conn {
	t.Helper()
	if err := ln.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// gone waits until the process at the other end has ended.
func gone(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil && !isReset(err) {
		t.Fatalf("the process still lives: %v", err)
	}
}
