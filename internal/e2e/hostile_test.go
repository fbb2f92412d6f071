package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// envHostile is the program that the hostile servers start.
const envHostile = "LASTCALL_E2E_PROGRAM"

// outcome is how an attack may end.
type outcome struct {
	exits []int
	says  string // a regular expression for what is printed; "" is anything
}

// mostMemory is how much any process of an attacked run may have, in MiB.
const mostMemory = 256

// bounded is how a run of lastcall ended.
type bounded struct {
	code           int
	stdout, stderr string
}

// attacked runs lastcall to its end, and fails the test if that takes too long, takes too
// much memory, or leaves a process behind.
func attacked(t *testing.T, dir string, within time.Duration, args ...string) bounded {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	mark := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, lastcall, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, &stdout, &stderr, time.Second
	cmd.Env = append(os.Environ(), envMark+"="+mark, envHostile+"="+lastcall)
	_ = cmd.Run() // the exit code tells
	if ctx.Err() != nil {
		t.Errorf("it does not end within %s\nstdout:\n%s\nstderr:\n%s", within, &stdout, &stderr)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && runtime.GOOS == "linux" && usage.Maxrss > mostMemory<<10 {
		t.Errorf("it took %d MiB, want at most %d", usage.Maxrss>>10, mostMemory)
	}
	if !eventually(5*time.Second, func() bool { return len(marked(mark)) == 0 }) {
		left := marked(mark)
		for pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		t.Errorf("these are left: %v", left)
	}
	for _, broken := range []string{"panic:", "goroutine ", "this is a bug"} {
		if strings.Contains(stderr.String(), broken) {
			t.Errorf("lastcall broke:\n%s", &stderr)
		}
	}
	return bounded{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func (o outcome) check(t *testing.T, b bounded) {
	t.Helper()
	if !slices.Contains(o.exits, b.code) || !regexp.MustCompile(o.says).MatchString(b.stdout+b.stderr) {
		t.Errorf("exit code %d, want one of %v and %q\nstdout:\n%s\nstderr:\n%s", b.code, o.exits, o.says, b.stdout, b.stderr)
	}
}

// good is how the scripts below become a server that does nothing wrong.
const good = `exec "$` + envHostile + `" serve signal-notify --request-log=false --addr 127.0.0.1:$1`

var (
	anyVerdict = []int{exitPass, exitFail, exitInconclusive} // what matters is that it ends, in order
	unproved   = []int{exitInconclusive}
	notPassed  = []int{exitFail, exitInconclusive} // a busy machine may keep the fail open
)

// hostileServers are shell scripts, to which $1 is the port. Where the rude server is
// meant, they are its name.
var hostileServers = []struct {
	attack, script string
	outcome
}{
	{"the ledger becomes a FIFO", `(sleep 0.4; rm -f "$LASTCALL_LEDGER"; mkfifo "$LASTCALL_LEDGER") & ` + good, outcome{exits: unproved, says: "ledger"}},
	{"the ledger becomes a link to an endless device", `(sleep 0.4; ln -sf /dev/zero "$LASTCALL_LEDGER") & ` + good, outcome{exits: unproved, says: "ledger"}},
	{"the ledger becomes a file of 200 GB", `(sleep 0.4; rm -f "$LASTCALL_LEDGER"; truncate -s 200G "$LASTCALL_LEDGER") & ` + good, outcome{exits: unproved, says: "ledger"}},
	{"the ledger is full of garbage", `(sleep 0.4; head -c 5000000 /dev/urandom >>"$LASTCALL_LEDGER") & ` + good, outcome{exits: anyVerdict}},
	{"the ledger is removed", `(sleep 0.4; rm -f "$LASTCALL_LEDGER") & ` + good, outcome{exits: anyVerdict}},
	{"a flood on stdout without a line's end", `head -c 2000000000 /dev/zero & ` + good, outcome{exits: anyVerdict}},
	{"a flood on stderr without a line's end", `head -c 2000000000 /dev/zero >&2 & ` + good, outcome{exits: anyVerdict}},
	{"a flood in place of a server", `exec head -c 40000000000 /dev/zero`, outcome{exits: unproved, says: "ready"}},
	{"it never listens", `exec sleep 300`, outcome{exits: unproved, says: "ready"}},
	{"it kills its supervisor", `(sleep 0.5; kill -9 $PPID) & ` + good, outcome{exits: unproved}},
	{"a hundred children", `for i in $(seq 100); do sleep 300 & done; ` + good, outcome{exits: notPassed, says: "sleep"}},
	{"a child in a session of its own, twice forked", `(setsid sh -c 'sleep 300 & sleep 300' &) ; ` + good, outcome{exits: notPassed, says: "sleep"}},
	{"it ends at once", `exit 7`, outcome{exits: unproved, says: "7"}},
	{"garbage in place of an answer", "garbage", outcome{exits: unproved}},
	{"a head without an end", "head", outcome{exits: unproved}},
	{"a body without an end", "body", outcome{exits: notPassed}},
	{"a body of 8 EiB", "length", outcome{exits: notPassed}},
	{"100 Continue without an end", "hundreds", outcome{exits: notPassed}},
	{"a byte every 100 ms", "drip", outcome{exits: notPassed}},
}

// TestHostileServers: whatever a server does, lastcall comes to an end, holds its memory,
// leaves nothing behind, and calls nothing a pass that it did not see.
func TestHostileServers(t *testing.T) {
	needs(t, "sh", "sleep", "setsid", "mkfifo", "truncate", "head", "seq")
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("no /proc here: processes cannot be found by their environment")
	}
	rude := build(t, "rude")
	for _, c := range hostileServers {
		t.Run(c.attack, func(t *testing.T) {
			t.Parallel() // it waits, most of the time
			args := []string{
				"test", "--shutdowns", "1", "--rate", "100", "--min-at-risk", "1", "--ready-timeout", "2s",
				"--grace", "3s", "--url", "/work?delay=20ms", "--", "sh", "-c", c.script, "sh", "{port}",
			}
			if !strings.Contains(c.script, " ") { // it sends as fast as it can: a few requests are enough
				args = []string{"test", "--shutdowns", "1", "--rate", "20", "--timeout", "500ms", "--", rude, c.script, "{port}"}
			}
			c.check(t, attacked(t, t.TempDir(), 25*time.Second, args...))
		})
	}
}

// commandOfARunner is what GitHub's runner, Azure Pipelines and TeamCity obey in what a
// step prints.
var commandOfARunner = regexp.MustCompile(`(?m)^\s*::.*::|##\w*\[`)

// TestHostileWords: what a server says on stderr, and what it is called, gives no command
// to the CI system and to the terminal, in any format on standard output.
func TestHostileWords(t *testing.T) {
	needs(t, "sh")
	dir := t.TempDir()
	const name = "##[error]x/../..::add-mask::a"
	script := `printf '::add-mask::a\n##[error]pwned\n  ::stop-commands::t\n\033[2J\007##vso[task.complete]\n]]>\n::set-output name=x::y\n</pre>\n::error::z\n' >&2; ` +
		strings.Replace(good, "signal-notify", "naive", 1)
	ran := attacked(t, dir, 30*time.Second, "test", "--name", name, "--record", "histories", "--shutdowns", "1", "--rate", "200",
		"--url", "/work?delay=50ms", "--", "sh", "-c", script, "sh", "{port}")
	outcome{exits: notPassed}.check(t, ran)
	outputs := map[string]string{"test": ran.stdout, "the errors of test": ran.stderr}
	attackReport := func(args ...string) {
		key := strings.Join(args, " ")
		b := attacked(t, dir, 20*time.Second, args...)
		outputs[key], outputs["the errors of "+key] = b.stdout, b.stderr
		if b.stdout == "" {
			t.Errorf("%s prints nothing: %s", key, b.stderr)
		}
	}
	for _, format := range []string{"table", "json", "junit", "markdown", "html", "svg", "github"} {
		attackReport("report", "histories", "--report", format)
	}
	attacked(t, dir, 20*time.Second, "report", "histories", "--quiet", "--report", "json=a.json")
	for _, format := range []string{"table", "json", "markdown"} {
		attackReport("diff", "a.json", "a.json", "--report", format)
	}
	ours := regexp.MustCompile(`(?m)^::(?:error|warning|notice) title=[^:\n]*::`)
	for key, text := range outputs {
		if strings.HasSuffix(key, "--report github") {
			text = ours.ReplaceAllString(text, "")
		}
		if found := commandOfARunner.FindString(text); found != "" {
			t.Errorf("%s gives the command %q", key, found)
		}
		if strings.ContainsAny(text, "\x1b\a") {
			t.Errorf("%s has control characters", key)
		}
	}
	if !strings.Contains(outputs["report histories --report table"], "pwned") {
		t.Errorf("the words are not there:\n%s", outputs["report histories --report table"])
	}
}

// TestHostileNames: a name leads nowhere but into the directory of --record.
func TestHostileNames(t *testing.T) {
	for _, name := range []string{"../../precious", "team/api", ".hidden", strings.Repeat("n", 300)} {
		outer := t.TempDir()
		inner := filepath.Join(outer, "a", "b")
		precious := filepath.Join(outer, "precious-001.jsonl")
		if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		b := attacked(t, outer, 20*time.Second, "test", "--name", name, "--record", filepath.Join("a", "b"), "--shutdowns", "1", "--rate", "50", "--", "true")
		outcome{exits: unproved}.check(t, b)
		if text, err := os.ReadFile(precious); err != nil || string(text) != "precious" {
			t.Errorf("%q: what was outside is %q, %v", name, text, err)
		}
		if outside, err := os.ReadDir(outer); err != nil || len(outside) != 2 {
			t.Errorf("%q: outside there is %v, %v", name, outside, err)
		}
		found, err := filepath.Glob(filepath.Join(inner, "[a-z_]*-001.jsonl"))
		if err != nil || len(found) != 1 {
			t.Errorf("%q: recorded is %v, %v: %s", name, found, err, b.stderr)
		}
	}
}

// TestHostileInputs: whatever a file is, where one is read, comes to one line, at once.
func TestHostileInputs(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	for name, text := range map[string]string{
		"binary": strings.Repeat("\x00\xff\x1b[2J\a<", 100_000), "big": "", "empty": "",
		"deep": `{"schema":"lastcall/suite/v1","subjects":` + strings.Repeat("[", 1_000_000),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(big, 100<<20); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fifo", filepath.Join("d", "x.jsonl"), filepath.Join("d", "x.json")} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := []string{"--", lastcall, "serve", "signal-notify", "--addr", "127.0.0.1:{port}"}
	for _, input := range []string{"binary", "big", "deep", "d", "/dev/zero", "none"} {
		for _, c := range [][]string{
			{"test", "--file", input},
			{"test", "--requests", input},
			{"test", "--url", "https://127.0.0.1:{port}/", "--ca", input},
			{"test", "--baseline", input},
			{"test", "--record", filepath.Join(input, "none"), "--report", "json=" + filepath.Join(input, "none", "x")},
			{"diff", input, input},
			{"report", input},
			{"explain", input},
		} {
			refusedInOneLine(t, dir, server, c)
		}
	}
	for _, c := range [][]string{ // what is no mistake elsewhere
		{"test", "--body", "big"},
		{"test", "--body", "/dev/zero"},
		{"test", "--requests", "empty"},
		{"diff", "empty", "empty"},
		{"report", "fifo"},
		{"test", "--report", "json=fifo"},
		{"test", "--record", "fifo"},
		{"test", "--dir", "fifo"},
	} {
		refusedInOneLine(t, dir, server, c)
	}
}

// refusedInOneLine runs a command that must be refused before anything starts.
func refusedInOneLine(t *testing.T, dir string, server, args []string) {
	t.Helper()
	if args[0] == "test" {
		args = append(slices.Clone(args), server...)
	}
	b := attacked(t, dir, 10*time.Second, args...)
	line, rest, _ := strings.Cut(b.stderr, "\n")
	if b.code != exitUsage || b.stdout != "" || rest != "" || !strings.HasPrefix(line, "lastcall: ") || len(line) > 1000 || strings.ContainsAny(line, "\x1b\a\x00") {
		t.Errorf("%v: exit code %d, want %d, and one line on stderr\nstdout:\n%s\nstderr:\n%q", args, b.code, exitUsage, b.stdout, b.stderr[:min(len(b.stderr), 2000)])
	}
}
