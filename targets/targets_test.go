package targets

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
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
			oneScreen(t, s)
		})
	}
}

// oneScreen asks that a strategy's file can be read at a glance by somebody who
// came to learn: short, and with a comment on the function that it is.
func oneScreen(t *testing.T, s Strategy) {
	t.Helper()
	source := s.Source()
	if lines := strings.Count(source, "\n"); lines == 0 || lines >= 80 {
		t.Errorf("%s has %d lines, want 1 to 79", s.file, lines)
	}
	file, err := parser.ParseFile(token.NewFileSet(), s.file, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && strings.EqualFold(f.Name.Name, strings.ReplaceAll(s.Name, "-", "")) {
			if len(f.Doc.Text()) < 80 {
				t.Errorf("%s says too little: %q", f.Name.Name, f.Doc.Text())
			}
			return
		}
	}
	t.Errorf("%s has no function for %s", s.file, s.Name)
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
