package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lastcall/harness/check"
	"lastcall/harness/diff"
	"lastcall/harness/result"
	"lastcall/reports"
)

func TestASuiteReadsBackEqual(t *testing.T) {
	want := check.Judge(madeUp("run"), policyNamed(t, "default"))
	var text strings.Builder
	if err := reports.JSON(&text, want); err != nil {
		t.Fatal(err)
	}
	got, err := readSuite(write(t, "report.json", text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("suite (-written +read):\n%s", diff)
	}
}

// TestAnEndlessFileIsNotReadToItsEnd: what is no report must not fill the memory.
func TestAnEndlessFileIsNotReadToItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.json")
	if err := os.WriteFile(path, []byte(`{"schema":"`+result.Schema+`","subjects":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxSuite+1); err != nil {
		t.Fatal(err)
	}
	_, err := readSuite(path)
	if err == nil || !strings.Contains(err.Error(), "large.json: it is larger than 64 MB") {
		t.Errorf("error %v", err)
	}
	if _, ok := errors.AsType[*usageError](err); !ok {
		t.Errorf("%T is no error of usage", err)
	}
}

func TestLineAt(t *testing.T) {
	text := []byte("a\nb\n\nc")
	for offset, want := range map[int64]int{-1: 1, 0: 1, 1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 6: 4, 99: 4} {
		if got := lineAt(text, offset); got != want {
			t.Errorf("byte %d is in line %d, want %d", offset, got, want)
		}
	}
}

// FuzzParseSuite: whatever is in the file, it is refused in one line or can be
// compared and rendered.
func FuzzParseSuite(f *testing.F) {
	f.Add([]byte(`{"schema":"lastcall/suite/v1","subjects":[]}`))
	f.Add([]byte(`{"schema":"lastcall/suite/v1","subjects":[{"name":"a","shutdowns":3,"shutdowns_intact":3,` +
		`"in_flight":{"total":2,"completed":1,"dropped":1},"details":[{"intact":true,"events":[{"name":"exit","ms":1e308}]}]}]}`))
	text, err := json.Marshal(check.Judge(madeUp("run"), policyNamed(f, "default")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Fuzz(func(t *testing.T, text []byte) {
		suite, err := parseSuite(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %q", err)
			}
			return
		}
		d, err := diff.Compare(suite, suite)
		if err != nil {
			t.Fatalf("it was read, and is refused: %v", err)
		}
		if d.Regressed() {
			t.Errorf("it is worse than itself: %+v", d)
		}
		for _, format := range reports.DiffFormats(reports.Style{}) {
			var out strings.Builder
			if err := format.Render(&out, d); err != nil {
				t.Errorf("%s: %v", format.Name, err)
			}
		}
	})
}
