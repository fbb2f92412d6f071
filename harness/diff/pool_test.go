package diff

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/result"
)

// nth is a report of three shutdowns, of which so many broke a rule; the runs are
// days apart.
func nth(day, broken int) result.Suite {
	lost := make([]int, 3)
	for i := range broken {
		lost[i] = 50
	}
	status := result.Satisfied
	if broken > 0 {
		status = result.Violated
	}
	s := suiteOf(found(reported("it", losing(lost...)...), check.InFlightCompletes, status, broken))
	s.Started = time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)
	return s
}

// TestSeveralReportsAreOneBaseline: what is rare is seen in many shutdowns, and what
// is new then takes fewer.
func TestSeveralReportsAreOneBaseline(t *testing.T) {
	clean, rare := []result.Suite{}, []result.Suite{}
	for day := 1; day <= 10; day++ {
		clean = append(clean, nth(day, 0))
		rare = append(rare, nth(day, max(0, day-9)))
	}
	for _, tt := range []struct {
		name   string
		old    []result.Suite
		broken int
		want   result.Verdict
	}{
		{"two of three, against three", clean[:1], 2, result.Inconclusive},
		{"two of three, against thirty", clean, 2, result.Fail},
		{"one of three, against thirty", clean, 1, result.Inconclusive},
		{"one of three, where one of thirty was", rare, 1, result.Pass},
		{"all of three, where one of thirty was", rare, 3, result.Fail},
		{"none of three, where one of thirty was", rare, 0, result.Pass},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := CompareWithAll(tt.old, nth(20, tt.broken))
			if err != nil {
				t.Fatal(err)
			}
			wantVerdict(t, d, tt.want)
		})
	}
}

// TestPooledReportsAreCountedOnce: whatever their order, and none of them is changed.
func TestPooledReportsAreCountedOnce(t *testing.T) {
	all := []result.Suite{nth(1, 1), nth(3, 0), nth(2, 2)}
	for range 2 {
		slices.Reverse(all)
		d, err := CompareWithAll(all, nth(9, 0))
		if err != nil {
			t.Fatal(err)
		}
		if d.Old.Reports != 3 || d.Old.Started.Day() != 3 {
			t.Errorf("of %d reports the newest is of day %d", d.Old.Reports, d.Old.Started.Day())
		}
		for _, c := range d.Subjects[0].Changes {
			switch c.Name {
			case ShutdownsFailed:
				if *c.Old.Share != (result.Share{Count: 3, Of: 9}) {
					t.Errorf("%+v failed", *c.Old.Share)
				}
			case LostInFlight:
				if *c.Old.Share != (result.Share{Count: 150, Of: 450}) || !strings.Contains(c.Detail, "before: 3 of 9") {
					t.Errorf("%+v lost: %s", *c.Old.Share, c.Detail)
				}
			case check.InFlightCompletes:
				if *c.Old.Share != (result.Share{Count: 3, Of: 9}) || !strings.Contains(c.Detail, "was in 3 of 9") {
					t.Errorf("%+v: %s", *c.Old.Share, c.Detail)
				}
			}
		}
	}
	if s := all[0].Subjects[0]; s.Shutdowns != 3 || len(s.Details) != 3 || s.Findings[0].Judged != 3 {
		t.Errorf("a report that was pooled has changed: %+v", s)
	}
}

// TestPooledConditionsAreNamed: each old report is held against the new one.
func TestPooledConditionsAreNamed(t *testing.T) {
	slower, strict := nth(1, 0), nth(2, 3)
	slower.Scenario.Load.Rate = 7
	strict.Scenario.Policy = "strict"
	d, err := CompareWithAll([]result.Suite{slower, nth(3, 0), strict}, nth(9, 0))
	if err != nil || len(d.Warnings) != 2 || !strings.Contains(d.Warnings[0], "rate 0 (was 7)") || !strings.Contains(d.Warnings[1], "policy default (was strict)") {
		t.Errorf("%v, warnings %q", err, d.Warnings)
	}
	if _, err := CompareWithAll(nil, nth(1, 0)); err == nil {
		t.Error("compared with nothing")
	}
}
