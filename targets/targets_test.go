package targets

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryStrategyTeaches(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(s.Name) || seen[s.Name] {
				t.Errorf("the name %q is taken, or not of small letters and hyphens", s.Name)
			}
			seen[s.Name] = true
			for what, text := range map[string]string{"summary": s.Summary, "when": s.When, "costs": s.Costs, "verdict": s.Verdict} {
				if strings.TrimSpace(text) == "" {
					t.Errorf("it has no %s", what)
				}
			}
			if s.Run == nil {
				t.Error("it does nothing")
			}
			if lines := strings.Count(s.Source(), "\n"); lines == 0 || lines >= 80 {
				t.Errorf("%s has %d lines, want 1 to 79: one screen", s.file(), lines)
			}
			if doc := stopper(t, s).Doc.Text(); len(doc) < 80 {
				t.Errorf("it says too little: %q", doc)
			}
		})
	}
}

// control is the one faulty strategy that has no right sibling: there is
// nothing in it that could be mended.
const control = "naive"

func TestFaultsAreMarked(t *testing.T) {
	const mark = "// here is the mistake"
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			marks := strings.Count(s.Source(), mark)
			sibling, known := ByName(s.Sibling)
			switch {
			case !s.Faulty && (s.Bug != "" || s.Sibling != "" || s.Breaks != "" || marks > 0):
				t.Errorf("a right strategy with a fault: bug %q, sibling %q, breaks %q, %d marks", s.Bug, s.Sibling, s.Breaks, marks)
			case !s.Faulty:
				if !strings.HasPrefix(s.Verdict, "satisfies ") {
					t.Errorf("verdict %q", s.Verdict)
				}
				return
			case !strings.HasPrefix(s.Verdict, "breaks "+s.Breaks) || s.Breaks == "":
				t.Errorf("it breaks %q; verdict %q", s.Breaks, s.Verdict)
			case s.Bug != "" && s.BugTitle() == "":
				t.Errorf("nobody knows the bug %s", s.Bug)
			case s.Name == control:
				return
			case marks != 1:
				t.Errorf("%d lines are marked as the mistake, want 1", marks)
			}
			if s.Faulty && (!known || sibling.Faulty) {
				t.Errorf("sibling %q is not a right strategy", s.Sibling)
			}
		})
	}
}

// TestAFaultIsOneLine compares each faulty strategy with its right sibling:
// what differs is the lesson, and nothing else may.
func TestAFaultIsOneLine(t *testing.T) {
	usual := map[string]int{ // those that cannot be had for one line
		"unbuffered-notify": 4, // a receiver that is busy
		"fatal-serve":       4, // three lines less
		"early-exit":        1, "ignores-term": 2, "cancelled-shutdown": 2,
		"with-cancel-return": 2, // the context, and what handlers make of its end
	}
	for _, s := range All() {
		if !s.Faulty || s.Name == control {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			lines, err := s.Difference()
			if err != nil {
				t.Fatal(err)
			}
			var gone, come []string
			for _, line := range lines {
				if strings.HasPrefix(line, "- ") {
					gone = append(gone, line)
				} else {
					come = append(come, line)
				}
			}
			most := max(usual[s.Name], 1)
			if n := max(len(gone), len(come)); n == 0 || n > most {
				t.Errorf("it differs from %s by %d lines, want 1 to %d\n%s", s.Sibling, n, most, strings.Join(lines, "\n"))
			}
		})
	}
}

// TestEveryStrategyFileIsInTheCatalogue looks for functions of type Stopper
// that All does not name.
func TestEveryStrategyFileIsInTheCatalogue(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if stoppers := stoppersIn(t, name, nil); len(stoppers) > 0 &&
			!slices.ContainsFunc(All(), func(s Strategy) bool { return s.file() == name }) {
			t.Errorf("%s has a strategy that All does not name", name)
		}
	}
}

// stopper returns the function that is the strategy: the only one of its kind
// in its file.
func stopper(t *testing.T, s Strategy) *ast.FuncDecl {
	t.Helper()
	found := stoppersIn(t, s.file(), []byte(s.Source()))
	if len(found) != 1 {
		t.Fatalf("%s has %d strategies, want 1", s.file(), len(found))
	}
	return found[0]
}

// stoppersIn returns the functions of a file that have the type Stopper.
func stoppersIn(t *testing.T, name string, source any) (found []*ast.FuncDecl) {
	t.Helper()
	if source == nil || source.([]byte) == nil {
		source = nil
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && printed(t, f.Type) == "func(ln net.Listener, app *App) error" {
			found = append(found, f)
		}
	}
	return found
}

func printed(t *testing.T, node any) string {
	t.Helper()
	var out bytes.Buffer
	if err := printer.Fprint(&out, token.NewFileSet(), node); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), "func (", "func(")
}

func TestTheDefaultComparisonExists(t *testing.T) {
	if len(Default()) == 0 {
		t.Fatal("it is empty")
	}
	for _, name := range Default() {
		if s, ok := ByName(name); !ok || s.Name != name {
			t.Errorf("there is no strategy %q", name)
		}
	}
}

func TestByNameKnowsNoOther(t *testing.T) {
	for _, name := range []string{"", "Naive", "none"} {
		if s, ok := ByName(name); ok {
			t.Errorf("%q is %s", name, s.Name)
		}
	}
}
