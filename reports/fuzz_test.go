package reports

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// FuzzReport: whatever stands in a recording, it is refused, or judged and rendered in
// every format.
func FuzzReport(f *testing.F) {
	originals, err := filepath.Glob("../internal/cli/testdata/histories/*.jsonl")
	if err != nil || len(originals) == 0 {
		f.Fatalf("recordings %q, error %v", originals, err)
	}
	for _, name := range originals {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	policy, _, err := check.Resolve(scenario.Scenario{Policy: "default"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := history.Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		all := []*history.History{h}
		suite := check.Judge(all, policy)
		for _, format := range All(Style{Histories: all}) {
			if err := format.Render(io.Discard, suite); err != nil {
				t.Errorf("%s: %v", format.Name, err)
			}
		}
	})
}
