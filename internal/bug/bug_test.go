package bug_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lastcall/internal/bug"
)

const envPanic = "LASTCALL_TEST_PANIC"

func TestMain(m *testing.M) {
	if os.Getenv(envPanic) != "" {
		go func() {
			defer bug.Catch()
			var none []int
			_ = none[3]
		}()
		select {} // the panic ends it
	}
	os.Exit(m.Run())
}

// TestGoroutinePanics: the program ends with one line and the exit code of what cannot be
// concluded, and the stack is in a file.
func TestGoroutinePanics(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ tmp, says string }{
		{dir, `bug/bug_test\.go:\d+: runtime error: index out of range \[3\] with length 0; report it with ` + regexp.QuoteMeta(dir)},
		{filepath.Join(dir, "absent"), `report it with what follows \(README, Bugs\)\ngoroutine`},
	} {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env, cmd.Stderr = append(os.Environ(), envPanic+"=1", "TMPDIR="+c.tmp), &stderr
		exit, ok := errors.AsType[*exec.ExitError](cmd.Run())
		if !ok || exit.ExitCode() != bug.ExitCode || !regexp.MustCompile(c.says).MatchString(stderr.String()) {
			t.Errorf("%v, stderr %q, want exit code %d and %q", exit, &stderr, bug.ExitCode, c.says)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "lastcall-bug-*.txt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, error %v, want one", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(text), "bug_test.go:") {
		t.Errorf("the file holds %q, error %v", text, err)
	}
}
