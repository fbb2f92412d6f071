package truth

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lastcall/harness/result"
	"lastcall/internal/testrun"
)

// TestRows asks of the table what a typing error would break silently.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	few := map[bool]int{}
	for _, r := range Rows() {
		if seen[r.Name] {
			t.Errorf("%s stands there twice", r.Name)
		}
		seen[r.Name] = true
		if slices.Contains(representatives, r.Name) {
			few[r.Right]++
		}
		fail := slices.Contains(r.Verdicts, result.Fail)
		if len(r.Verdicts) == 0 || fail == r.Right || fail != (len(r.Rules) > 0) {
			t.Errorf("%s: right %t, verdicts %v, rules %q", r.Name, r.Right, r.Verdicts, r.Rules)
		}
		if both := fail && slices.Contains(r.Verdicts, result.Pass); both != (r.Rare != "") {
			t.Errorf("%s: may pass and fail: %t, for %q", r.Name, both, r.Rare)
		}
	}
	if few[true] != 12 || few[false] != 12 {
		t.Errorf("%d right and %d wrong servers stand for all, want twelve each", few[true], few[false])
	}
}

// TestEveryServerHasARow keeps servers from lying about without one.
func TestEveryServerHasARow(t *testing.T) {
	var all strings.Builder
	for _, r := range Rows() {
		all.WriteString(" " + strings.Join(append(r.Server, r.Beside...), " ") + " ")
	}
	files, err := fs.Glob(scripts, "servers/*")
	if err != nil || len(files) < 10 {
		t.Fatalf("scripts %q: %v", files, err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		module, _, _ := strings.Cut(name, ".")
		if !strings.Contains(all.String(), "/"+name+" ") && !strings.Contains(all.String(), " "+module+":app ") && !strings.Contains(all.String(), " "+module+" ") {
			t.Errorf("no row has %s", name)
		}
	}
	source, err := os.ReadFile("servers/main.go")
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(source[strings.Index(string(source), "var kinds"):]), "\n}")
	for line := range strings.Lines(table) {
		if _, kind, ok := strings.Cut(line, `"`); ok {
			kind, _, _ = strings.Cut(kind, `"`)
			if !strings.Contains(all.String(), " "+kind+" ") {
				t.Errorf("no row has the kind %s", kind)
			}
		}
	}
}

// TestScriptsParse has each language look at its servers, where it is there.
func TestScriptsParse(t *testing.T) {
	testrun.NotShort(t)
	files, err := fs.Glob(scripts, "servers/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			checker := map[string][]string{
				".py":   {"python3", "-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())"},
				".js":   {"node", "--check"},
				".java": {"javac", "-d", t.TempDir()},
			}[filepath.Ext(path)]
			if _, err := exec.LookPath(checker[0]); err != nil {
				t.Skip(err)
			}
			if out, err := exec.Command(checker[0], append(checker[1:], path)...).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	rows, err := choose(Rows(), "^go-textbook", true)
	if err != nil || len(rows) != 4 {
		t.Errorf("%d rows, %v; want the four textbook ones that stand for all", len(rows), err)
	}
	if _, err := choose(Rows(), "no such", false); err == nil {
		t.Error("a pattern that no row has is taken")
	}
	if _, err := choose(Rows(), "(", false); err == nil {
		t.Error("a pattern that is none is taken")
	}
}
