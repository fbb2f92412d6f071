package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// playTree is what the processes of a tree do. Each that lives on says so to the
// test over a connection, whose end is its own: it ends with the test, and the
// test sees when it has ended.
func playTree(name, arg string) {
	switch name {
	case "stay":
		stay()
	case "babble": // is no supervisor
		os.NewFile(reportFD, "reports").WriteString("{}\n")
	case "work": // with as many workers in its group, and one that daemonised itself
		n, err := strconv.Atoi(arg)
		must(err)
		for range n {
			spawn("stay", false)
		}
		spawn("middle", true)
		fmt.Println("ready")
		stay()
	case "middle": // the first of two forks of a daemon
		spawn("stay", true)
	case "abandon": // a worker, which holds stdout and stderr
		spawn("stay", false)
		waitFor(arg)
		fmt.Println("ready", time.Now().UnixNano())
		os.Exit(3)
	case "daemon": // all that goes on is a daemon
		spawn("middle", true)
		waitFor(arg)
	case "chain": // a child that takes over, again and again; not for ever, for one may get away
		if os.Getenv(chainUntil) == "" {
			os.Setenv(chainUntil, strconv.FormatInt(time.Now().Add(20*time.Second).Unix(), 10))
		}
		if until, err := strconv.ParseInt(os.Getenv(chainUntil), 10, 64); err == nil && time.Now().Unix() < until {
			spawn("chain:"+arg, arg == "setsid")
		}
	case "closeout": // stdout ends, and it lives on
		os.Stdout.Close()
		stay()
	case "inside": // says how it finds the world
		must(json.NewEncoder(os.Stdout).Encode(lookAround()))
	case "listen", "inherit", "reuse":
		playServer(name, arg)
	default:
		playStarter(name, arg)
	}
}

// stay lives until the test ends it, or ends itself. It tells its PID, and each
// SIGUSR1 that comes.
func stay() {
	c := dial()
	came := make(chan os.Signal, 8) // buffered: signal.Notify never waits for a reader
	signal.Notify(came, syscall.SIGUSR1)
	fmt.Fprintln(c, os.Getpid())
	go func() {
		for range came {
			fmt.Fprintln(c, "usr1")
		}
	}()
	_, _ = io.Copy(io.Discard, c)
	os.Exit(orphaned)
}

// spawn starts a child that inherits stdout and stderr.
func spawn(role string, session bool, files ...*os.File) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"="+role)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
	must(cmd.Start())
	return cmd
}

// waitFor waits until the test has made the file.
func waitFor(path string) {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) { // between two looks
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(end) {
			must(fmt.Errorf("%s does not come", path))
		}
	}
}

// world is how a command finds it.
type world struct {
	PID, PPID, Group int
	Dir              string
	Args, Env        []string
	Files            map[string]string // by descriptor
	Ignored          string            // signals, as in /proc/self/status
}

func lookAround() world {
	dir, err := os.Getwd()
	must(err)
	w := world{os.Getpid(), os.Getppid(), syscall.Getpgrp(), dir, os.Args, os.Environ(), map[string]string{}, ""}
	fds, _ := filepath.Glob("/proc/self/fd/*") // the pattern is well formed
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil {
			w.Files[filepath.Base(fd)] = target
		}
	}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.SplitSeq(string(status), "\n") {
		if mask, ok := strings.CutPrefix(line, "SigIgn:\t"); ok {
			w.Ignored = mask
		}
	}
	return w
}

// playServer listens: with children that inherit the socket, or that listen on
// the same port.
func playServer(name, arg string) {
	switch name {
	case "listen":
		ln, err := net.Listen("tcp", arg)
		must(err)
		file, err := ln.(*net.TCPListener).File()
		must(err)
		for range 3 {
			spawn("inherit", false, file)
		}
		spawn("stay", false) // holds nothing
		fmt.Println("ready", ln.Addr())
	case "inherit":
	case "reuse":
		ln, err := (&net.ListenConfig{Control: reusePort}).Listen(context.Background(), "tcp", arg)
		must(err)
		fmt.Println("ready", ln.Addr())
	}
	stay()
}

// reusePort lets several sockets listen on one port.
func reusePort(_, _ string, c syscall.RawConn) error {
	var set error
	err := c.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	return errors.Join(err, set)
}

// playStarter is who starts a command, and is killed.
func playStarter(name, arg string) {
	switch name {
	case "starter": // plays lastcall
		p, err := Start(Command{Path: os.Args[0], Env: []string{envRole + "=" + arg}, Supervisor: ourSupervisor()})
		must(err)
		fmt.Println("ready", p.cmd.Process.Pid)
		waitForLifeline()
	case "alone": // without a supervisor, and without a lifeline
		_, err := Start(Command{Path: os.Args[0], Env: []string{envRole + "=" + arg}})
		must(err)
		fmt.Println("ready")
		waitForLifeline()
	case "nohup":
		signal.Ignore(syscall.SIGHUP)
		p, err := Start(Command{Path: os.Args[0], Env: []string{envRole + "=inside"}, Supervisor: ourSupervisor()})
		must(err)
		line, err := p.FirstLine(context.Background())
		must(err)
		p.Close()
		fmt.Println(line)
	default:
		playTracer(name, arg)
	}
}

// ourSupervisor is the test binary as one.
func ourSupervisor() []string { return []string{os.Args[0], supervise} }

// supervised starts a child under a supervisor. It is closed with the test.
func supervised(t *testing.T, role string, env ...string) *Process {
	t.Helper()
	c := child(role, env...)
	c.Lifeline, c.Supervisor = "", ourSupervisor()
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// both runs a test on a child of ours and on one under a supervisor.
func both(t *testing.T, test func(t *testing.T, start func(t *testing.T, role string, env ...string) *Process)) {
	t.Helper()
	t.Run("alone", func(t *testing.T) { test(t, start) })
	t.Run("supervised", func(t *testing.T) { test(t, supervised) })
}

// member is a process that plays "stay", as the test sees it.
type member struct {
	net.Conn
	pid   int
	lines *bufio.Reader
}

// acceptMembers waits until as many have said that they live.
func acceptMembers(t *testing.T, ln *net.TCPListener, n int) []member {
	t.Helper()
	members := make([]member, n)
	for i := range members {
		c := accept(t, ln)
		m := member{Conn: c, lines: bufio.NewReader(c)}
		m.pid, _ = strconv.Atoi(strings.TrimSpace(m.line(t)))
		if m.pid == 0 {
			t.Fatal("a member did not tell its PID")
		}
		members[i] = m
	}
	return members
}

// line waits for the next line that it writes.
func (m member) line(t *testing.T) string {
	t.Helper()
	if err := m.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	line, err := m.lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// by returns the member with that PID.
func by(t *testing.T, members []member, pid int) member {
	t.Helper()
	for _, m := range members {
		if m.pid == pid {
			return m
		}
	}
	t.Fatalf("process %d is no member", pid)
	return member{}
}

// pids returns the PIDs of the infos, in their order.
func pids(infos []Info) []int {
	list := make([]int, 0, len(infos))
	for _, i := range infos {
		list = append(list, i.PID)
	}
	return list
}

// eventually waits until it holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) { // between two looks
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

// chainUntil is when a chain of processes ends by itself, in seconds since 1970.
const chainUntil = "LASTCALL_TEST_UNTIL"
