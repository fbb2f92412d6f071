// Package layout tests the shape of the project: which package may import which.
// The arrows point one way only: what runs never judges, what judges never
// dials, what renders never counts.
package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// forbidden lists, for each package, the packages of this module that it must
// not reach, directly or not. A pattern that ends in "/..." means everything
// below; an exception is named with "!".
var forbidden = map[string][]string{
	"lastcall/harness":            {"lastcall/targets", "lastcall/scenarios", "lastcall/harness/probe", "lastcall/harness/sweep", "lastcall/internal/..."}, // the Go API composes
	"lastcall/harness/subject":    {"lastcall/targets", "lastcall/scenarios", "lastcall/reports", "lastcall/harness", "lastcall/harness/check", "lastcall/harness/result", "lastcall/harness/run", "lastcall/internal/..."},
	"lastcall/harness/run":        {"lastcall/targets", "lastcall/scenarios", "lastcall/reports", "lastcall/harness", "lastcall/harness/check", "lastcall/harness/result", "lastcall/internal/..."},
	"lastcall/harness/scenario":   {"lastcall/...", "!lastcall/harness/ledger", "os/exec"},
	"lastcall/harness/check":      {"lastcall/...", "!lastcall/harness/scenario", "!lastcall/harness/ledger", "!lastcall/harness/history", "!lastcall/harness/result", "!lastcall/harness/stats", "os/exec"},
	"lastcall/harness/diff":       {"lastcall/...", "!lastcall/harness/scenario", "!lastcall/harness/ledger", "!lastcall/harness/history", "!lastcall/harness/result", "!lastcall/harness/check", "!lastcall/harness/stats", "os/exec"},
	"lastcall/harness/stats":      {"lastcall/..."},
	"lastcall/internal/prose":     {"lastcall/..."},
	"lastcall/harness/history":    {"lastcall/...", "!lastcall/harness/scenario", "!lastcall/harness/ledger"},
	"lastcall/harness/ledger":     {"lastcall/...", "net"},
	"lastcall/harness/result":     {"lastcall/...", "!lastcall/harness/history", "!lastcall/harness/scenario", "!lastcall/harness/ledger"},
	"lastcall/harness/process":    {"lastcall/...", "!lastcall/harness/scenario", "!lastcall/harness/ledger"},
	"lastcall/harness/probe":      {"lastcall/harness", "lastcall/harness/run", "lastcall/targets", "lastcall/scenarios", "lastcall/reports", "lastcall/harness/check", "lastcall/internal/..."},
	"lastcall/harness/load":       {"lastcall/...", "!lastcall/harness/scenario", "!lastcall/harness/ledger", "!lastcall/harness/history", "!lastcall/harness/ledger", "!lastcall/harness/wire"},
	"lastcall/harness/wire":       {"lastcall/...", "!lastcall/harness/scenario", "!lastcall/harness/ledger", "!lastcall/harness/history"},
	"lastcall/harness/sweep":      {"lastcall/targets", "lastcall/scenarios", "lastcall/reports", "lastcall/harness", "lastcall/harness/check", "lastcall/harness/probe", "lastcall/internal/..."},
	"lastcall/targets":            {"lastcall/...", "!lastcall/harness/ledger"},
	"lastcall/scenarios":          {"lastcall/harness/check", "lastcall/harness/result", "lastcall/targets", "lastcall/reports", "lastcall/internal/...", "!lastcall/internal/spelling"},
	"lastcall/reports":            {"lastcall/...", "!lastcall/harness/scenario", "!lastcall/harness/ledger", "!lastcall/harness/history", "!lastcall/harness/result", "!lastcall/reports/picture"},
	"lastcall/reports/picture":    {"lastcall/...", "!lastcall/harness/scenario", "!lastcall/harness/ledger", "!lastcall/harness/history", "!lastcall/harness/result"},
	"lastcall/internal/demo":      {"lastcall/internal/cli", "lastcall/reports/...", "lastcall/scenarios", "lastcall/harness", "lastcall/harness/probe", "lastcall/harness/sweep", "lastcall/harness/diff"},
	"lastcall/internal/samples":   {"lastcall/internal/cli", "lastcall/internal/demo", "lastcall/reports/...", "lastcall/scenarios", "lastcall/harness", "lastcall/harness/probe", "lastcall/harness/sweep", "lastcall/harness/diff"},
	"lastcall/internal/highlight": {"lastcall/..."},
	// The table asks the built program, and knows of its inside only what a report is.
	"lastcall/cmd/truth":              {"lastcall/...", "!lastcall/harness/scenario", "!lastcall/harness/ledger", "!lastcall/internal/truth", "!lastcall/harness/history", "!lastcall/harness/result"},
	"lastcall/internal/truth":         {"lastcall/...", "!lastcall/harness/scenario", "!lastcall/harness/ledger", "!lastcall/harness/history", "!lastcall/harness/result"},
	"lastcall/internal/truth/servers": {"lastcall/..."},
}

// onlyImporters lists the packages that may import a library, mostly one:
// everybody else gets at it through them.
var onlyImporters = map[string]string{
	"github.com/tsenart/vegeta/v12/lib":             "lastcall/harness/load",
	"github.com/olekukonko/tablewriter":             "lastcall/reports",
	"github.com/shirou/gopsutil/v4/process":         "lastcall/harness/process",
	"github.com/shirou/gopsutil/v4/net":             "lastcall/harness/process",
	"github.com/google/shlex":                       "lastcall/internal/cli",
	"github.com/jstemmer/go-junit-report/v2/junit":  "lastcall/reports",
	"github.com/spf13/cobra":                        "lastcall/internal/cli",
	"github.com/schollz/progressbar/v3":             "lastcall/internal/cli",
	"github.com/goccy/go-yaml":                      "lastcall/scenarios",
	"gonum.org/v1/gonum/mathext":                    "lastcall/harness/stats",
	"github.com/invopop/jsonschema":                 "lastcall/internal/cli",
	"github.com/olekukonko/tablewriter/tw":          "lastcall/reports",
	"github.com/agnivade/levenshtein":               "lastcall/internal/spelling",
	"github.com/spf13/pflag":                        "lastcall/internal/cli",
	"github.com/olekukonko/tablewriter/pkg/twwidth": "lastcall/reports",
	"github.com/alecthomas/chroma/v2":               "lastcall/internal/highlight",
	"github.com/alecthomas/chroma/v2/formatters":    "lastcall/internal/highlight",
	"github.com/cloudflare/tableflip":               "lastcall/targets",
	"github.com/coder/websocket":                    "lastcall/targets lastcall/harness/run", // a server, and its clients
	"modernc.org/sqlite":                            "lastcall/targets",
}

// leaves may be imported from everywhere: they know nothing of lastcall.
var leaves = []string{"lastcall/internal/bug", "lastcall/internal/input", "lastcall/internal/prose"}

func TestArrows(t *testing.T) {
	for pkg, patterns := range forbidden {
		t.Run(pkg, func(t *testing.T) {
			deps := list(t, "-deps", pkg)
			if len(deps) < 2 {
				t.Fatalf("go list names only %d dependencies", len(deps))
			}
			for _, dep := range deps {
				if dep != pkg && !slices.Contains(leaves, dep) && matches(dep, patterns) {
					t.Errorf("%s must not depend on %s", pkg, dep)
				}
			}
		})
	}
}

// dialless are the packages that judge, compute or render: they import nothing that dials.
// What they reach may, for its names: harness/scenario checks URLs and headers by
// net/http's rules.
var dialless = []string{"lastcall/harness/check", "lastcall/harness/diff", "lastcall/harness/stats", "lastcall/harness/history", "lastcall/harness/ledger", "lastcall/harness/result", "lastcall/reports/picture"}

func TestJudgesNeverDial(t *testing.T) {
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "lastcall/...") {
		pkg, imports, _ := strings.Cut(line, " ")
		for _, imported := range strings.Fields(imports) {
			if slices.Contains(dialless, pkg) && (imported == "net" || imported == "net/http") {
				t.Errorf("%s must not import %s", pkg, imported)
			}
		}
	}
}

func TestLeavesReachNothing(t *testing.T) {
	for _, leaf := range leaves {
		for _, dep := range list(t, "-deps", leaf) {
			if dep != leaf && matches(dep, []string{"lastcall/..."}) {
				t.Errorf("%s must not depend on %s", leaf, dep)
			}
		}
	}
}

// TestEveryPackageHasArrows keeps the table above complete.
func TestEveryPackageHasArrows(t *testing.T) {
	for _, pkg := range list(t, "lastcall/...") {
		if pkg == "lastcall" || strings.HasPrefix(pkg, "lastcall/internal/") {
			continue // they compose: they may import everything
		}
		if _, ok := forbidden[pkg]; !ok {
			t.Errorf("%s has no arrows: add it to the table", pkg)
		}
	}
}

func TestLibrariesHaveTheirImporters(t *testing.T) {
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "lastcall/...") {
		fields := strings.Fields(line)
		for _, imported := range fields[1:] {
			if only, ok := onlyImporters[imported]; ok && !slices.Contains(strings.Fields(only), fields[0]) {
				t.Errorf("%s imports %s, which only %s may", fields[0], imported, only)
			}
		}
	}
}

// TestDepth asks that no folder lies deeper than two levels: a stranger should
// find the right room from the names alone.
func TestDepth(t *testing.T) {
	for _, pkg := range list(t, "lastcall/...") {
		if strings.Count(pkg, "/") > 2 && pkg != "lastcall/internal/truth/servers" { // the servers stand with their table
			t.Errorf("%s lies too deep", pkg)
		}
	}
}

// TestEveryGoroutineCatches asks that each goroutine of lastcall's defers bug.Catch: a
// panic can be caught in its own goroutine only, and else ends lastcall with the exit
// code of a mistake of the user's.
func TestEveryGoroutineCatches(t *testing.T) {
	seen := 0
	for _, dir := range []string{"harness/subject", "harness/run", "harness/load", "harness/probe", "harness/process", "harness/sweep", "harness/wire", "internal/cli", "internal/demo"} {
		seen += wantCaught(t, filepath.Join("..", "..", dir))
	}
	if seen < 30 {
		t.Errorf("only %d goroutines were found", seen)
	}
}

// wantCaught looks at the functions that are started in one package, and returns how
// many there are.
func wantCaught(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	bodies := make(map[string][]*ast.BlockStmt) // of the package's functions and methods, by name
	var started []ast.Expr
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				bodies[n.Name.Name] = append(bodies[n.Name.Name], n.Body)
			case *ast.GoStmt:
				started = append(started, n.Call.Fun)
			case *ast.CallExpr: // of a WaitGroup, or an errgroup.Group
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Go" && len(n.Args) == 1 {
					started = append(started, n.Args[0])
				}
			}
			return true
		})
	}
	for _, f := range started {
		var which []*ast.BlockStmt
		switch f := f.(type) {
		case *ast.FuncLit:
			which = []*ast.BlockStmt{f.Body}
		case *ast.SelectorExpr:
			which = bodies[f.Sel.Name]
		case *ast.Ident:
			which = bodies[f.Name]
		}
		if !slices.ContainsFunc(which, catches) {
			t.Errorf("%s: the goroutine does not defer bug.Catch()", fset.Position(f.Pos()))
		}
	}
	return len(started)
}

// catches reports whether a body defers bug.Catch.
func catches(body *ast.BlockStmt) bool {
	return slices.ContainsFunc(body.List, func(s ast.Stmt) bool {
		d, ok := s.(*ast.DeferStmt)
		if !ok {
			return false
		}
		f, ok := d.Call.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		pkg, ok := f.X.(*ast.Ident)
		return ok && pkg.Name == "bug" && f.Sel.Name == "Catch"
	})
}

func matches(dep string, patterns []string) bool {
	hit := false
	for _, p := range patterns {
		if exception, ok := strings.CutPrefix(p, "!"); ok {
			if dep == exception {
				return false
			}
			continue
		}
		if below, ok := strings.CutSuffix(p, "/..."); ok {
			hit = hit || strings.HasPrefix(dep, below+"/") || dep == below
			continue
		}
		hit = hit || dep == p
	}
	return hit
}

func list(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
