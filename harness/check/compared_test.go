package check_test

import (
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/diff"
	"lastcall/harness/history"
	"lastcall/harness/result"
)

// compared says what changed from one suite to the other, in their only subject.
func compared(t *testing.T, old, latest result.Suite) result.SubjectDiff {
	t.Helper()
	d, err := diff.Compare(old, latest)
	if err != nil || len(d.Subjects) != 1 {
		t.Fatalf("%v, %d subjects", err, len(d.Subjects))
	}
	return d.Subjects[0]
}

// TestCompareOfJudgedHistories: what Judge makes of real histories, of a server that
// completes what is in flight and of one that drops it.
func TestCompareOfJudgedHistories(t *testing.T) {
	good := check.Judge(check.Served(history.Completed), check.Policies()[0])
	bad := check.Judge(check.Served(history.Dropped), check.Policies()[0])
	worse := compared(t, good, bad)
	if worse.Verdict != result.Fail {
		t.Errorf("from good to bad: %s, %q", worse.Verdict, worse.Reasons)
	}
	for _, c := range worse.Changes {
		switch c.Name {
		case diff.Verdict, diff.LostInFlight, diff.ShutdownsFailed, check.InFlightCompletes:
			if c.Direction != result.Worse || !c.Regression {
				t.Errorf("%+v, want worse", c)
			}
		default:
			if c.Direction == result.Worse || c.Direction == result.Better {
				t.Errorf("%+v, which did not change", c)
			}
		}
	}
	for _, pair := range [][2]result.Suite{{bad, good}, {bad, bad}, {good, good}} {
		if d := compared(t, pair[0], pair[1]); d.Verdict != result.Pass {
			t.Errorf("from %s: %s, %q", pair[0].Subjects[0].Verdict, d.Verdict, d.Reasons)
		}
	}
}

// TestBrokenOffAgainstBaseline: what failed before and fails again, in a run that broke
// off, is not worse by what was seen, and not all was seen.
func TestBrokenOffAgainstBaseline(t *testing.T) {
	old := check.Judge(check.Lossy(3), check.Policies()[0])
	latest := check.JudgePartial(check.Lossy(2), check.Policies()[0], "no space left on device")
	if d := compared(t, old, latest); d.Verdict != result.Inconclusive {
		t.Errorf("%s, %q", d.Verdict, d.Reasons)
	}
}

// TestWhatFollowsIsNoRegression: a server that is known to drop what is in flight also
// drops, by chance, what it has just received.
func TestWhatFollowsIsNoRegression(t *testing.T) {
	for _, tt := range []struct {
		name        string
		old, latest []*history.History
		want        result.Verdict
	}{
		{"nothing was late before - no regression", check.Dying(1, 9, 0, 0), check.Dying(1, 9, 0, 1), result.Pass},
		{"late ones were answered before - no regression", check.Dying(1, 9, 3, 0), check.Dying(1, 9, 0, 1), result.Pass},
		{"nothing in flight was dropped before - regression", check.Dying(3, 0, 0, 0), check.Dying(3, 9, 0, 1), result.Fail},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := compared(t, check.Judge(tt.old, check.Policies()[0]), check.Judge(tt.latest, check.Policies()[0]))
			if d.Verdict != tt.want {
				t.Errorf("%s, want %s: %q", d.Verdict, tt.want, d.Reasons)
			}
		})
	}
}
