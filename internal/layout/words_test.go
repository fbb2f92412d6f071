package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// unplain are words that a reader of a second language has to decode, and what is said
// instead.
var unplain = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?i)\b(nobody|somebody|whoever)\b`), "name the thing: no process, a server, lastcall"},
	{regexp.MustCompile(`(?i)\bbesides\b`), "also, or a second sentence"},
	{regexp.MustCompile(`(?i)\banew\b`), "again"},
	{regexp.MustCompile(`(?i)\bthe begin\b`), "the start"},
	{regexp.MustCompile(`(?i)\bhung up\b`), "dropped, or closed the connection"},
	{regexp.MustCompile(`(?i)\bturn(ed|s)? (\w+ ){0,3}away\b`), "rejected"},
	{regexp.MustCompile(`(?i)\bput to the test\b`), "tested"},
	{regexp.MustCompile(`\d %($|[ ,.;:)])`), "95%"},
	{regexp.MustCompile(`(?i)\b(\w*[^e\W]|\w*[^r]e) is no \w`), "is not a"}, // and "there is no" is plain
}

// glued is a number and its unit without a space between them.
var glued = regexp.MustCompile(`(^|[ (])\d+(\.\d+)?(ms|us|µs|s)([ ,.;:)]|$)`)

// typed are the signs of a duration that a user types: it is written as Go writes it.
var typed = regexp.MustCompile(`--|as in|default|: \d`)

// TestPlainWords looks at every text that reaches a person: the literals of the code, the
// catalogue of scenarios, the demo's texts, the page, the README and docs.
func TestPlainWords(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git" || d.Name() == "servers"):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
		case strings.HasSuffix(path, ".go"):
			seen += literals(t, path)
		case strings.HasSuffix(path, ".tmpl"), strings.HasSuffix(path, ".html"), filepath.Base(path) == "lang-en.json",
			strings.HasSuffix(path, ".yaml"), strings.HasSuffix(path, ".md"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i, line := range strings.Split(string(text), "\n") {
				seen++
				plain(t, path+":"+strconv.Itoa(i+1), line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 3000 {
		t.Errorf("only %d texts were found", seen)
	}
}

// literals looks at the texts of a file, and returns how many there are. A text has a
// blank in it.
func literals(t *testing.T, path string) (seen int) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(path, "/targets/") { // `explain` shows these files
		for _, c := range file.Comments {
			seen++
			plain(t, fset.Position(c.Pos()).String(), strings.ReplaceAll(c.Text(), "\n", " "))
		}
	}
	prose := strings.Contains(path, "/check/") || strings.Contains(path, "/probe/") || strings.Contains(path, "/reports/")
	ast.Inspect(file, func(n ast.Node) bool {
		l, ok := n.(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(l.Value)
		if err != nil || !strings.Contains(text, " ") || strings.HasPrefix(text, "json:") || strings.Contains(text, "<svg") {
			return true
		}
		seen++
		where := fset.Position(l.Pos()).String()
		plain(t, where, text)
		if m := glued.FindString(text); m != "" && prose && !typed.MatchString(text) {
			t.Errorf("%s: %q: a space stands between a number and its unit (scenario.InWords)", where, m)
		}
		return true
	})
	return seen
}

func plain(t *testing.T, where, text string) {
	t.Helper()
	for _, u := range unplain {
		if m := u.pattern.FindString(text); m != "" && !strings.Contains(text, "-user nobody") && !strings.Contains(text, "(nobody)") {
			t.Errorf("%s: %q: say %s", where, m, u.instead)
		}
	}
}
