package check

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/harness/stats"
)

// lossy is a shutdown that lost so many of so many requests of its worst half second,
// in the races that no server can win. At least 40 are sent in any.
func lossy(lost, n int) *builder {
	const inFlight = 25
	return newFrame().before(history.Completed, 40).inFlight(history.Completed, inFlight).
		late(history.Dropped, lost, reused).late(history.Completed, n-lost-inFlight)
}

// several are so many shutdowns of the same kind.
func several(n int, build func() *builder) []*builder {
	all := make([]*builder, n)
	for i := range all {
		all[i] = build()
	}
	return all
}

// limited is the policy of that name with a limit for late losses.
func limited(t *testing.T, name string, limit float64) Policy {
	t.Helper()
	p, _, err := Resolve(scenario.Scenario{Policy: name, Overrides: scenario.Overrides{MaxLoss: scenario.Share(limit)}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestMaxLoss: proved to be kept, proved to be broken, or neither.
func TestMaxLoss(t *testing.T) {
	lossless := func() *builder { return lossy(0, 100) }
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
			name: "none of 299 shutdowns loses, 1 % is allowed - pass", limit: 0.01, histories: histories(several(299, lossless)...),
			status: good, verdict: pass, judged: 29900,
			detail: "0 of 29900 requests of the worst half second were late and dropped, in 0 of 299 shutdowns: " +
				"on average at most 0.997% are dropped, with 95% confidence, and 1% is allowed",
		},
		{
			name: "none of 298 shutdowns loses, 1 % is allowed - inconclusive", limit: 0.01, histories: histories(several(298, lossless)...),
			status: result.Unjudged, verdict: doubtful, judged: 29800,
			detail: "0 of 29800 requests of the worst half second were late and dropped, in 0 of 298 shutdowns: on average between 0% and 1% are dropped, " +
				"with 95% confidence on either side, and 1% is allowed, so nothing is proved; " +
				"a run of 299 shutdowns like these would decide it: choose their number before the run (--shutdowns 299)",
		},
		{
			name: "however many requests, two shutdowns prove little - inconclusive", limit: 0.01, histories: histories(lossy(0, 1000), lossy(0, 1000)),
			status: result.Unjudged, verdict: doubtful, judged: 2000,
			detail: "on average between 0% and 77.6% are dropped",
		},
		{
			name: "one shutdown of ten loses much - inconclusive", limit: 0.01, histories: histories(append(several(9, lossless), lossy(5, 100))...),
			status: result.Unjudged, verdict: doubtful, count: 5, judged: 1000,
			detail: "5 of 1000 requests of the worst half second were late and dropped, in 1 of 10 shutdowns: on average between 0.0256% and ",
		},
		{
			name: "some are lost, within the limit - pass", limit: 0.3, histories: histories(several(10, func() *builder { return lossy(3, 100) })...),
			status: good, verdict: pass, count: 30, judged: 1000,
			detail: "30 of 1000 requests of the worst half second were late and dropped, in 10 of 10 shutdowns: " +
				"on average at most 28.1% are dropped, with 95% confidence, and 30% is allowed",
		},
		{
			name: "all lose more than the limit - fail", limit: 0.01, histories: histories(several(3, func() *builder { return lossy(5, 100) })...),
			status: bad, verdict: fail, count: 15, judged: 300, failed: 3,
			detail: "15 of 300 requests of the worst half second were late and dropped, in 3 of 3 shutdowns: " +
				"on average at least 1.84% are dropped, with 95% confidence, and 1% is allowed",
		},
		{
			name: "two of three lose more than the limit - fail", limit: 0.001, histories: histories(lossy(5, 40), lossy(0, 40), lossy(3, 40)),
			status: bad, verdict: fail, count: 8, judged: 120, failed: 2,
			detail: "8 of 120 requests of the worst half second were late and dropped, in 2 of 3 shutdowns: on average at least 1.31% are dropped",
		},
		{
			name: "just as much is lost as is allowed - inconclusive", limit: 0.1, histories: histories(lossy(10, 100)),
			status: result.Unjudged, verdict: doubtful, count: 10, judged: 100,
			detail: "the share is too near the limit for any reasonable number of shutdowns",
		},
		{
			name: "a limit that no run can prove - inconclusive", limit: 0.001, histories: histories(lossy(0, 40)),
			status: result.Unjudged, verdict: doubtful, judged: 40,
			detail: "it would take 2995 shutdowns like these, and a run has at most 1000: allow a higher share (--max-loss)",
		},
		{
			name: "no request was late - inconclusive", limit: 0.01, histories: histories(newFrame().before(history.Completed, 40).inFlight(history.Completed, 25)),
			status: result.Unjudged, verdict: doubtful,
			detail: "no request was sent late, so no share of losses was measured: send more requests a second (--rate)",
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
		after(history.Refused, 50).done() // 25 in flight, 100, 3 and 5 that are refused; and 25 that come as early as the last
	f := finding(t, Judge([]*history.History{h}, limited(t, "default", 0.5)).Subjects[0], MaxLoss)
	if f.Count != 3 || f.Judged != 158 {
		t.Errorf("%d of %d, want 3 of 158", f.Count, f.Judged)
	}
	wantEvidence(t, f, h, ended(history.Dropped))
}

// TestMaxLossExpectsWhatIsAllowed: the limit is spelt as it was given.
func TestMaxLossExpectsWhatIsAllowed(t *testing.T) {
	for limit, want := range map[float64]string{0.001: "on average over shutdowns, at most 0.1% of", 0.5: "on average over shutdowns, at most 50% of", 0.0000015: "on average over shutdowns, at most 0.00015% of"} {
		f := finding(t, Judge(histories(lossy(0, 40)), limited(t, "k8s", limit)).Subjects[0], MaxLoss)
		if !strings.HasPrefix(f.Expected, want) {
			t.Errorf("%v: it expects %q, want %q", limit, f.Expected, want)
		}
	}
}

// TestMaxLossOffSaysNothing: without a limit the rule decides.
func TestMaxLossOffSaysNothing(t *testing.T) {
	s := judge(t, "default", histories(lossy(3, 40)))
	if found := findings(s, MaxLoss); len(found) > 0 {
		t.Errorf("nothing was limited, and it says %+v", found)
	}
	broken := histories(lossy(3, 40).edit(func(h *history.History) { h.Results-- }))
	if found := findings(Judge(broken, limited(t, "default", 0.1)).Subjects[0], MaxLoss); len(found) > 0 {
		t.Errorf("no shutdown was intact, and it says %+v", found)
	}
}

// TestLingeringDilutesNothing: a server that serves on for six seconds before it
// loses as many is no better than one that does so at once, and one that turns
// everybody away meanwhile no worse.
func TestLingeringDilutesNothing(t *testing.T) {
	const each = 5 * time.Millisecond // 200 requests a second
	lingering := func(linger time.Duration, meanwhile history.Outcome) *builder {
		b := newFrame()
		close := signalAt + linger
		for at := 100 * time.Millisecond; at < signalAt-60*time.Millisecond; at += each {
			b.add(at, at+20*time.Millisecond, history.Completed, 1, nil)
		}
		b.inFlight(history.Completed, 12)
		for at := signalAt + each; at < close; at += each {
			b.add(at, at+20*time.Millisecond, meanwhile, 1, nil)
		}
		b.add(close, close+time.Millisecond, history.Dropped, 4, []change{reused})
		for at := close + each; at < close+time.Second; at += each {
			b.add(at, at+time.Millisecond, history.Refused, 1, nil)
		}
		return b.edit(func(h *history.History) {
			h.Exit.At = close + 300*time.Millisecond
			h.Events[3].At, h.Events[4].At = close, h.Exit.At
		})
	}
	for _, linger := range []time.Duration{0, 50 * time.Millisecond, time.Second, 6 * time.Second} {
		for _, meanwhile := range []history.Outcome{history.Completed, history.Refused} {
			build := func() *builder { return lingering(linger, meanwhile) }
			f := finding(t, Judge(histories(several(5, build)...), limited(t, "default", 0.01)).Subjects[0], MaxLoss)
			if share := float64(f.Count) / float64(f.Judged); f.Status != bad || f.Count != 20 || share < 0.035 || share > 0.042 {
				t.Errorf("after %s in which they were %s: %v, %s", linger, meanwhile, f.Status, f.Detail)
			}
		}
	}
}

// TestMaxLossSaysHowManyWouldTell: what it asks for is what decides.
func TestMaxLossSaysHowManyWouldTell(t *testing.T) {
	asked := regexp.MustCompile(`\(--shutdowns (\d+)\)`)
	for _, tt := range []struct {
		shares []float64
		limit  float64
	}{
		{[]float64{0, 0, 0}, 0.3},
		{[]float64{0.02, 0, 0, 0}, 0.001},
	} {
		t.Run(fmt.Sprintf("%v, %v allowed", tt.shares, tt.limit), func(t *testing.T) {
			all := stats.SharesOf(tt.shares)
			status, said := weigh(all, tt.limit)
			number := asked.FindStringSubmatch(said)
			if status != result.Unjudged || number == nil {
				t.Fatalf("%v, %q: it asks for no shutdowns", status, said)
			}
			n, err := strconv.Atoi(number[1])
			if err != nil || n <= len(tt.shares) {
				t.Fatalf("it asks for %d shutdowns, %v, and there were %d", n, err, len(tt.shares))
			}
			if needed, ok := all.Needed(tt.limit); !ok || n != needed {
				t.Errorf("it asks for %d shutdowns, and %d decide (%v)", n, needed, ok)
			}
		})
	}
}

// TestShutdownsNeededByTheRuleOfThree: 3/n bounds what was not seen in n shutdowns,
// however many requests each of them had.
// TestNothingDecidesAtTheLimit: where the share is the limit, or nearly, the
// search ends.
