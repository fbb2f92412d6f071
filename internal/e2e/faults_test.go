package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lastcall/harness/check"
	"lastcall/harness/result"
)

// sample is the command line of a gate for lastcall's own sample.
func sample(strategy string, flags ...string) []string {
	args := append([]string{"test", "--url", "/work?delay=100ms"}, flags...)
	return append(args, "--", lastcall, "serve", strategy, "--request-log=false", "--addr", "127.0.0.1:{port}")
}

// TestOutOfDescriptors takes lastcall's descriptors away in the middle of its
// load: what it cannot send proves nothing, and it says what to set.
func TestOutOfDescriptors(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("no /proc here: descriptors cannot be counted")
	}
	// The warm-up is long: the descriptors must be gone before the signal comes, however
	// late this test looks.
	scenario := filepath.Join(t.TempDir(), "long.yaml")
	if err := os.WriteFile(scenario, []byte("name: long\nload: {rate: 500, warm-up: 5s, connections: fresh}\nshutdowns: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(lastcall, sample("signal-notify", "-f", scenario)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }() // it mostly has ended
	open := func() int {
		entries, _ := os.ReadDir(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "fd"))
		return len(entries)
	}
	if !eventually(20*time.Second, func() bool { return open() > 40 }) {
		t.Fatal("the load did not begin")
	}
	limit := unix.Rlimit{Cur: 30, Max: 30}
	if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(60 * time.Second):
		t.Fatal("it does not end")
	}
	if code := cmd.ProcessState.ExitCode(); code != exitInconclusive {
		t.Errorf("exit code %d, want %d\n%s%s", code, exitInconclusive, &stdout, &stderr)
	}
	if !strings.Contains(stdout.String(), "ulimit -n") {
		t.Errorf("nothing says what to set:\n%s", &stdout)
	}
}

// TestFullDisk: a report that finds no room is an error, and nothing half written
// appears under its name. The others are written.
func TestFullDisk(t *testing.T) {
	small, large := smallDisk(t, "4k"), t.TempDir()
	report, other := filepath.Join(small, "report.json"), filepath.Join(large, "report.xml")
	var stderr bytes.Buffer
	cmd := exec.Command(lastcall, sample("naive", "--shutdowns", "1", "--quiet", "--report", "json="+report, "--report", "junit="+other)...)
	cmd.Stderr = &stderr
	_ = cmd.Run() // the exit code tells
	if code := cmd.ProcessState.ExitCode(); code != exitInconclusive || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("exit code %d, want %d: %s", code, exitInconclusive, &stderr)
	}
	if left, err := os.ReadDir(small); err != nil || len(left) > 0 {
		t.Errorf("on the full disk there is %v, %v", left, err)
	}
	if info, err := os.Stat(other); err != nil || info.Size() == 0 {
		t.Errorf("the other report: %v", err)
	}
}

// smallDisk mounts a directory with so much room.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("not root: no small disk can be made")
		}
		t.Skip("not root: no small disk can be made")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no small disk can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullDiskWhileFlushing fills the disk as the drain begins: what is in the
// queue then is acknowledged, and finds no room.
func TestFullDiskWhileFlushing(t *testing.T) {
	fault := storeFault{
		strategy: "drain", url: queuedOrders, strike: fillDisk, exit: 1, readable: true,
		verdict: result.Fail, rule: check.NoLostAck, status: result.Violated,
		says: []string{"acknowledged orders are lost", "database or disk is full", "Their clients were told that it was done"},
	}
	fault.run(t, func() string { return smallDisk(t, "16m") })
}

// fillDisk leaves no room on the disk of the store.
func fillDisk(t *testing.T, store string) {
	t.Helper()
	file, err := os.Create(filepath.Join(filepath.Dir(store), "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for chunk := make([]byte, 4<<10); err == nil; {
		_, err = file.Write(chunk)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Error(err)
	}
}

// TestGoRun: the go command passes no signal on (golang/go #54868), which is the
// commonest first mistake of somebody who tests a Go server.
func TestGoRun(t *testing.T) {
	t.Parallel() // it waits, most of the time
	dir := t.TempDir()
	writeFile(t, dir, "go.mod", "module example\n\ngo 1.26\n")
	writeFile(t, dir, "main.go", `package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(100 * time.Millisecond)
	})}
	go server.ListenAndServe()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	server.Shutdown(context.Background())
}
`)
	s := suite(t, exitFail, "test", "--rate", "200", "--shutdowns", "1", "--ready-timeout", "60s", "--dir", dir, "--", "go", "run", ".")
	wantUndelivered(t, s.Subjects[0], "go run", "exe/example", "go build")
	if s.Subjects[0].Verdict != result.Fail {
		t.Errorf("verdict %s", s.Subjects[0].Verdict)
	}
}
