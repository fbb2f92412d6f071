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

// hostileServers are shell scripts, to which $1 is the port.
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
}

// rudeAnswers are what a server answers to every request, as Go strings: once, or again
// and again where the flags say so.
var rudeAnswers = []struct {
	attack string
	flags  []string
	answer []string
	slow   bool // a relative of one that is not
	outcome
}{
	{"garbage without an end", []string{"-flood"}, []string{``, `\x00\xff\x1b[2J<>`}, false, outcome{exits: unproved}},
	{"a head without an end", []string{"-flood"}, []string{`HTTP/1.1 200 OK\r\n`, `X-More: more\r\n`}, false, outcome{exits: unproved}},
	{"a body without an end", []string{"-flood"}, []string{`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`, `8\r\nxxxxxxxx\r\n`}, false, outcome{exits: notPassed}},
	{"a body of 8 EiB", []string{"-flood"}, []string{`HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n`, `x`}, false, outcome{exits: notPassed}},
	{"100 Continue without an end", []string{"-flood"}, []string{``, `HTTP/1.1 100 Continue\r\n\r\n`}, false, outcome{exits: notPassed}},
	{"a byte every 100 ms", []string{"-drip"}, []string{`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx`}, false, outcome{exits: notPassed}},
	{"nothing", nil, []string{``}, true, outcome{exits: unproved}},
	{"an alert of TLS", nil, []string{`\x15\x03\x01\x00\x02\x02\x46`}, true, outcome{exits: unproved}},
	{"a handshake of TLS", []string{"-flood"}, []string{``, `\x16\x03\x03\x40\x00`}, true, outcome{exits: unproved}},
	{"the preface of HTTP/2", nil, []string{`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`}, true, outcome{exits: unproved}},
	{"settings of HTTP/2", nil, []string{`\x00\x00\x00\x04\x00\x00\x00\x00\x00`}, true, outcome{exits: unproved}},
	{"HTTP/0.9", nil, []string{`hello`}, true, outcome{exits: unproved}},
	{"HTTP/9.9", nil, []string{`HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: notPassed}},
	{"SSH", nil, []string{`SSH-2.0-OpenSSH_9.9\r\n`}, true, outcome{exits: unproved}},
	{"the status 000", nil, []string{`HTTP/1.1 000 None\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: notPassed}},
	{"the status 999", nil, []string{`HTTP/1.1 999 Much\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: notPassed}},
	{"the status 99999999999", nil, []string{`HTTP/1.1 99999999999 Much\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: unproved}},
	{"a negative status", nil, []string{`HTTP/1.1 -20 OK\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: unproved}},
	{"a reason that clears the screen", nil, []string{`HTTP/1.1 500 \x1b[2J\x07::error::x\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: unproved}},
	{"a negative length", nil, []string{`HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok`}, true, outcome{exits: unproved}},
	{"two lengths", nil, []string{`HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok`}, true, outcome{exits: unproved}},
	{"a length of 2^70", nil, []string{`HTTP/1.1 200 OK\r\nContent-Length: 1180591620717411303424\r\n\r\nok`}, true, outcome{exits: unproved}},
	{"a length of words", nil, []string{`HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok`}, true, outcome{exits: unproved}},
	{"less than its length", nil, []string{`HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok`}, true, outcome{exits: unproved}},
	{"more than its length", nil, []string{`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more`}, true, outcome{exits: anyVerdict}},
	{"a chunk of 2^63", nil, []string{`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\nok`}, true, outcome{exits: unproved}},
	{"a chunk of words", nil, []string{`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\nok`}, true, outcome{exits: unproved}},
	{"a chunk of less than nothing", nil, []string{`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nok`}, true, outcome{exits: unproved}},
	{"a chunk without its end", nil, []string{`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok`}, true, outcome{exits: unproved}},
	{"a chunk's extension without an end", []string{"-flood"}, []string{`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;`, `x=y;`}, true, outcome{exits: notPassed}},
	{"trailers without an end", []string{"-flood"}, []string{`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n`, `X-More: more\r\n`}, true, outcome{exits: notPassed}},
	{"a header's value without an end", []string{"-flood"}, []string{`HTTP/1.1 200 OK\r\nX-More: `, `more`}, true, outcome{exits: unproved}},
	{"a header without a colon", nil, []string{`HTTP/1.1 200 OK\r\nContent-Length 2\r\n\r\nok`}, true, outcome{exits: unproved}},
	{"a header without a name", nil, []string{`HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: anyVerdict}},
	{"NUL in a header", nil, []string{`HTTP/1.1 200 OK\r\nX-More: a\x00b\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: anyVerdict}},
	{"a CR alone", nil, []string{`HTTP/1.1 200 OK\rContent-Length: 2\r\rok`}, true, outcome{exits: unproved}},
	{"an LF alone", nil, []string{`HTTP/1.1 200 OK\nContent-Length: 2\n\nok`}, true, outcome{exits: anyVerdict}},
	{"folded lines", nil, []string{`HTTP/1.1 200 OK\r\nX-More: a\r\n b\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: anyVerdict}},
	{"a length and chunks", nil, []string{`HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`}, true, outcome{exits: anyVerdict}},
	{"a coding that does not exist", nil, []string{`HTTP/1.1 200 OK\r\nTransfer-Encoding: magic\r\n\r\nok`}, true, outcome{exits: anyVerdict}},
	{"gzip that is not", nil, []string{`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: anyVerdict}},
	{"101 without a question", nil, []string{`HTTP/1.1 101 Switching Protocols\r\nUpgrade: chess\r\nConnection: Upgrade\r\n\r\n`}, true, outcome{exits: notPassed}},
	{"103 without an end", []string{"-flood"}, []string{``, `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n`}, true, outcome{exits: notPassed}},
	{"204 with a body", nil, []string{`HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok`}, true, outcome{exits: anyVerdict}},
	{"two answers", nil, []string{`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno`}, true, outcome{exits: anyVerdict}},
	{"a redirect to itself", nil, []string{`HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n`}, true, outcome{exits: anyVerdict}},
	{"a redirect to another port", nil, []string{`HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n`}, true, outcome{exits: anyVerdict}},
}

// TestHostileServers: whatever a server does, lastcall comes to an end, holds its memory,
// leaves nothing behind, and calls nothing a pass that it did not see.
func TestHostileServers(t *testing.T) {
	needs(t, "sh", "sleep", "setsid", "mkfifo", "truncate", "head", "seq")
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("no /proc here: processes cannot be found by their environment")
	}
	for _, c := range hostileServers {
		t.Run(c.attack, func(t *testing.T) {
			t.Parallel() // it waits, most of the time
			c.check(t, attacked(t, t.TempDir(), 25*time.Second,
				"test", "--shutdowns", "1", "--rate", "100", "--min-at-risk", "1", "--ready-timeout", "2s",
				"--grace", "3s", "--url", "/work?delay=20ms", "--", "sh", "-c", c.script, "sh", "{port}"))
		})
	}
	rude := build(t, "rude")
	for _, c := range rudeAnswers {
		t.Run(c.attack, func(t *testing.T) {
			if c.slow {
				onlySlow(t)
			}
			t.Parallel()                                                                                   // see above
			args := []string{"test", "--shutdowns", "1", "--rate", "20", "--timeout", "500ms", "--", rude} // it sends as fast as it can: a few requests are enough
			args = append(append(append(args, c.flags...), c.answer...), "{port}")
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
