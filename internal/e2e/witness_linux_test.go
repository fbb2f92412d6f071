package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// readers are servers that log what they have read, in four languages' ways of doing
// so: raw sockets, net/http, node and Python. None of them drains.
func readers(t *testing.T) map[string][]string {
	dir := t.TempDir()
	raw := build(t, "readlog")
	writeFile(t, dir, "reads.js", `
const http = require('http'), fs = require('fs')
const log = fs.openSync(process.argv[3], 'a')
http.createServer((req, res) => {
  fs.writeSync(log, req.headers['x-lastcall-id'] + ' ' + Date.now() + '000000\n')
  setTimeout(() => res.end('ok\n'), 60)
}).listen(+process.argv[2], '127.0.0.1')`)
	writeFile(t, dir, "reads.py", `
import sys, time, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
log = open(sys.argv[2], 'ab', buffering=0)
class H(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        log.write(('%s %d\n' % (self.headers['X-Lastcall-Id'], time.time_ns())).encode())
        time.sleep(.06)
        self.send_response(200); self.send_header('Content-Length', '3'); self.end_headers(); self.wfile.write(b'ok\n')
    def log_message(self, *a): pass
class S(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
S(('127.0.0.1', int(sys.argv[1])), H).serve_forever()`)
	all := map[string][]string{
		"raw sockets":       {raw, "{port}", "LOG"},
		"raw sockets, lazy": {raw, "{port}", "LOG", "-lazy"},
		"net/http":          {raw, "{port}", "LOG", "-http"},
	}
	if installed("node") {
		all["node"] = []string{"node", filepath.Join(dir, "reads.js"), "{port}", "LOG"}
	}
	if installed("python3") {
		all["python"] = []string{"python3", filepath.Join(dir, "reads.py"), "{port}", "LOG"}
	}
	return all
}

// build builds a program of testdata.
func build(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", program, "./testdata/"+name).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return program
}

// TestHadEqualsReadLog: what the kernel shows as read the server had read, by its own
// log, and what it shows as unread it had not, for every request that was lost. With
// LASTCALL_LONG it is tried for longer, and beside a burner on every core.
func TestHadEqualsReadLog(t *testing.T) {
	shutdowns := "3"
	if os.Getenv("LASTCALL_LONG") != "" {
		shutdowns = "20"
	}
	busy := []bool{false}
	if os.Getenv("LASTCALL_LONG") != "" {
		busy = append(busy, true)
	}
	for _, burn := range busy {
		for name, command := range readers(t) {
			if burn {
				name += ", busy"
			}
			t.Run(name, func(t *testing.T) {
				if burn {
					burners(t)
				}
				dir := t.TempDir()
				log := filepath.Join(dir, "log")
				args := []string{"test", "--rate", "200", "--shutdowns", shutdowns, "--record", filepath.Join(dir, "histories"), "--report", "json", "--"}
				for _, word := range command {
					args = append(args, strings.ReplaceAll(word, "LOG", log))
				}
				out, _ := exec.CommandContext(t.Context(), lastcall, args...).Output() // the verdict does not matter
				if len(out) == 0 {
					t.Fatal("lastcall has written no report")
				}
				had, unread := compareWithLog(t, readLog(t, log), histories(t, filepath.Join(dir, "histories")))
				t.Logf("%d lost requests that were read, %d that were not", had, unread)
				if had == 0 {
					t.Error("no request was lost that had been read: nothing was put to the test")
				}
			})
		}
	}
}

// burners keep every core busy until the test ends.
func burners(t *testing.T) {
	for range runtime.NumCPU() {
		c := exec.Command("sh", "-c", "while :; do :; done")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	}
}

// readLog is when the server had read each request, by its id.
func readLog(t *testing.T, name string) map[string]time.Time {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := make(map[string]time.Time)
	for line := range strings.Lines(string(text)) {
		id, stamp, ok := strings.Cut(strings.TrimSpace(line), " ")
		ns, err := strconv.ParseInt(stamp, 10, 64)
		if ok && err == nil {
			at[id] = time.Unix(0, ns)
		}
	}
	return at
}

// compareWithLog counts the lost requests of which the kernel and the log agree. A
// log's own line may come later than the read by as long as the server's thread had no
// CPU: then the server died before it. It is never earlier.
func compareWithLog(t *testing.T, log map[string]time.Time, all []*history.History) (had, unread int) {
	missing := 0
	for _, h := range all {
		if !h.Kernel.Asked {
			t.Fatalf("the kernel was not asked: %s", h.Kernel.Missing)
		}
		kill := h.Looks[0] // the last look before the signal
		for _, l := range h.Looks {
			if l.At < h.Signal.Before {
				kill = l
			}
		}
		looked := func(at time.Duration) time.Time { return h.Header.Started.Add(at) }
		for i := range h.Requests {
			r := &h.Requests[i]
			if r.Outcome != history.Dropped {
				continue
			}
			read, logged := log[h.ID(r.Seq)]
			// Header.Started is rounded to a millisecond.
			before := logged && read.Before(looked(kill.At-time.Millisecond))
			switch {
			case r.Standing.Read():
				had++
				if !logged {
					missing++
				}
			case (r.Standing == history.Unread || r.Standing == history.Queued) && before:
				t.Errorf("request %d was %s at the signal, and the server had read it %s before", r.Seq, r.Standing, looked(kill.At).Sub(read))
			case r.Standing == history.Unread || r.Standing == history.Queued:
				unread++
			}
		}
	}
	// Between read(2) and the log's write(2) a server may die: one or two a shutdown.
	if missing > 2*len(all) && missing*20 > had {
		t.Errorf("the log has nothing of %d of %d requests that the kernel shows as read", missing, had)
	}
	return had, unread
}

// TestStoppedOurselves: a lastcall that is stopped for 400 ms in the middle of a
// shutdown blames no right server for it, and excuses no wrong one.
func TestStoppedOurselves(t *testing.T) {
	for strategy, never := range map[string]result.Verdict{"signal-notify": result.Fail, "naive": result.Pass} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			for _, after := range []time.Duration{1100 * time.Millisecond, 1300 * time.Millisecond, 1500 * time.Millisecond} {
				cmd := exec.CommandContext(t.Context(), lastcall, "compare", strategy, "--shutdowns", "1", "--rate", "200", "--report", "json")
				var out bytes.Buffer
				cmd.Stdout = &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(after) // about when the signal comes
				_ = cmd.Process.Signal(unix.SIGSTOP)
				time.Sleep(400 * time.Millisecond)
				_ = cmd.Process.Signal(unix.SIGCONT)
				_ = cmd.Wait()
				var s result.Suite
				if err := json.Unmarshal(out.Bytes(), &s); err != nil {
					t.Fatalf("%v\n%s", err, &out)
				}
				if got := s.Subjects[0]; got.Verdict == never {
					t.Errorf("stopped after %s: %s: %q", after, got.Verdict, got.Story)
				}
			}
		})
	}
}

// TestWithoutTheKernel: where a sandbox forbids the question, the times of the requests
// decide, and that is said.
func TestWithoutTheKernel(t *testing.T) {
	for strategy, want := range map[string]result.Verdict{"naive": result.Fail, "with-cancel": result.Fail, "signal-notify": result.Pass} {
		t.Run(strategy, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "TestMain", "--")
			cmd.Env = append(os.Environ(), sandboxed+"="+strings.Join([]string{lastcall, "compare", strategy, "--rate", "200", "--report", "json"}, "\n"))
			out, err := cmd.Output()
			var s result.Suite
			if e := json.Unmarshal(out, &s); e != nil {
				t.Fatalf("%v, %v\n%s", err, e, out)
			}
			got := s.Subjects[0]
			if got.Verdict != want && (want != result.Pass || got.Verdict == result.Fail) {
				t.Errorf("%s, want %s: %q", got.Verdict, want, got.Story)
			}
			if w := got.Details[0].Witness; w.Kernel || !strings.Contains(w.Missing, "operation not permitted") {
				t.Errorf("the witness is %+v", w)
			}
			if said := strings.Join(s.Warnings, "\n"); !strings.Contains(said, "only when each was sent") {
				t.Errorf("it is not said once: %q", said)
			}
		})
	}
}

// sandboxed carries the command that is executed where no netlink socket can be made.
const sandboxed = "LASTCALL_E2E_SANDBOXED"

// init executes such a command, if this program was started for it.
func init() {
	words := os.Getenv(sandboxed)
	if words == "" {
		return
	}
	os.Unsetenv(sandboxed)
	runtime.LockOSThread() // the filter is the thread's, and what it executes keeps it
	err := forbidDiagnosis()
	if err == nil {
		argv := strings.Split(words, "\n")
		err = syscall.Exec(argv[0], argv, os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}

// forbidDiagnosis lets socket(AF_NETLINK, ..., NETLINK_SOCK_DIAG) fail with EPERM
// (seccomp(2)), as sandboxes of containers do.
func forbidDiagnosis() error {
	const nr, args = 0, 16 // offsets in struct seccomp_data
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	unless := func(value uint32, skip uint8) unix.SockFilter { // else jump over as many
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: skip}
	}
	end := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	program := []unix.SockFilter{
		load(nr), unless(unix.SYS_SOCKET, 5),
		load(args), unless(unix.AF_NETLINK, 3),
		load(args + 16), unless(unix.NETLINK_SOCK_DIAG, 1),
		end(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)),
		end(unix.SECCOMP_RET_ALLOW),
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&filter)), 0, 0)
}
