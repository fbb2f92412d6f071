package layout

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	pictureBegin = "<!-- picture of the packages: go test ./internal/layout -run TestPicture -update -->\n"
	pictureEnd   = "<!-- end of the picture -->\n"
)

// TestPicture draws the packages of docs/design.md from the import graph. It leaves out what
// follows from other arrows, and what only tests import.
func TestPicture(t *testing.T) {
	page := filepath.Join("..", "..", "docs", "design.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), pictureBegin)
	_, after, also := strings.Cut(rest, pictureEnd)
	if !ok || !also {
		t.Fatalf("%s has no place for the picture", page)
	}
	want := before + pictureBegin + picture(t) + pictureEnd + after
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatalf("the picture in %s is not true any more: go test ./internal/layout -run TestPicture -update", page)
	}
	if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func picture(t *testing.T) string {
	t.Helper()
	arrows := make(map[string][]string)
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "lastcall/...") {
		fields := strings.Fields(line)
		from, drawn := short(fields[0])
		if !drawn {
			continue
		}
		for _, imported := range fields[1:] {
			if to, drawn := short(imported); drawn {
				arrows[from] = append(arrows[from], to)
			}
		}
		slices.Sort(arrows[from])
	}
	if len(arrows) < 10 {
		t.Fatalf("only %d packages are there", len(arrows))
	}
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart TD\n")
	for _, from := range sortedKeys(arrows) {
		for _, to := range arrows[from] {
			if !reaches(arrows, arrows[from], to) {
				fmt.Fprintf(&b, "    %s[%s] --> %s[%s]\n", id(from), from, id(to), to)
			}
		}
	}
	b.WriteString("```\n")
	return b.String()
}

// short is a package's name in the picture. The leaves of internal, and what serves tests
// alone, are not drawn.
func short(pkg string) (string, bool) {
	name, ours := strings.CutPrefix(pkg, "lastcall/")
	if !ours || strings.HasPrefix(name, "internal/") && name != "internal/cli" || strings.HasPrefix(name, "cmd/") {
		return "", false
	}
	return name, true
}

// reaches reports whether another of the arrows leads to the package, too.
func reaches(arrows map[string][]string, first []string, to string) bool {
	seen := make(map[string]bool)
	var walk func(string) bool
	walk = func(from string) bool {
		if seen[from] {
			return false
		}
		seen[from] = true
		return slices.Contains(arrows[from], to) || slices.ContainsFunc(arrows[from], walk)
	}
	return slices.ContainsFunc(first, func(via string) bool { return via != to && walk(via) })
}

// id is a name that Mermaid takes for a node.
func id(name string) string { return strings.ReplaceAll(name, "/", "_") }

func sortedKeys(m map[string][]string) (all []string) {
	for key := range m {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}
