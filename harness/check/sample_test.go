package check

import (
	"strings"
	"testing"

	"lastcall/harness/history"
)

// TestInFlightIsASampleOfItsOwn: late requests do not stand in for those that were in
// flight, and one shutdown does not for all.
func TestInFlightIsASampleOfItsOwn(t *testing.T) {
	with := func(inFlight int) *builder {
		return newFrame().before(history.Completed, 40).inFlight(history.Completed, inFlight).late(history.Completed, 30)
	}
	for _, tt := range []struct {
		name     string
		inFlight []int
		says     string // "": it passes
	}{
		{"one in flight, and many late", []int{1}, "only 1 request was in flight at the signal, 20 are needed: "},
		{"nineteen", []int{7, 6, 6}, "only 19 requests were in flight at the signal, 20 are needed: "},
		{"twenty", []int{7, 7, 6}, ""},
		{"all of them in one of three", []int{25, 0, 0}, "requests were in flight in only 1 of 3 shutdowns, and at least half are needed: "},
		{"in two of four", []int{10, 10, 0, 0}, ""},
		{"in two of five", []int{10, 10, 0, 0, 0}, "requests were in flight in only 2 of 5 shutdowns"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var builders []*builder
			for _, n := range tt.inFlight {
				builders = append(builders, with(n))
			}
			s := judge(t, "default", histories(builders...))
			if tt.says == "" {
				if s.Verdict != pass {
					t.Errorf("%v: %q", s.Verdict, s.Story)
				}
				return
			}
			if f := finding(t, s, "sample"); s.Verdict != doubtful || !strings.HasPrefix(f.Detail, tt.says) {
				t.Errorf("%v: it says %q, want %q", s.Verdict, f.Detail, tt.says)
			}
		})
	}
	p := policy(t, "default")
	p.Levels[InFlightCompletes] = Level{}
	if s := Judge(histories(with(1)), p).Subjects[0]; s.Verdict != pass {
		t.Errorf("the rule is off, and its sample is asked for: %v, %q", s.Verdict, s.Story)
	}
}
