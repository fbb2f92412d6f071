// Package e2e tests lastcall from outside: the built binary, real processes,
// real signals, and witnesses that know nothing of it.
package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// lastcall is the built binary's path.
var lastcall string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
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
// wanted one fails the test.
func run(t *testing.T, wantExit int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), lastcall, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the exit code tells
	if code := cmd.ProcessState.ExitCode(); code != wantExit {
		t.Fatalf("lastcall %v: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", args, code, wantExit, &stdout, &stderr)
	}
	return stdout.String()
}

// suite runs lastcall with a JSON report and returns it.
func suite(t *testing.T, wantExit int, args ...string) result.Suite {
	t.Helper()
	args = append([]string{args[0], "--report", "json"}, args[1:]...) // before any --, behind which they are the server's
	text := run(t, wantExit, args...)
	var s result.Suite
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("read the JSON report: %v\n%s", err, text)
	}
	return s
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
