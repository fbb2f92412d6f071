package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"lastcall/harness/history"
	"lastcall/internal/testrun"
	"lastcall/targets"
)

// fence matches a fenced block of a page: its label and its text.
var fence = regexp.MustCompile("(?ms)^```([a-z -]*)\n(.*?)^```$")

// pages are the texts that a user reads.
func pages(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil || len(docs) < 10 {
		t.Fatalf("%d pages in docs: %v", len(docs), err)
	}
	all := []string{"README.md", "CONTRIBUTING.md"}
	for _, path := range docs {
		all = append(all, "docs/"+filepath.Base(path))
	}
	return all
}

// page returns one of them, or another text file of the project.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// outputs are what a block must print, by words that stand in it.
var outputs = map[string][][]string{
	"./lastcall compare\n":  {{"naive", "FAIL"}, {"with-cancel", "FAIL"}, {"signal-notify", "PASS"}},
	"lastcall diff":         {{"signal-notify", "PASS", "PASS", "same"}, {"signal-notify: NO REGRESSION"}},
	"kill -TERM":            {{"the client got its answer"}, {"the server exited with 0"}},
	"lastcall probe http1/": {{"http1/in-handler", "PASS"}},
}

// TestReadmeCommands runs each command of the README and of docs as a newcomer would copy
// it, in a copy of the project. Three kinds are not run: `go test ./...` runs this test;
// CONTRIBUTING is for those who change lastcall; and what is marked as an example needs what
// is not here. Of an example's commands the flags are parsed.
func TestReadmeCommands(t *testing.T) {
	onlySlow(t)
	needs(t, "bash", "curl")
	dir := copyProject(t)
	shell(t, dir, "go build -o lastcall .")
	ran, shown := 0, make(map[string]bool)
	for _, name := range pages(t) {
		for _, block := range fence.FindAllStringSubmatch(page(t, name), -1) {
			label, script := block[1], block[2]
			switch {
			case label == "sh new-strategy":
				addReadmeStrategy(t, dir, page(t, name))
			case label == "sh example":
				wantFlags(t, dir, script)
				continue
			case label != "sh", strings.TrimSpace(script) == "go test ./...", name == "CONTRIBUTING.md":
				continue
			}
			out := shell(t, dir, strings.ReplaceAll(script, "127.0.0.1:8080", freeAddr(t)))
			ran++
			if label == "sh new-strategy" {
				wantLine(t, out, "hurry", "FAIL")
			}
			for words, lines := range outputs {
				for _, line := range lines {
					if strings.Contains(script, words) {
						shown[words] = true
						wantLine(t, out, line...)
					}
				}
			}
		}
	}
	if ran < 10 || len(shown) < len(outputs) {
		t.Errorf("%d blocks were run, %d of %d kinds of output were seen: the pages have changed", ran, len(shown), len(outputs))
	}
}

// wantFlags asks that lastcall understands the flags of a block's commands: --help comes
// after all others are parsed.
func wantFlags(t *testing.T, dir, script string) {
	t.Helper()
	for line := range strings.Lines(script) {
		command, _, _ := strings.Cut(strings.TrimSpace(line), " -- ")
		if !strings.HasPrefix(command, "lastcall ") {
			continue
		}
		shell(t, dir, "./"+command+" --help")
	}
}

// link matches a link of a page to another.
var link = regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`)

// TestLinksResolve: each link leads to a file, and each anchor to a heading.
func TestLinksResolve(t *testing.T) {
	seen := 0
	for _, name := range pages(t) {
		prose := fence.ReplaceAllString(page(t, name), "")
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			target, anchor := m[1], m[2]
			if strings.Contains(target, "://") {
				continue
			}
			seen++
			to := path.Join(path.Dir(name), target)
			if target == "" {
				to = name
			}
			if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(to))); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(page(t, to)), anchor) {
				t.Errorf("%s: %s has no heading #%s", name, to, anchor)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d links were found", seen)
	}
}

// anchors are a page's headings as GitHub makes them into anchors.
func anchors(text string) (all []string) {
	for line := range strings.Lines(text) {
		heading, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !ok {
			continue
		}
		heading = strings.TrimSpace(strings.TrimLeft(heading, "#"))
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, heading))
	}
	return all
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
	for _, block := range fence.FindAllStringSubmatch(page(t, "docs/go-api.md"), -1) {
		if block[1] == "go" && strings.HasPrefix(block[2], "// shutdown_test.go\n") {
			writeFile(t, mine, "shutdown_test.go", block[2])
		}
	}
	for strategy, says := range map[string]string{"signal-notify": "ok  \tlastcall/mine", "naive": "server: FAIL"} {
		writeServer(t, mine, strategy)
		var out []byte
		for try := 1; ; try++ {
			cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./mine")
			cmd.Dir = dir
			out, _ = cmd.CombinedOutput() // what it says tells
			if !strings.Contains(string(out), "server: INCONCLUSIVE") || !testrun.Again(t, try) {
				break
			}
			t.Logf("once more, after:\n%s", out)
		}
		wantLine(t, string(out), says)
	}
}

// TestReadmeOutcomes keeps the table of outcomes complete.
func TestReadmeOutcomes(t *testing.T) {
	text := page(t, "docs/reading-results.md")
	for _, o := range history.Outcomes() {
		if !strings.Contains(text, "| `"+o.String()+"` |") {
			t.Errorf("docs/reading-results.md does not list the outcome %s", o)
		}
	}
	for _, c := range history.Causes() {
		if !strings.Contains(text, "`"+c.String()+"`") {
			t.Errorf("docs/reading-results.md does not name the cause %s", c)
		}
	}
}

// TestReadmeCollection keeps the number of strategies true.
func TestReadmeCollection(t *testing.T) {
	for _, name := range []string{"README.md", "docs/strategies.md"} {
		if want := fmt.Sprintf("%d ways to stop", len(targets.All())); !strings.Contains(page(t, name), want) {
			t.Errorf("%s does not name %s", name, want)
		}
	}
}

// TestReadmeIsShort: it is the front door. What is longer belongs into docs.
func TestReadmeIsShort(t *testing.T) {
	if size := len(page(t, "README.md")); size < 6_000 || size > 10_000 {
		t.Errorf("the README has %d bytes", size)
	}
}

// copyProject copies the project's files, without its repository.
func copyProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{
		"go.mod", "go.sum", "main.go", "README.md", "docs",
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

// addReadmeStrategy does what a page says about adding a strategy.
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
		t.Fatal("the page does not show how to add a strategy")
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

// freeAddr stands in for the port of the pages, which another program may be using here.
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
