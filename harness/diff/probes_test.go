package diff_test

import (
	"strings"
	"testing"

	"lastcall/harness/diff"
	"lastcall/harness/result"
)

// probedSuite is a suite with one subject, one probe, and no load.
func probedSuite(policy string, verdict result.Verdict, statuses ...result.ProbeStatus) result.Suite {
	s := result.Suite{Schema: result.Schema, Status: result.SuitePass, Subjects: []result.Subject{{Name: "one", Verdict: verdict}}}
	s.Scenario.Policy = policy
	for _, status := range statuses {
		s.Subjects[0].Probes = append(s.Subjects[0].Probes, result.Probe{Probe: "http1/in-handler", Variant: "cold", Status: status, Of: 3, Seen: "as it was seen"})
	}
	return s
}

func TestProbesAreCompared(t *testing.T) {
	const pass, warn, fail, skip, unknown = result.ProbePass, result.ProbeWarn, result.ProbeFail, result.ProbeSkip, result.ProbeInconclusive
	tests := []struct {
		old, latest result.ProbeStatus
		policy      string // of the new one
		direction   result.Direction
		want        result.Verdict
	}{
		{pass, pass, "default", result.Same, result.Pass},
		{pass, fail, "default", result.Worse, result.Fail},
		{warn, fail, "default", result.Worse, result.Fail},
		{pass, warn, "default", result.Worse, result.Pass},
		{fail, fail, "default", result.Same, result.Pass},
		{fail, pass, "default", result.Better, result.Pass},
		{warn, pass, "default", result.Better, result.Pass},
		{warn, fail, "strict", result.CannotTell, result.Inconclusive},
		{skip, fail, "default", result.CannotTell, result.Inconclusive},
		{unknown, fail, "default", result.CannotTell, result.Inconclusive},
		{pass, unknown, "default", result.CannotTell, result.Pass},
		{skip, skip, "default", result.CannotTell, result.Pass},
	}
	for _, tt := range tests {
		// The subjects fail for another reason, so that the verdict says nothing.
		d, err := diff.Compare(probedSuite("default", result.Fail, tt.old), probedSuite(tt.policy, result.Fail, tt.latest))
		if err != nil {
			t.Fatal(err)
		}
		changes := d.Subjects[0].Changes
		last := changes[len(changes)-1]
		if len(changes) != 2 || last.Name != "http1/in-handler cold" || last.Direction != tt.direction || d.Verdict != tt.want {
			t.Errorf("%s to %s: %+v, verdict %s, want %s and %s", tt.old, tt.latest, changes, d.Verdict, tt.direction, tt.want)
		}
	}
}

func TestAProbeInOneReportOnly(t *testing.T) {
	with, without := probedSuite("default", result.Pass, result.ProbePass), probedSuite("default", result.Pass)
	for _, pair := range [][2]result.Suite{{with, without}, {without, with}} {
		d, err := diff.Compare(pair[0], pair[1])
		if err != nil {
			t.Fatal(err)
		}
		changes := d.Subjects[0].Changes
		if last := changes[len(changes)-1]; last.Direction != result.CannotTell || !strings.Contains(last.Detail, "no such probe") {
			t.Errorf("got %+v", last)
		}
	}
}

func TestImpossibleProbesAreRefused(t *testing.T) {
	s := probedSuite("default", result.Pass, result.ProbePass)
	s.Subjects[0].Probes[0].Lost = -1
	if err := diff.ValidSuite(s); err == nil || !strings.Contains(err.Error(), "http1/in-handler") {
		t.Errorf("got %v", err)
	}
}
