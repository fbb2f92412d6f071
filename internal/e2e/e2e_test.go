// Package e2e tests lastcall from outside: the built binary, real processes,
// real signals, and witnesses that know nothing of it.
package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/testrun"
)

// lastcall is the built binary's path.
var lastcall string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	flag.Parse() // else testing.Short is not known yet
	if testing.Short() {
		fmt.Println("skipped: with -short no test starts the whole of lastcall")
		return 0
	}
	dir, err := os.MkdirTemp("", "lastcall-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	lastcall = filepath.Join(dir, "lastcall")
	build := exec.Command("go", "build", "-o", lastcall, "lastcall")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// needs skips the test where a program is absent, and fails it in CI, which has
// to install what the tests need.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", p)
		}
		t.Skipf("%s is not installed", p)
	}
}

// run runs lastcall and returns what it wrote to stdout. Any exit code but the
// wanted one fails the test, but a run that should have a verdict and has none is run
// again: inconclusive means that.
func invoke(t *testing.T, wantExit int, args ...string) string {
	t.Helper()
	stdout, _ := runUntil(t, []int{wantExit}, args...)
	return stdout
}

// runUntil is run with several exit codes that are right, and returns the one it got.
func runUntil(t *testing.T, want []int, args ...string) (string, int) {
	t.Helper()
	for try := 1; ; try++ {
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), lastcall, args...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // the exit code tells
		code := cmd.ProcessState.ExitCode()
		if slices.Contains(want, code) {
			return stdout.String(), code
		}
		if code != exitInconclusive || !testrun.Again(t, try) {
			t.Fatalf("lastcall %v: exit code %d, want one of %v, in try %d\nstdout:\n%s\nstderr:\n%s", args, code, want, try, &stdout, &stderr)
		}
		t.Logf("lastcall %v: exit code %d, want one of %v: once more\nstdout:\n%s\nstderr:\n%s", args, code, want, &stdout, &stderr)
		if at := slices.Index(args, "--record"); at >= 0 { // a directory of histories holds one run
			if err := os.RemoveAll(args[at+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// suite runs lastcall with a JSON report and returns it.
func suite(t *testing.T, wantExit int, args ...string) result.Suite {
	t.Helper()
	return suiteUntil(t, []int{wantExit}, args...)
}

func suiteUntil(t *testing.T, want []int, args ...string) result.Suite {
	t.Helper()
	args = append([]string{args[0], "--report", "json"}, args[1:]...) // before any --, behind which they are the server's
	text, _ := runUntil(t, want, args...)
	var s result.Suite
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("read the JSON report: %v\n%s", err, text)
	}
	return s
}

// graceful runs a server that completes all that it has accepted, and returns what
// lastcall found. Until the server closes its listening socket the kernel goes on
// accepting connections for it, and resets them with the close. On a busy machine any
// server can lose late requests so, and a FAIL for them is right.
func graceful(t *testing.T, args ...string) result.Subject {
	t.Helper()
	s := suiteUntil(t, []int{exitPass, exitFail}, args...).Subjects[0]
	for _, f := range s.Findings {
		if f.Status == result.Violated && f.Rule != check.LateRequestsAnswered {
			t.Errorf("rule %s is violated: %s", f.Rule, f.Detail)
		}
	}
	wantStatus(t, s, check.InFlightCompletes, result.Satisfied)
	return s
}

// recorded compares strategies, whatever the verdict on them is, and returns the
// histories.
func recorded(t *testing.T, args ...string) []*history.History {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "histories")
	args = append([]string{"compare", "--quiet", "--record", dir}, args...)
	out, err := exec.CommandContext(t.Context(), lastcall, args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != exitInconclusive) {
		t.Fatalf("lastcall %v: %v\n%s", args, err, out)
	}
	return histories(t, dir)
}

// judged reads what --record wrote, as far as it was judged: of a shutdown that was
// repeated one try.
func judged(t *testing.T, dir string) []*history.History {
	t.Helper()
	all := histories(t, dir)
	policy, _, err := check.Resolve(all[0].Header.Scenario)
	if err != nil {
		t.Fatal(err)
	}
	return check.Chosen(all, policy)
}

// histories reads what --record wrote.
func histories(t *testing.T, dir string) []*history.History {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no histories in %s: %v", dir, err)
	}
	var all []*history.History
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		h, err := history.Read(file)
		file.Close()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, h)
	}
	return all
}
