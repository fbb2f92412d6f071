package reports

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// node is what Node.js says of a program that is not there.
const node = `node:internal/modules/cjs/loader:1148
  throw err;
  ^

Error: Cannot find module '/srv/server.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1145:15)
    at Module._load (node:internal/modules/cjs/loader:986:27)
    at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:174:12)
    at node:internal/main/run_main_module:28:49 {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v20.15.1`

func TestGist(t *testing.T) {
	requests := func(n int) (log []string) {
		for i := range n {
			log = append(log, fmt.Sprintf(`10:00:%02d.%d "GET /work" 200 in %d.%dms`, i, i*7, i, i+3))
		}
		return log
	}
	for name, c := range map[string]struct {
		lines       []string
		most, first int
		want        []string
	}{
		"nothing":     {nil, 9, 2, nil},
		"few":         {[]string{"a", "b", "", "}"}, 9, 2, []string{"a", "b", "", "}"}},
		"braces stay": {[]string{"{", "}", "}", "}"}, 9, 2, []string{"{", "}", "}", "}"}},
		"the reason first": {strings.Split(node, "\n"), 9, 2, append([]string{
			"node:internal/modules/cjs/loader:1148", "  throw err;", "… 2 lines …", "Error: Cannot find module '/srv/server.js'", "… 3 lines …",
		}, strings.Split(node, "\n")[8:]...)},
		"a log": {append(requests(143), "panic: oh no"), 9, 2, []string{requests(1)[0], "… and 142 more like it", "panic: oh no"}},
		"the last only": {
			[]string{"one", "two", "three", "four", "five", "six"}, 3, 0, []string{"… 3 lines …", "four", "five", "six"},
		},
		"a complaint before the last": {[]string{"no such file", "b", "c", "d"}, 2, 0, []string{"no such file", "… 2 lines …", "d"}},
		"one line is left out":        {[]string{"fatal: a", "b", "c"}, 2, 1, []string{"fatal: a", "… 1 line …", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := gist(c.lines, c.most, c.first); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestAGistCountsEveryLine: each line is shown or counted, and there are never many
// more than were asked for.
func TestAGistCountsEveryLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b 1", "b 2", "error 3", "d", "e 44 5", "e 6 7"}), 0, 32).Draw(t, "lines")
		got := gist(lines, mostWords, firstWords)
		counted := 0
		for _, line := range got {
			var n int
			switch {
			case !strings.HasPrefix(line, "…"):
				n = 1
			default:
				if _, err := fmt.Sscanf(strings.TrimPrefix(strings.TrimPrefix(line, "… "), "and "), "%d", &n); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
			}
			counted += n
		}
		if counted != len(lines) {
			t.Fatalf("%d of %d lines: %q", counted, len(lines), got)
		}
		if len(got) > mostWords+4 { // a record may take two rows, and there are two gaps at most and their like
			t.Fatalf("%d rows: %q", len(got), got)
		}
	})
}

func TestComplaint(t *testing.T) {
	for want, lines := range map[string][]string{
		"":    nil,
		"bye": {"hello", "bye"},
		"Error: Cannot find module '/srv/server.js'": strings.Split(node, "\n"),
		"a fatal·[31m one":                           {"a fatal\x1b[31m one", "an error"},
	} {
		if got := Complaint(lines); got != want {
			t.Errorf("Complaint(%q) = %q, want %q", lines, got, want)
		}
	}
}
