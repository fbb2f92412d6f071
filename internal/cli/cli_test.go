package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"

	"lastcall/harness/scenario"
	"lastcall/internal/testrun"
)

// envStarts names a file to which every lastcall of a script adds its command
// line as it starts. It tells whether a refused command started anything, and
// it marks the processes of one script among all others.
const envStarts = testrun.EnvMark

// patience bounds every wait on a condition. It is long because the machine may
// be busy; a condition that holds is seen at once.
const patience = 20 * time.Second

var update = flag.Bool("update", false, "write the goldens in testdata anew")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lastcall": func() {
		noteStart()
		os.Exit(Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}})
}

func noteStart() {
	path := os.Getenv(envStarts)
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(file, "%s\n", strings.Join(os.Args, " "))
	}
	if err != nil {
		panic(err)
	}
}

func TestScripts(t *testing.T) {
	testrun.NotShort(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Condition:           condition,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"refuses":   cmdRefuses,
			"exits":     cmdExits,
			"start":     cmdStart,
			"term":      cmdTerm,
			"signal":    cmdSignal,
			"ended":     cmdEnded,
			"waitfor":   cmdWaitFor,
			"nochild":   cmdNoChild,
			"get":       cmdGet,
			"histories": cmdHistories,
			"truncate":  cmdTruncate,
			"fifo":      cmdFifo,
			"field":     cmdField,
			"validates": cmdValidates,
		},
	})
}

type key string

// scriptT is the script as a test, which can be skipped.
const scriptT key = "t"

// jobs are the background processes of one script, by name.
const jobs key = "jobs"

func setUp(env *testscript.Env) error {
	// Beside the work directory, which refuses compares before and after.
	starts := env.WorkDir + ".starts"
	env.Defer(func() {
		for pid := range testrun.Family(starts) { // only a script that failed leaves one
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		os.Remove(starts)
	})
	env.Setenv(envStarts, starts)
	env.Setenv("NO_COLOR", "")
	env.Setenv("TERM", "xterm")
	env.Setenv(envSummary, "") // a script is no step of the job that tests us
	env.Values[scriptT] = env.T()
	env.Values[jobs] = map[string]*job{}
	return os.WriteFile(starts, nil, 0o600)
}

func condition(name string) (bool, error) {
	if name == "proc" { // /proc shows the environment of processes
		return testrun.HasProc(), nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// lastcall prepares a run of the command under test.
func lastcall(ts *testscript.TestScript, args ...string) *exec.Cmd {
	path, err := exec.LookPath("lastcall") // where testscript.Main put it
	ts.Check(err)
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), envSummary+"="+ts.Getenv(envSummary))
	for _, name := range []string{envStarts, "NO_COLOR", "TERM", "HOME", "TMPDIR", "PATH", "DISPLAY", "SEEN", "LASTCALL_LIFELINE", "LASTCALL_STORE", "LASTCALL_LAG"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	return cmd
}

func exitOf(ts *testscript.TestScript, err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// cmdExits runs lastcall and demands an exit code: exits CODE[|CODE][:PATTERN] ARGS... A
// run that should have a verdict and has none is run again: inconclusive means that. So
// is one that has none for another reason than the pattern, which its output must match.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	codes, pattern, _ := strings.Cut(args[0], ":")
	want := strings.Split(codes, "|") // where the machine decides which it is
	reason := regexp.MustCompile(pattern)
	what := "lastcall " + strings.Join(args[1:], " ")
	for try := 1; ; try++ {
		var out, stderr strings.Builder
		cmd := lastcall(ts, args[1:]...)
		cmd.Stdout, cmd.Stderr = &out, &stderr
		got := strconv.Itoa(exitOf(ts, cmd.Run()))
		if slices.Contains(want, got) && reason.MatchString(out.String()) {
			io.WriteString(ts.Stdout(), out.String())
			io.WriteString(ts.Stderr(), stderr.String())
			return
		}
		if got != "3" || !testrun.Again(ts.Value(scriptT).(testscript.T), try) {
			ts.Fatalf("%s exits %s, want %s, in try %d\n%s%s", what, got, args[0], try, &out, &stderr)
		}
		ts.Logf("%s exits %s, want %s: once more\n%s%s", what, got, args[0], &out, &stderr)
		if at := slices.Index(args, "--record"); at >= 0 { // a directory of histories holds one run
			ts.Check(os.RemoveAll(ts.MkAbs(args[at+1])))
		}
	}
}

// cmdRefuses runs lastcall with something wrong: refuses PATTERN ARGS... It
// demands exit code 2, one line on stderr that matches, nothing on stdout, no
// process started, and not one file made, changed or removed.
func cmdRefuses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: refuses PATTERN ARGS...")
	}
	pattern := regexp.MustCompile(args[0])
	before, started := tree(ts), starts(ts)
	var out, stderr strings.Builder
	cmd := lastcall(ts, args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &stderr
	code := exitOf(ts, cmd.Run())
	what := "lastcall " + strings.Join(args[1:], " ")
	said := stderr.String()
	switch {
	case code != exitUsage:
		ts.Fatalf("%s: exit code %d, want %d\n%s", what, code, exitUsage, said)
	case strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "lastcall: ") || !strings.HasSuffix(said, "\n"):
		ts.Fatalf("%s: want one line on stderr that begins with lastcall:, got %q", what, said)
	case !pattern.MatchString(said):
		ts.Fatalf("%s: said %q, want a match of %q", what, said, args[0])
	case out.Len() > 0:
		ts.Fatalf("%s: wrote to stdout: %q", what, out.String())
	case starts(ts) != started+1: // its own
		ts.Fatalf("%s: started %d processes beside itself", what, starts(ts)-started-1)
	}
	if after := tree(ts); after != before {
		ts.Fatalf("%s: changed files\nbefore:\n%s\nafter:\n%s", what, before, after)
	}
}

// starts returns how many lastcall processes the script has started.
func starts(ts *testscript.TestScript) int {
	return strings.Count(ts.ReadFile(ts.Getenv(envStarts)), "\n")
}

// tree renders every file of the work directory, with what it holds.
func tree(ts *testscript.TestScript) string {
	var b strings.Builder
	ts.Check(filepath.WalkDir(ts.Getenv("WORK"), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s", path, d.Type())
		if d.Type().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", text)
		}
		b.WriteString("\n")
		return nil
	}))
	return b.String()
}

// job is a lastcall in the background. Its stdout and stderr are the files
// NAME.out and NAME.err.
type job struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // of its end, valid once done is closed
}

// cmdStart starts lastcall in the background: start [-stuck] NAME ARGS... With
// -stuck its stdout is a pipe that is full and that nobody reads.
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	stuck := len(args) > 0 && args[0] == "-stuck"
	if stuck {
		args = args[1:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start [-stuck] NAME ARGS...")
	}
	out, err := os.Create(ts.MkAbs(args[0] + ".out"))
	ts.Check(err)
	defer out.Close()
	stderr, err := os.Create(ts.MkAbs(args[0] + ".err"))
	ts.Check(err)
	defer stderr.Close()
	j := &job{cmd: lastcall(ts, args[1:]...), done: make(chan struct{})}
	j.cmd.Stdout, j.cmd.Stderr = out, stderr
	if stuck {
		full := fullPipe(ts)
		defer full.Close()
		j.cmd.Stdout = full
	}
	ts.Check(j.cmd.Start())
	go func() {
		j.err = j.cmd.Wait()
		close(j.done)
	}()
	ts.Defer(func() {
		_ = j.cmd.Process.Kill() // it mostly has ended
		<-j.done
	})
	ts.Value(jobs).(map[string]*job)[args[0]] = j
}

// fullPipe returns the writing end of a pipe into which nothing more fits.
func fullPipe(ts *testscript.TestScript) *os.File {
	r, w, err := os.Pipe()
	ts.Check(err)
	ts.Defer(func() { r.Close() })
	for {
		// Anew for each byte: a busy machine takes its time to write them all.
		ts.Check(w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)))
		if _, err := w.Write(make([]byte, 1)); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				ts.Check(err)
			}
			return w
		}
	}
}

func findJob(ts *testscript.TestScript, name string) *job {
	j, ok := ts.Value(jobs).(map[string]*job)[name]
	if !ok {
		ts.Fatalf("nothing was started under the name %q", name)
	}
	return j
}

// cmdTerm sends SIGTERM: term NAME.
func cmdTerm(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: term NAME")
	}
	cmdSignal(ts, neg, []string{args[0], "SIGTERM"})
}

// cmdSignal sends any signal: signal NAME SIGNAL.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal NAME SIGNAL")
	}
	sig, err := scenario.ParseSignal(args[1])
	ts.Check(err)
	ts.Check(findJob(ts, args[0]).cmd.Process.Signal(sig))
}

// cmdEnded waits for the end of a background lastcall, and demands an exit code
// or the signal that killed it: ended NAME CODE|SIGNAL.
func cmdEnded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ended NAME CODE|SIGNAL")
	}
	j := findJob(ts, args[0])
	select {
	case <-j.done:
	case <-time.After(patience):
		ts.Fatalf("%s still runs after %s\n%s", args[0], patience, ts.ReadFile(args[0]+".err"))
	}
	state := j.cmd.ProcessState
	got := strconv.Itoa(state.ExitCode())
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		got = scenario.SignalName(status.Signal())
	}
	if got != args[1] {
		ts.Fatalf("%s ended with %s, want %s\n%s", args[0], got, args[1], ts.ReadFile(args[0]+".err"))
	}
}

// until waits for a condition.
func until(ts *testscript.TestScript, what string, holds func() bool) {
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			ts.Fatalf("waited %s in vain for %s", patience, what)
		}
		time.Sleep(2 * time.Millisecond) // between two looks
	}
}

// cmdWaitFor waits until a file exists, or has text that matches: waitfor FILE
// [PATTERN]. The file may be a glob: then one of many will do.
func cmdWaitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: waitfor FILE [PATTERN]")
	}
	pattern := regexp.MustCompile("(?m)" + strings.Join(args[1:], ""))
	until(ts, strings.Join(args, " "), func() bool {
		names, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		return slices.ContainsFunc(names, func(name string) bool {
			text, err := os.ReadFile(name)
			return err == nil && pattern.Match(text)
		})
	})
}

// cmdNoChild waits until no process that this script started is left, and with
// ! until there is one that serves.
func cmdNoChild(ts *testscript.TestScript, neg bool, _ []string) {
	starts := ts.Getenv(envStarts)
	if neg {
		until(ts, "a lastcall serve", func() bool {
			for _, line := range testrun.Family(starts) {
				if strings.Contains(line, " serve ") {
					return true
				}
			}
			return false
		})
		return
	}
	until(ts, "the end of all children", func() bool { return len(testrun.Family(starts)) == 0 })
}

// cmdGet asks a server that was started with start, and demands a status: get
// NAME PATH STATUS. The body becomes the script's stdout.
func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: get NAME PATH STATUS")
	}
	var ready struct{ Addr string }
	line, _, _ := strings.Cut(ts.ReadFile(args[0]+".out"), "\n")
	ts.Check(json.Unmarshal([]byte(line), &ready))
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + ready.Addr + args[1])
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
	if strconv.Itoa(resp.StatusCode) != args[2] {
		ts.Fatalf("GET %s answers %s, want %s", args[1], resp.Status, args[2])
	}
}

// cmdHistories writes made-up histories of two strategies: histories DIR [RUN].
func cmdHistories(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: histories DIR [RUN]")
	}
	run := strings.Join(append(args[1:], "made-up")[:1], "")
	recorder, err := openRecorder(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, h := range madeUp(run) {
		ts.Check(recorder.write(h))
	}
}

// cmdTruncate cuts the last bytes off a file: truncate FILE BYTES.
func cmdTruncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE BYTES")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text[:len(text)-n]), 0o600))
}

// cmdFifo makes a named pipe and copies what comes out of it into FIFO.read:
// fifo PATH.
func cmdFifo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fifo PATH")
	}
	path := ts.MkAbs(args[0])
	ts.Check(syscall.Mkfifo(path, 0o600))
	pipe, err := os.OpenFile(path, os.O_RDWR, 0) // for both: opening it waits for nobody
	ts.Check(err)
	file, err := os.Create(path + ".read")
	ts.Check(err)
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		defer file.Close()
		_, _ = io.Copy(file, pipe) // until it is closed
	}()
	ts.Defer(func() {
		pipe.Close()
		<-copied
	})
}

// cmdField demands the value of one field of a JSON file: field FILE PATH WANT,
// with a path as in subjects.0.verdict.
func cmdField(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: field FILE PATH WANT")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for step := range strings.SplitSeq(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: nothing at %s", args[0], args[1])
			}
			v = at[i]
		default:
			ts.Fatalf("%s: nothing at %s", args[0], args[1])
		}
	}
	if got := fmt.Sprint(v); (got == args[2]) == neg {
		ts.Fatalf("%s: %s is %s, want %s", args[0], args[1], got, args[2])
	}
}

// cmdValidates checks a JSON file against a schema: validates SCHEMA FILE.
func cmdValidates(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: validates SCHEMA FILE")
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	err = compileSchema(ts.Check, ts.ReadFile(args[0])).Validate(document)
	if (err == nil) == neg {
		ts.Fatalf("validate %s: %v", args[1], err)
	}
}

// compileSchema compiles a schema, which must name the draft it is written in.
func compileSchema(check func(error), text string) *jsonschema.Schema {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	check(err)
	const draft = "https://json-schema.org/draft/2020-12/schema"
	if named := document.(map[string]any)["$schema"]; named != draft {
		check(fmt.Errorf("$schema is %v, want %s", named, draft))
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	check(compiler.AddResource("suite.json", document))
	schema, err := compiler.Compile("suite.json")
	check(err)
	return schema
}

// TestPanicIsABug: it has neither the exit code of a verdict nor that of a mistake of the
// user's.
func TestPanicIsABug(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var stderr bytes.Buffer
	code := execute(&cobra.Command{Run: func(*cobra.Command, []string) { panic("no such column") }}, &stderr)
	if want := "lastcall: this is a bug in lastcall: internal/cli/cli_test.go"; code != exitInconclusive || !strings.HasPrefix(stderr.String(), want) || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("exit code %d, stderr %q, want one line that begins with %q", code, &stderr, want)
	}
}
