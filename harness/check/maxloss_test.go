package check

import (
	"strings"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// lossy is a shutdown that lost so many of so many late requests at risk, in the
// races that no server can win.
func lossy(lost, n int) *builder {
	return newHistory().late(history.Dropped, lost, reused).late(history.Completed, n-lost)
}

// limited is the policy of that name with a limit for late losses.
func limited(t *testing.T, name string, limit float64) Policy {
	t.Helper()
	p, _, err := Resolve(history.Scenario{Policy: name, Overrides: history.Overrides{MaxLoss: history.Share(limit)}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestMaxLoss: proved to be kept, proved to be broken, or neither.
func TestMaxLoss(t *testing.T) {
	tests := []struct {
		name          string
		limit         float64
		histories     []*history.History
		status        result.Status
		verdict       result.Verdict
		count, judged int
		failed        int
		detail        string
	}{
		{
			// 0 of 299 is the published sample for "less than 1 %".
			name: "none of 299 is lost, 1 % is allowed - pass", limit: 0.01, histories: histories(lossy(0, 100), lossy(0, 199)),
			status: good, verdict: pass, judged: 299,
			detail: "0 of 299 late requests at risk were dropped, in 0 of 2 shutdowns: " +
				"at most 0.997% of them are lost, with 95% confidence, and 1% is allowed",
		},
		{
			name: "none of 298 is lost, 1 % is allowed - inconclusive", limit: 0.01, histories: histories(lossy(0, 149), lossy(0, 149)),
			status: result.Unjudged, verdict: doubtful, judged: 298,
			detail: "0 of 298 late requests at risk were dropped, in 0 of 2 shutdowns: between 0% and 1% of them are lost, " +
				"with 95% confidence on either side, and 1% is allowed, so that nothing is proved; " +
				"1 more shutdown like these would tell (--shutdowns 3), or more requests a second (--rate)",
		},
		{
			name: "some are lost, within the limit - pass", limit: 0.05, histories: histories(lossy(3, 200)),
			status: good, verdict: pass, count: 3, judged: 200,
			detail: "3 of 200 late requests at risk were dropped, in 1 of 1 shutdown: " +
				"at most 3.83% of them are lost, with 95% confidence, and 5% is allowed",
		},
		{
			name: "one is lost, above the limit - fail", limit: 0.04, histories: histories(lossy(0, 0), lossy(1, 1), lossy(0, 0)),
			status: bad, verdict: fail, count: 1, judged: 1, failed: 1,
			detail: "1 of 1 late request at risk was dropped, in 1 of 3 shutdowns: " +
				"at least 5% of them are lost, with 95% confidence, and 4% is allowed",
		},
		{
			name: "many are lost, above the limit - fail", limit: 0.001, histories: histories(lossy(5, 10), lossy(0, 10), lossy(3, 10)),
			status: bad, verdict: fail, count: 8, judged: 30, failed: 2,
			detail: "8 of 30 late requests at risk were dropped, in 2 of 3 shutdowns: at least 14% of them are lost",
		},
		{
			name: "less is lost than is allowed, and not enough was seen - inconclusive", limit: 0.05, histories: histories(lossy(1, 40), lossy(0, 40)),
			status: result.Unjudged, verdict: doubtful, count: 1, judged: 80,
			detail: "1 of 80 late requests at risk was dropped, in 1 of 2 shutdowns: between 0.0641% and 5.79% of them are lost",
		},
		{
			name: "more is lost than is allowed, and not enough was seen - inconclusive", limit: 0.01, histories: histories(lossy(1, 40), lossy(0, 40)),
			status: result.Unjudged, verdict: doubtful, count: 1, judged: 80, detail: "so that nothing is proved; ",
		},
		{
			name: "just as much is lost as is allowed - inconclusive", limit: 0.1, histories: histories(lossy(10, 100)),
			status: result.Unjudged, verdict: doubtful, count: 10, judged: 100,
			detail: "the share is so near to the limit that no reasonable number of shutdowns decides it",
		},
		{
			// The bounds of DESIGN's command line: more than a thousand are refused.
			name: "a limit that cannot be proved by repetition - inconclusive", limit: 0.000001, histories: histories(lossy(0, 10)),
			status: result.Unjudged, verdict: doubtful, judged: 10,
			detail: "it would take 299574 shutdowns like these: send more requests a second (--rate), or allow more",
		},
		{
			name: "no late request was at risk - inconclusive", limit: 0.01, histories: histories(newHistory()),
			status: result.Unjudged, verdict: doubtful,
			detail: "no late request was at risk, so that no share of losses was measured: send more requests a second (--rate)",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			suite := Judge(tt.histories, limited(t, "default", tt.limit))
			for _, flaw := range flaws(suite) {
				t.Error(flaw)
			}
			s := suite.Subjects[0]
			f := finding(t, s, MaxLoss)
			if f.Status != tt.status || s.Verdict != tt.verdict || f.Count != tt.count || f.Judged != tt.judged || s.ShutdownsFailed != tt.failed {
				t.Errorf("%v, verdict %v, %d of %d, %d failed; want %v, %v, %d of %d, %d",
					f.Status, s.Verdict, f.Count, f.Judged, s.ShutdownsFailed, tt.status, tt.verdict, tt.count, tt.judged, tt.failed)
			}
			if !strings.Contains(f.Detail, tt.detail) {
				t.Errorf("it says %q, want %q", f.Detail, tt.detail)
			}
			if late := finding(t, s, LateRequestsAnswered); late.Status == bad {
				t.Errorf("the rule decides beside the bound: %+v", late)
			}
		})
	}
}

// TestMaxLossExcusesNothing: every late loss counts, avoidable or not, and none
// of another window.
func TestMaxLossExcusesNothing(t *testing.T) {
	h := newHistory().late(history.Completed, 100).late(history.Dropped, 1).late(history.Dropped, 2, reused).
		after(history.Refused, 50).done()
	f := finding(t, Judge([]*history.History{h}, limited(t, "default", 0.5)).Subjects[0], MaxLoss)
	if f.Count != 3 || f.Judged != 103 {
		t.Errorf("%d of %d, want 3 of 103", f.Count, f.Judged)
	}
	wantEvidence(t, f, h, ended(history.Dropped))
}

// TestMaxLossExpectsWhatIsAllowed: the limit is spelt as it was given.
func TestMaxLossExpectsWhatIsAllowed(t *testing.T) {
	for limit, want := range map[float64]string{0.001: "at most 0.1% of", 0.5: "at most 50% of", 0.0000015: "at most 0.00015% of"} {
		f := finding(t, Judge(histories(lossy(0, 10)), limited(t, "k8s", limit)).Subjects[0], MaxLoss)
		if !strings.HasPrefix(f.Expected, want) {
			t.Errorf("%v: it expects %q, want %q", limit, f.Expected, want)
		}
	}
}

// TestMaxLossOffSaysNothing: without a limit the rule decides.
func TestMaxLossOffSaysNothing(t *testing.T) {
	s := judge(t, "default", histories(lossy(3, 10)))
	if found := findings(s, MaxLoss); len(found) > 0 {
		t.Errorf("nothing was limited, and it says %+v", found)
	}
	broken := histories(lossy(3, 10).edit(func(h *history.History) { h.Results-- }))
	if found := findings(Judge(broken, limited(t, "default", 0.1)).Subjects[0], MaxLoss); len(found) > 0 {
		t.Errorf("no shutdown was intact, and it says %+v", found)
	}
}
