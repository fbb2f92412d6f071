package targets

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"lastcall/harness/ledger"
	"lastcall/internal/testrun"
)

const (
	// envStrategy makes the test binary a server with that strategy.
	envStrategy = "LASTCALL_TEST_STRATEGY"
	// envFileSize limits the size of the files that such a server may write.
	envFileSize = "LASTCALL_TEST_FILE_SIZE"
	// envH2C makes it speak HTTP/2 too.
	envH2C = "LASTCALL_TEST_H2C"
)

// patience bounds every wait on a condition. It is long because the machine may
// be busy; a condition that holds is seen at once.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	if name := os.Getenv(envStrategy); name != "" {
		os.Exit(serveStrategy(name))
	}
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) { // its preset
		// The tests of processes wait more than they work.
		if err := flag.Set("test.parallel", "12"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// serveStrategy does what lastcall serve does.
func serveStrategy(name string) int {
	if text := os.Getenv(envFileSize); text != "" {
		size, err := strconv.ParseUint(text, 10, 64)
		if err == nil {
			err = unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: size})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "limit the file size:", err)
			return 70
		}
	}
	s, ok := ByName(name)
	if !ok {
		fmt.Fprintln(os.Stderr, "no such strategy:", name)
		return 71
	}
	if err := Serve(s, Options{Addr: "127.0.0.1:0", H2C: os.Getenv(envH2C) != ""}, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// server is a strategy in a process of its own.
type server struct {
	t        *testing.T
	cmd      *exec.Cmd
	dir      string // for its files
	addr     string
	lifeline *os.File
	exited   chan struct{} // closed after its exit, which cmd.ProcessState tells
}

// launch starts a strategy's process, without waiting for anything. It keeps a
// ledger and a store in the server's directory, unless env says otherwise.
func launch(t *testing.T, strategy string, env ...string) *server {
	t.Helper()
	testrun.NotShort(t)
	s := &server{t: t, dir: t.TempDir(), exited: make(chan struct{})}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(program)
	s.cmd.Env = append(os.Environ(),
		"GORACE=atexit_sleep_ms=0", // else the race detector lets an exit take a second
		envStrategy+"="+strategy, EnvLifeline+"=3", EnvLag+"=0s",
		ledger.EnvPath+"="+s.path("ledger"), EnvStore+"="+s.path("orders.db"))
	s.cmd.Env = append(s.cmd.Env, env...)
	// Files and not pipes: a successor holds them open for longer than the
	// server lives.
	stdout, stderr := create(t, s.path("stdout")), create(t, s.path("stderr"))
	defer stdout.Close()
	defer stderr.Close()
	s.cmd.Stdout, s.cmd.Stderr = stdout, stderr
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	s.lifeline, s.cmd.ExtraFiles = ours, []*os.File{theirs}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait() // the state tells
		close(s.exited)
	}()
	t.Cleanup(s.end)
	return s
}

// end ends the process, and its successors by the lifeline.
func (s *server) end() {
	s.lifeline.Close()
	_ = s.cmd.Process.Kill() // most have exited by now
	<-s.exited
	if s.t.Failed() {
		s.t.Logf("stderr of the server:\n%s", s.read("stderr"))
	}
}

// boot starts a strategy's process and waits until it is ready.
func boot(t *testing.T, strategy string, env ...string) *server {
	t.Helper()
	s := launch(t, strategy, env...)
	s.until("the ready line", func() bool {
		select {
		case <-s.exited:
			t.Fatalf("%s exited before it was ready: %s\n%s", strategy, s.cmd.ProcessState, s.read("stderr"))
		default:
		}
		return strings.Contains(s.read("stdout"), "\n")
	})
	var ready Ready
	if err := json.Unmarshal([]byte(s.read("stdout")), &ready); err != nil {
		t.Fatalf("ready line %q: %v", s.read("stdout"), err)
	}
	if ready.Strategy != strategy || ready.PID != s.cmd.Process.Pid {
		t.Errorf("ready line %+v; want %s, %d", ready, strategy, s.cmd.Process.Pid)
	}
	s.addr = ready.Addr
	return s
}

func create(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (s *server) path(name string) string { return filepath.Join(s.dir, name) }

// read returns what a file of the server holds, "" if there is none.
func (s *server) read(name string) string {
	text, err := os.ReadFile(s.path(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	return string(text)
}

// until waits for a condition.
func (s *server) until(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s did not come within %s\nstderr:\n%s", what, patience, s.read("stderr"))
		}
	}
}

// reply is what became of a request.
type reply struct {
	status int // 0: dropped without a whole answer
	header http.Header
	body   string
	err    error
}

// String returns the status, or "cut".
func (r reply) String() string {
	if r.err != nil {
		return "cut"
	}
	return strconv.Itoa(r.status)
}

// ask sends a request on a connection of its own.
func (s *server) ask(method, path, id, body string) reply {
	req, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	if id != "" {
		req.Header.Set(ledger.HeaderID, id)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(text), err}
}

// inFlight sends a request and returns when the server has it. What becomes of
// it comes on the channel.
func (s *server) inFlight(method, path, id, body string) <-chan reply {
	s.t.Helper()
	answered := make(chan reply, 1)
	go func() { answered <- s.ask(method, path, id, body) }()
	s.until("the request "+id, func() bool { return strings.Contains(s.read("ledger"), id+" "+ledger.Received+"\n") })
	return answered
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// refuses waits until nobody listens any more.
func (s *server) refuses() {
	s.t.Helper()
	s.until("the close of the listener", func() bool {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

// exit waits for the end of the process and returns its code, or the signal
// that ended it.
func (s *server) exit() string {
	s.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.exited:
	case <-timer.C:
		s.t.Fatalf("it has not exited after %s\nstderr:\n%s", patience, s.read("stderr"))
	}
	if status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return unix.SignalName(status.Signal())
	}
	return strconv.Itoa(s.cmd.ProcessState.ExitCode())
}

// stays reports whether the process lives for a while longer.
func (s *server) stays(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.exited:
		return false
	case <-timer.C:
		return true
	}
}

// facts returns what the ledger says of a request, in order.
func (s *server) facts(id string) (facts []string) {
	var lines []ledger.Line
	_, err := ledger.Parse(bytes.NewReader([]byte(s.read("ledger"))), func(l ledger.Line) { lines = append(lines, l) })
	if err != nil {
		s.t.Fatal(err)
	}
	for _, line := range lines {
		if line.ID == id {
			facts = append(facts, line.Fact)
		}
	}
	return facts
}
