package truth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lastcall/harness/result"
)

func TestResultsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "truth.jsonl")
	first, err := openResults(path)
	if err != nil {
		t.Fatal(err)
	}
	one := Result{
		Digest: "d", Row: "go-naive", Mode: Busy, Run: 2, Faults: []string{"verdict pass, want fail"},
		Outcome: Outcome{Verdict: result.Pass, Violated: []string{late}, Story: "a\nb", Seconds: 1.5, Command: "lastcall test"},
	}
	if err := first.add(one); err != nil {
		t.Fatal(err)
	}
	// A runner that is killed while it writes leaves a part of a line.
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, whole[:len(whole)/2]...), 0o644); err != nil {
		t.Fatal(err)
	}
	second, err := openResults(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(second.all) != 1 || !second.have[one.key()] || second.all[0].Story != one.Story || second.all[0].Verdict != result.Pass {
		t.Fatalf("read %+v, want %+v", second.all, one)
	}
	other := one
	other.Run = 3
	if second.have[other.key()] {
		t.Error("a run is there that was never done")
	}
	if err := second.add(other); err != nil {
		t.Fatal(err)
	}
	third, err := openResults(path)
	if err != nil || len(third.all) != 2 || !third.have[other.key()] {
		t.Fatalf("after a cut line: %d results, %v; want 2", len(third.all), err)
	}
}

func TestResultsOfSomethingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "truth.jsonl")
	if err := os.WriteFile(path, []byte("no JSON\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openResults(path); err == nil {
		t.Error("a file of something else is taken")
	}
}

func TestPrintTable(t *testing.T) {
	all := []Result{
		{Row: "go-naive", Mode: Busy, Outcome: Outcome{Verdict: result.Inconclusive, Seconds: 3}},
		{Row: "go-naive", Mode: Quiet, Outcome: Outcome{Verdict: result.Fail, Seconds: 2}},
		{Row: "go-naive", Mode: Quiet, Faults: []string{"verdict pass, want fail"}, Outcome: Outcome{Verdict: result.Pass, Seconds: 4}},
		{Row: "go-textbook", Mode: "nobody", Outcome: Outcome{Verdict: result.Pass, Seconds: 1}},
	}
	var b strings.Builder
	if err := printTable(&b, Rows(), all, "markdown"); err != nil {
		t.Fatal(err)
	}
	want := `| server | deserves | quiet | busy | nobody | s | wrong |
|---|---|---|---|---|---|---|
| go-textbook | pass | - | - | 1 pass | 1.0 |  |
| go-naive | fail | 1 pass, 1 fail | 1 inconclusive | - | 3.0 | 1: verdict pass, want fail |
| all right servers |  |  |  | 1 pass | 1.0 | 0 of 1 |
| all wrong servers |  | 1 pass, 1 fail | 1 inconclusive |  | 3.0 | 1 of 3 |
`
	if b.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", b.String(), want)
	}
}

func TestSpent(t *testing.T) {
	for _, c := range []struct {
		took, budget time.Duration
		says         string
		fails        bool
	}{
		{time.Minute, 0, "It took 1m0s.", false},
		{time.Minute, time.Minute, "It took 1m0s.", false},
		{2 * time.Minute, time.Minute, "more than its budget of 1m0s", false},
		{121 * time.Second, time.Minute, "It took 2m1s", true},
	} {
		var b strings.Builder
		err := spent(c.took, c.budget, &b)
		if (err != nil) != c.fails || !strings.Contains(b.String(), c.says) {
			t.Errorf("%s of %s: %q, %v", c.took, c.budget, b.String(), err)
		}
	}
}

func TestDoubted(t *testing.T) {
	all := []Result{
		{Outcome: Outcome{Verdict: result.Pass}},
		{Outcome: Outcome{Verdict: result.Fail}},
		{Outcome: Outcome{Verdict: result.Inconclusive}},
	}
	if err := doubted(all, 0.34); err != nil {
		t.Error(err)
	}
	if err := doubted(append(all, all[2]), 0.34); err == nil {
		t.Error("two of four are no more than a third")
	}
}

// TestLatest: what older code came to is not mixed with what the present one does.
func TestLatest(t *testing.T) {
	r := &results{all: []Result{
		{Digest: "old", Row: "a", Mode: Quiet, Run: 1},
		{Digest: "old", Row: "a", Mode: Busy, Run: 1},
		{Digest: "new", Row: "a", Mode: Quiet, Run: 1},
		{Digest: "new", Row: "a", Mode: Quiet, Run: 2},
	}}
	got := r.latest()
	if len(got) != 3 || got[0].Mode != Busy || got[1].Digest != "new" || got[2].Run != 2 {
		t.Errorf("latest %+v", got)
	}
}

func TestPrintNoise(t *testing.T) {
	all := []Result{
		{Row: "go-naive", Mode: Quiet, Outcome: Outcome{Verdict: result.Fail}},
		{Row: "go-textbook", Mode: Quiet, Outcome: Outcome{Verdict: result.Pass}},
		{Row: "go-textbook", Mode: Busy, Outcome: Outcome{Verdict: result.Pass}},
		{Row: "go-textbook", Mode: Busy, Outcome: Outcome{Verdict: result.Inconclusive}},
	}
	var b strings.Builder
	if err := printNoise(&b, Rows(), all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| go-textbook | 1 | 1 | 0 | 0 | 2 | 1 | 0 | 1 (50%) |\n| **all** | 1 | 1 | 0 | 0 | 2 | 1 | 0 | 1 (50%) |\n",
		"| go-naive | 1 | 0 | 1 | 0 |  |  |  |  |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page does not have\n%s\nbut\n%s", want, b.String())
		}
	}
}
