package check

import (
	"slices"
	"strings"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// planned are the shutdowns of a run in which so many were to follow.
func planned(shutdowns int, builders ...*builder) []*history.History {
	var all []*history.History
	for i, b := range builders {
		all = append(all, b.shutdown(i+1).edit(func(h *history.History) { h.Header.Scenario.Shutdowns = shutdowns }).done())
	}
	return all
}

// TestBrokenOff: fewer shutdowns than planned earn no pass, and hide no breach. What was
// given up says why by itself.
func TestBrokenOff(t *testing.T) {
	const pass, fail, open = result.Pass, result.Fail, result.Inconclusive
	failed := func(h *history.History) { h.Error = "boot server: it ended" }
	interrupted := func(h *history.History) { h.Interrupted = true }
	for _, tt := range []struct {
		name      string
		histories []*history.History
		why       string
		want      result.Verdict
		says      string
	}{
		{"all were done", planned(2, newHistory(), newHistory()), "", pass, ""},
		{"half of a recording", planned(5, newHistory(), newHistory()), "", open, "The run broke off after 2 of 5 shutdowns."},
		{"the disk is full", planned(2, newHistory()), "no space left on device", open, "The run broke off after 1 of 2 shutdowns: no space left on device."},
		{"a breach stays proved", planned(5, newHistory(), newHistory().inFlight(history.Dropped, 3)), "no space left on device", fail, "The run broke off after 2 of 5 shutdowns: no space left on device."},
		{"given up", planned(5, newHistory().edit(failed)), "", open, "Shutdown 1: boot server: it ended."},
		{"interrupted", planned(5, newHistory(), newHistory().edit(interrupted)), "", open, "Shutdown 2: it was interrupted."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			suite := JudgePartial(tt.histories, policy(t, "default"), tt.why)
			s := suite.Subjects[0]
			if s.Verdict != tt.want || tt.says != "" && !slices.Contains(s.Story, tt.says) {
				t.Errorf("%s, %q; want %s with %q", s.Verdict, s.Story, tt.want, tt.says)
			}
			if said := strings.Join(s.Story, " "); !strings.Contains(tt.says, "broke off") && strings.Contains(said, "broke off") {
				t.Errorf("it did not break off: %q", said)
			}
			if Judged(suite) != (tt.want != open) || suite.Status == result.SuitePass && tt.want != pass {
				t.Errorf("the suite is %s, judged %v", suite.Status, Judged(suite))
			}
		})
	}
}

// TestBrokenOffBeforeOthers: a run that broke off before a subject's turn is no pass.
func TestBrokenOffBeforeOthers(t *testing.T) {
	h := newHistory().edit(func(h *history.History) { h.Header.Subjects = 3 }).done()
	suite := Judge([]*history.History{h}, policy(t, "default"))
	if suite.Status != result.SuiteInconclusive || Judged(suite) || suite.Absent != 2 || suite.Subjects[0].Verdict != result.Pass {
		t.Errorf("%s, judged %v, %d absent, the first %s", suite.Status, Judged(suite), suite.Absent, suite.Subjects[0].Verdict)
	}
	if want := "the run broke off: 2 of 3 subjects were not carried out"; !slices.Contains(suite.Warnings, want) {
		t.Errorf("warnings %q, want %q", suite.Warnings, want)
	}
}
