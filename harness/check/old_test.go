package check

import (
	"os"
	"path/filepath"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestHistoriesOfTheFirstFormat: what was recorded before the kernel was asked is
// read, and judged as it was then.
func TestHistoriesOfTheFirstFormat(t *testing.T) {
	for name, want := range map[string]struct {
		verdict  result.Verdict
		rule     string
		status   result.Status
		inFlight history.Counts
	}{
		"naive":         {result.Fail, InFlightCompletes, result.Violated, history.Counts{Total: 25, Dropped: 25}},
		"signal-notify": {result.Pass, InFlightCompletes, result.Satisfied, history.Counts{Total: 25, Completed: 25}},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := os.Open(filepath.Join("testdata", "v1", name+"-001.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			h, err := history.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			s := judge(t, "default", []*history.History{h})
			if f := finding(t, s, want.rule); s.Verdict != want.verdict || f.Status != want.status || s.InFlight != want.inFlight {
				t.Errorf("%s, %s %s, in flight %+v, want %+v", s.Verdict, want.rule, f.Status, s.InFlight, want)
			}
			if s.Details[0].Witness.Kernel {
				t.Error("the kernel is said to have been asked")
			}
		})
	}
}
