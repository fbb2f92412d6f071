package check

import (
	"slices"
	"strings"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// TestNeeds: what a scenario is run for must have been looked at, or there is no
// pass; and where nobody looked it is said what it takes.
func TestNeeds(t *testing.T) {
	needs := func(b *builder, rules ...string) *builder {
		b.h.Header.Scenario.Needs = rules
		return b
	}
	writes := func() *builder { return newHistory().posts() }
	for _, tt := range []struct {
		name    string
		history *builder
		policy  string
		verdict result.Verdict
		says    []string // of the sample's finding, nil if there is none
	}{
		{"nothing is needed - pass", writes(), "default", pass, nil},
		{"a ledger saw the writes - pass", needs(writes().withLedger(), NoLostAck), "default", pass, nil},
		{
			"nobody looked for the writes - inconclusive", needs(writes(), NoLostAck), "default", doubtful,
			[]string{
				"this scenario needs no-lost-ack, and there were no acknowledged writes to judge: " +
					"the server keeps no ledger, and no command lists what was applied (--applied). It takes requests", "or a ledger",
			},
		},
		{"nothing was written - inconclusive", needs(newHistory().withLedger(), NoLostAck), "default", doubtful, []string{"no request asks for a change (--method POST). It takes"}},
		{"nobody looked, and one was lost - fail", needs(writes().inFlight(history.Dropped, 1), NoLostAck), "default", fail, []string{"this scenario needs no-lost-ack"}},
		{
			"no connections are parked - inconclusive", needs(newHistory(), ClosesCleanly), "default", doubtful,
			[]string{"this scenario needs closes-cleanly, and there were no WebSocket connections and event streams to judge. It takes parked connections"},
		},
		{"some are - pass", needs(newHistory().parked(scenario.WebSocket, 1), ClosesCleanly), "default", pass, nil},
		{"a rule that only warns has judged, too - pass", needs(newHistory().inFlight(history.Completed, 1, func(r *history.Request) { r.Closes = false }), AnnouncesClose), "default", pass, nil},
		{
			"it is judged anew under a policy that leaves the rule out - inconclusive", needs(newHistory(), ServesThroughLag), "default", doubtful,
			[]string{"this scenario needs serves-through-lag, which is off. It takes a lag (--lag)"},
		},
		{
			"two are needed, and one is there - inconclusive", needs(newHistory().parked(scenario.WebSocket, 1), NoLostAck, ClosesCleanly), "default", doubtful,
			[]string{"this scenario needs no-lost-ack"},
		},
		{"nothing can be judged, which has another reason - inconclusive", needs(newHistory().edit(func(h *history.History) { h.Error = "oh" }), NoLostAck), "default", doubtful, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, tt.policy, []*history.History{tt.history.done()})
			if s.Verdict != tt.verdict {
				t.Errorf("verdict %s, want %s: %+v", s.Verdict, tt.verdict, s.Findings)
			}
			found := findings(s, Sample)
			if (len(found) > 0) != (tt.says != nil) || len(found) > 1 {
				t.Fatalf("found %+v, want %q", found, tt.says)
			}
			for _, phrase := range tt.says {
				if !strings.Contains(found[0].Detail, phrase) || found[0].Status != result.Unjudged {
					t.Errorf("%s: it says %q and not %q", found[0].Status, found[0].Detail, phrase)
				}
			}
			if told := strings.Contains(strings.Join(s.Story, " "), "This scenario needs"); told != (tt.says != nil && tt.verdict == doubtful) {
				t.Errorf("the story is %q", s.Story)
			}
		})
	}
	// In one of several shutdowns is enough.
	s := judge(t, "default", histories(needs(newHistory(), ClosesCleanly), needs(newHistory().parked(scenario.WebSocket, 1), ClosesCleanly)))
	if s.Verdict != pass {
		t.Errorf("verdict %s: %+v", s.Verdict, s.Findings)
	}
}

// TestNeedsOfRules: each rule can be needed where it means something.
func TestNeedsOfRules(t *testing.T) {
	for _, while := range [][]string{nil, {"reload"}} {
		for _, r := range Rules() {
			d := scenario.Disruption{While: while}
			_, _, err := Resolve(scenario.Scenario{Policy: "k8s", Disruption: d, Needs: []string{r.Name}})
			if (err == nil) != r.applies(d) {
				t.Errorf("%s while %q: %v", r.Name, while, err)
			}
		}
	}
	if _, _, err := Resolve(scenario.Scenario{Policy: "k8s", Needs: []string{"no-such-rule"}}); err == nil {
		t.Error("a rule is needed that there is not")
	}
	if slices.Contains(RuleNames(), Sample) {
		t.Error("a rule is called as what is said of the sample")
	}
}
