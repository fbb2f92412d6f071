package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// envMark marks the processes of one run, however far they have got away.
const envMark = "LASTCALL_E2E_MARK"

// TestSIGKILLLeavesNothing kills lastcall in the middle of its load, ten times.
// The command under test has forked workers, one of them into a session of its
// own, and nobody is left to stop any of them.
func TestSIGKILLLeavesNothing(t *testing.T) {
	needs(t, "sh", "sleep", "setsid")
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("no /proc here: processes cannot be found by their environment")
	}
	for n := range 10 { // TestKills, in the step of what is slow, kills more of them
		mark := fmt.Sprintf("%d-%d-%d", os.Getpid(), n, time.Now().UnixNano())
		cmd := exec.Command(lastcall, "test", "--quiet", "--url", "/work?delay=100ms", "--", "sh", "-c",
			"sleep 300 & setsid sleep 300 & (setsid sleep 300 &) ; "+lastcall+" serve naive --request-log=false --addr 127.0.0.1:{port}; true")
		cmd.Env = append(os.Environ(), envMark+"="+mark)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if !eventually(20*time.Second, func() bool { return loaded(mark) }) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("try %d: the load did not begin; there are %v", n, marked(mark))
		}
		before := len(marked(mark))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed: that is the point
		if !eventually(time.Second, func() bool { return len(marked(mark)) == 0 }) {
			left := marked(mark)
			for pid := range left {
				if p, err := os.FindProcess(pid); err == nil {
					_ = p.Kill()
				}
			}
			t.Errorf("try %d: of %d processes these are left after a second: %v", n, before, left)
		}
	}
}

// eventually waits for a condition.
func eventually(patience time.Duration, holds func() bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if holds() {
			return true
		}
		time.Sleep(5 * time.Millisecond) // between two looks
	}
	return holds()
}

// marked returns the command lines of all processes with the mark.
func marked(mark string) map[int]string {
	found := make(map[int]string)
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		environ, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !bytes.Contains(environ, []byte(envMark+"="+mark+"\x00")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		found[pid] = string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
	}
	return found
}

var servesAt = regexp.MustCompile(`lastcall serve naive .*--addr 127\.0\.0\.1:(\d+) $`)

// loaded reports whether the command has its workers and the load has reached
// it: the server, the shell, three that sleep, the supervisor and lastcall.
func loaded(mark string) bool {
	all := marked(mark)
	if len(all) < 7 {
		return false
	}
	for _, line := range all {
		if m := servesAt.FindStringSubmatch(line); m != nil && !strings.HasPrefix(line, "sh ") && connections(m[1]) > 10 {
			return true
		}
	}
	return false
}

// connections counts the established connections to a local port.
func connections(port string) int {
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	const established = "01"
	local := ":" + strings.ToUpper(hex.EncodeToString([]byte{byte(n >> 8), byte(n)}))
	count := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && strings.HasSuffix(fields[1], local) && fields[3] == established {
			count++
		}
	}
	return count
}
