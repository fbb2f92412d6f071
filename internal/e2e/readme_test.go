package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lastcall/harness/history"
	"lastcall/internal/testrun"
	"lastcall/targets"
)

// fence matches a fenced block of the README: its label and its text.
var fence = regexp.MustCompile("(?ms)^```([a-z -]*)\n(.*?)^```$")

// TestReadmeCommands runs every command of the README as a newcomer would copy
// it, in a copy of the project. Only `go test ./...` is left out: it is what
// runs this.
func TestReadmeCommands(t *testing.T) {
	onlySlow(t)
	needs(t, "bash", "curl")
	text := readme(t)
	dir := copyProject(t)
	ran := 0
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		label, script := block[1], block[2]
		switch {
		case label == "sh new-strategy":
			addReadmeStrategy(t, dir, text)
		case label != "sh", strings.TrimSpace(script) == "go test ./...":
			continue
		}
		out := shell(t, dir, strings.ReplaceAll(script, "127.0.0.1:8080", freeAddr(t)))
		ran++
		switch {
		case label == "sh new-strategy":
			wantLine(t, out, "hurry", "FAIL")
		case strings.HasPrefix(script, "go run .\n"):
			wantLine(t, out, "naive", "FAIL")
			wantLine(t, out, "with-cancel", "FAIL")
			wantLine(t, out, "signal-notify", "PASS")
		case strings.Contains(script, "lastcall diff"):
			wantLine(t, out, "signal-notify", "PASS", "PASS", "same")
			wantLine(t, out, "signal-notify: NO REGRESSION")
		case strings.Contains(script, "kill -TERM"):
			wantLine(t, out, "the client got its answer")
			wantLine(t, out, "the server exited with 0")
		}
	}
	if ran != 6 {
		t.Errorf("%d blocks were run, want 6: the README has changed", ran)
	}
}

// TestReadmeGoTest runs the Go test of the README in a package of a newcomer's,
// with a server that stops well and with one that does not.
func TestReadmeGoTest(t *testing.T) {
	onlySlow(t)
	dir := copyProject(t)
	mine := filepath.Join(dir, "mine")
	if err := os.Mkdir(mine, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, block := range fence.FindAllStringSubmatch(readme(t), -1) {
		if block[1] == "go" && strings.HasPrefix(block[2], "// shutdown_test.go\n") {
			writeFile(t, mine, "shutdown_test.go", block[2])
		}
	}
	for strategy, says := range map[string]string{"signal-notify": "ok  \tlastcall/mine", "naive": "server: fail"} {
		writeServer(t, mine, strategy)
		var out []byte
		for try := 1; ; try++ {
			cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./mine")
			cmd.Dir = dir
			out, _ = cmd.CombinedOutput() // what it says tells
			if !strings.Contains(string(out), "server: inconclusive") || !testrun.Again(t, try) {
				break
			}
			t.Logf("once more, after:\n%s", out)
		}
		wantLine(t, string(out), says)
	}
}

// TestReadmeOutcomes keeps the README's table of outcomes complete.
func TestReadmeOutcomes(t *testing.T) {
	text := readme(t)
	for _, o := range history.Outcomes() {
		if !strings.Contains(text, "| `"+o.String()+"` |") {
			t.Errorf("the README does not list the outcome %s", o)
		}
	}
	for _, c := range history.Causes() {
		if !strings.Contains(text, "`"+c.String()+"`") {
			t.Errorf("the README does not name the cause %s", c)
		}
	}
}

// TestReadmeCollection keeps the README's number of strategies true.
func TestReadmeCollection(t *testing.T) {
	if want := fmt.Sprintf("names %d ways to stop", len(targets.All())); !strings.Contains(readme(t), want) {
		t.Errorf("the README does not say that lastcall %s", want)
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// copyProject copies the project's files, without its repository.
func copyProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{
		"go.mod", "go.sum", "main.go", "README.md",
		"internal", "harness", "targets", "scenarios", "reports",
	} {
		from, to := filepath.Join("..", "..", name), filepath.Join(dir, name)
		info, err := os.Stat(from)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			err = os.CopyFS(to, os.DirFS(from))
		} else {
			var text []byte
			if text, err = os.ReadFile(from); err == nil {
				err = os.WriteFile(to, text, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// addReadmeStrategy does what the README says about adding a strategy.
func addReadmeStrategy(t *testing.T, dir, text string) {
	t.Helper()
	var file, entry string
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		switch {
		case block[1] == "go" && strings.HasPrefix(block[2], "// targets/hurry.go\n"):
			file = block[2]
		case block[1] == "go" && strings.HasPrefix(block[2], "{Name:"):
			entry = block[2]
		}
	}
	if file == "" || entry == "" {
		t.Fatal("the README does not show how to add a strategy")
	}
	if err := os.WriteFile(filepath.Join(dir, "targets", "hurry.go"), []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "targets", "catalogue.go")
	old, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	const head = "return []Strategy{\n"
	if err := os.WriteFile(list, []byte(strings.Replace(string(old), head, head+entry, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shell runs a block as a newcomer's shell would, but stops at the first error. A run
// without a verdict is one of a busy machine: then the block is run again.
func shell(t *testing.T, dir, script string) string {
	t.Helper()
	for try := 1; ; try++ {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
		cmd.Dir, cmd.Stderr = dir, &stderr
		out, err := cmd.Output()
		if err == nil {
			return string(out)
		}
		// The go command ends with 1, and says how its program ended.
		unproved := cmd.ProcessState.ExitCode() == exitInconclusive || strings.HasSuffix(stderr.String(), "exit status 3\n")
		if !unproved || !testrun.Again(t, try) {
			t.Fatalf("%s%v, in try %d\nstdout:\n%s\nstderr:\n%s", script, err, try, out, &stderr)
		}
		t.Logf("%s%v: once more\nstdout:\n%s", script, err, out)
		if err := os.RemoveAll(filepath.Join(dir, "histories")); err != nil { // a directory of histories holds one run
			t.Fatal(err)
		}
	}
}

// freeAddr stands in for the README's port, which somebody may be using here.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// wantLine asks for a line that holds all the words.
func wantLine(t *testing.T, text string, words ...string) {
	t.Helper()
	for line := range strings.Lines(text) {
		found := true
		for _, w := range words {
			found = found && strings.Contains(line, w)
		}
		if found {
			return
		}
	}
	t.Errorf("no line says %q in:\n%s", words, text)
}
