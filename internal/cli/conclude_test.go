package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"lastcall/harness/result"
)

// TestConclude: a comparison succeeds when all could be judged, whatever the
// verdicts; a gate fails when one does.
func TestConclude(t *testing.T) {
	subjects := func(verdicts ...result.Verdict) []result.Subject {
		var all []result.Subject
		for _, v := range verdicts {
			all = append(all, result.Subject{Verdict: v})
		}
		return all
	}
	for _, c := range []struct {
		name    string
		suite   result.Suite
		compare result.Overall
		exit    int
		gate    result.Overall
		gated   int
	}{
		{
			"all pass",
			result.Suite{Status: result.SuitePass, Subjects: subjects(result.Pass, result.Pass)},
			result.SuitePass, exitPass, result.SuitePass, exitPass,
		},
		{
			"one fails",
			result.Suite{Status: result.SuiteFail, Subjects: subjects(result.Pass, result.Fail)},
			result.SuitePass, exitPass, result.SuiteFail, exitFail,
		},
		{
			"one fails and one cannot be judged",
			result.Suite{Status: result.SuiteFail, Subjects: subjects(result.Inconclusive, result.Fail)},
			result.SuiteInconclusive, exitInconclusive, result.SuiteFail, exitFail,
		},
		{
			"nothing was judged",
			result.Suite{Status: result.SuiteInconclusive, Subjects: subjects()},
			result.SuiteInconclusive, exitInconclusive, result.SuiteInconclusive, exitInconclusive,
		},
		{
			"recorded while it was interrupted",
			result.Suite{Status: result.SuiteInterrupted, Subjects: subjects(result.Pass)},
			result.SuiteInterrupted, exitInconclusive, result.SuiteInterrupted, exitInconclusive,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantConclusion(t, c.suite, false, c.compare, c.exit)
			wantConclusion(t, c.suite, true, c.gate, c.gated)
		})
	}
}

func wantConclusion(t *testing.T, s result.Suite, gate bool, status result.Overall, exit int) {
	t.Helper()
	t.Setenv(envSummary, "") // a test is no step of the job that tests us
	var stdout, stderr bytes.Buffer
	out, err := openOutput(&outputOptions{reports: []reportRequest{{format: "json"}}}, streams{out: &stdout, err: &stderr})
	if err != nil {
		t.Fatal(err)
	}
	if code := exitCode(conclude(context.Background(), out, s, gate), &stderr); code != exit {
		t.Errorf("gate %t: exit %d, want %d", gate, code, exit)
	}
	var got result.Suite
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil || got.Status != status {
		t.Errorf("gate %t: status %s, want %s (%v)", gate, got.Status, status, err)
	}
}
