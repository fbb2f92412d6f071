package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestWordsAreTheDocs: docs/design.md has the words of explain, in the same order, and each
// of its rows can be explained.
func TestWordsAreTheDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "\n## Words\n")
	if !ok {
		t.Fatal("docs/design.md has no section Words")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	rows := regexp.MustCompile(`(?m)^\| ([^|-][^|]*) \| (.+) \|$`).FindAllStringSubmatch(table, -1)
	markup := strings.NewReplacer("`", "", "*", "", " ([the list](reading-results.md#outcomes))", "")
	left, columns := terms(), 0
	for _, row := range rows[1:] { // the first is the header
		name, meaning := strings.ReplaceAll(row[1], " ", "-"), markup.Replace(row[2])
		if len(left) > 0 && left[0].name == name {
			if want := strings.TrimSuffix(left[0].summary, "."); !strings.EqualFold(want, strings.TrimSuffix(meaning, ".")) {
				t.Errorf("%s is %q in docs/design.md, and %q in explain", name, meaning, left[0].summary)
			}
			left = left[1:]
			continue
		}
		if code, out, _ := invoke(t, "explain", name); code != 0 || !strings.Contains(out, "(column)") {
			t.Errorf("docs/design.md has the word %q, and explain does not", row[1])
		}
		columns++
	}
	if len(left) > 0 || columns == 0 {
		t.Errorf("docs/design.md does not have %d words from %q on, %d are columns", len(left), left, columns)
	}
}
