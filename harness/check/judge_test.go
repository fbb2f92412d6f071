package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestVerdictOrder: integrity comes first, then required rules, then the
// sample, then pass.
func TestVerdictOrder(t *testing.T) {
	small := func() *builder { return newFrame().before(history.Completed, 40).inFlight(history.Completed, 2) }
	broken := func(b *builder) *builder { return b.edit(func(h *history.History) { h.Results-- }) }
	tests := []struct {
		name      string
		policy    string
		histories []*history.History
		want      result.Verdict
		intact    int
		failed    int
	}{
		{"one intact shutdown - pass", "default", histories(newHistory()), pass, 1, 0},
		{"three intact shutdowns - pass", "strict", histories(newHistory(), newHistory(), newHistory()), pass, 3, 0},
		{
			"the only shutdown is broken, requests were dropped - inconclusive", "strict",
			histories(broken(newHistory().inFlight(history.Dropped, 9))), doubtful, 0, 0,
		},
		{
			"every shutdown is broken, requests were dropped - inconclusive", "default",
			histories(broken(newHistory().inFlight(history.Dropped, 9)), broken(newHistory().inFlight(history.Dropped, 9))), doubtful, 0, 0,
		},
		{
			"one intact shutdown lost one request, two are broken - fail", "default",
			histories(broken(newHistory()), newHistory().inFlight(history.Dropped, 1), broken(newHistory())), fail, 1, 1,
		},
		{
			"the broken shutdown lost requests, the intact one none - inconclusive", "default",
			histories(newHistory(), broken(newHistory().inFlight(history.Dropped, 9))), doubtful, 1, 0,
		},
		{
			"one of three is broken, nothing was lost - inconclusive", "default",
			histories(newHistory(), broken(newHistory()), newHistory()), doubtful, 2, 0,
		},
		{
			"too little at risk, one of it lost - fail", "default",
			histories(newFrame().before(history.Completed, 40).inFlight(history.Dropped, 1)), fail, 1, 1,
		},
		{"too little at risk - inconclusive", "default", histories(small()), doubtful, 1, 0},
		{
			"nothing in flight, and the exit code is 1 - fail", "default",
			histories(newFrame().before(history.Completed, 40).exit(history.Exit{Code: 1})), fail, 1, 1,
		},
		{
			"one short of the sample - inconclusive", "default",
			histories(newFrame().before(history.Completed, 40).inFlight(history.Completed, 19)), doubtful, 1, 0,
		},
		{
			"just the sample - pass", "default",
			histories(newFrame().before(history.Completed, 40).inFlight(history.Completed, 20)), pass, 1, 0,
		},
		{
			"refused requests do not make a sample - inconclusive", "default",
			histories(newFrame().before(history.Completed, 40).inFlight(history.Completed, 19).late(history.Refused, 500)), doubtful, 1, 0,
		},
		{
			"the sample is pooled over shutdowns - pass", "default",
			histories(
				newFrame().before(history.Completed, 40).inFlight(history.Completed, 7),
				newFrame().before(history.Completed, 40).inFlight(history.Completed, 7),
				newFrame().before(history.Completed, 40).inFlight(history.Completed, 6),
			), pass, 3, 0,
		},
		{
			"nothing in flight, much at risk - inconclusive", "default",
			histories(newFrame().before(history.Completed, 40).late(history.Completed, 500)), doubtful, 1, 0,
		},
		{
			"warned in every way - pass", "default",
			histories(
				newHistory().late(history.Dropped, 3, reused).inFlight(history.Completed, 2, keepsOpen).exit(history.Exit{Code: 143}),
			), pass, 1, 0,
		},
		{
			"the same under strict - fail", "strict",
			histories(
				newHistory().late(history.Dropped, 3, reused).inFlight(history.Completed, 2, keepsOpen).exit(history.Exit{Code: 143}),
			), fail, 1, 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, tt.policy, tt.histories)
			if s.Verdict != tt.want {
				t.Errorf("verdict %v, want %v: %+v", s.Verdict, tt.want, s.Findings)
			}
			if s.ShutdownsIntact != tt.intact || s.ShutdownsFailed != tt.failed {
				t.Errorf("%d intact, %d failed, want %d and %d", s.ShutdownsIntact, s.ShutdownsFailed, tt.intact, tt.failed)
			}
		})
	}
}

// TestSampleSaysWhatWouldHelp: an inconclusive result names a way out, with
// numbers: rate times delay requests are in flight, and half as many more than
// are needed are asked for.
func TestSampleSaysWhatWouldHelp(t *testing.T) {
	idle := func() *builder { return newFrame().before(history.Completed, 40) }
	tests := []struct {
		name      string
		rate      int
		delay     time.Duration
		histories []*builder
		want      string
	}{
		{
			"nothing in flight - inconclusive", 50, 10 * time.Millisecond,
			[]*builder{idle()},
			"no request was in flight at the signal, so nothing was tested: " +
				"let the handler take 600 ms (--delay), or send 3000 requests a second (--rate)",
		},
		{
			"nothing in flight in two shutdowns - inconclusive", 50, 10 * time.Millisecond,
			[]*builder{idle(), idle()},
			"no request was in flight at the signal, so nothing was tested: " +
				"let the handler take 300 ms (--delay), or send 1500 requests a second (--rate)",
		},
		{
			"too little at risk - inconclusive", 50, 10 * time.Millisecond,
			[]*builder{idle().inFlight(history.Completed, 3)},
			"only 3 requests were at risk, 20 are needed: " +
				"let the handler take 600 ms (--delay), or send 3000 requests a second (--rate), or try 10 times (--shutdowns)",
		},
		{
			"only one at risk, at a rate that cannot be raised - inconclusive", 50, time.Millisecond,
			[]*builder{idle().inFlight(history.Completed, 1)},
			"only 1 request was at risk, 20 are needed: let the handler take 600 ms (--delay), or try 30 times (--shutdowns)",
		},
		{
			"slow and fast enough, and yet in a lull - inconclusive", 500, time.Second,
			[]*builder{idle()},
			"no request was in flight at the signal, so nothing was tested: " +
				"repeat the run (--shutdowns): the signal found no open request",
		},
		{
			"slow: the delay is rounded up - inconclusive", 7, 0,
			[]*builder{idle()},
			"no request was in flight at the signal, so nothing was tested: let the handler take 4.3 s (--delay)",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := histories(tt.histories...)
			for _, h := range all {
				h.Header.Scenario.Load.Rate = tt.rate
				h.Header.Scenario.Subject.Delay.Duration = tt.delay
			}
			f := finding(t, judge(t, "default", all), "sample")
			if f.Detail != tt.want || f.Status != result.Unjudged {
				t.Errorf("it says %v, %q, want %q", f.Status, f.Detail, tt.want)
			}
			if !strings.Contains(f.Expected, "at least 20 at risk") {
				t.Errorf("it expects %q", f.Expected)
			}
		})
	}
}

// TestSampleAdvisesUsersOnTheirServer: how long it takes was measured, and nobody
// but its owner can make it take longer.
func TestSampleAdvisesUsersOnTheirServer(t *testing.T) {
	takes := func(d time.Duration) change {
		return func(r *history.Request) { r.End = r.Started + d; r.FirstByte = r.End }
	}
	tests := []struct {
		name    string
		rate    int
		history *builder
		want    string
	}{
		{
			"quick, at a low rate - inconclusive", 50, newFrame().before(history.Completed, 40, takes(2*time.Millisecond)),
			"no request was in flight at the signal, so nothing was tested: " +
				"use a URL that takes 600 ms or longer to answer, or send 15000 requests a second (--rate)",
		},
		{
			"slow, at a low rate - inconclusive", 50, newFrame().before(history.Completed, 40, takes(200*time.Millisecond)),
			"no request was in flight at the signal, so nothing was tested: " +
				"use a URL that takes 600 ms or longer to answer, or send 150 requests a second (--rate)",
		},
		{
			"quicker than any load can be - inconclusive", 500, newFrame().before(history.Completed, 40, takes(time.Millisecond)),
			"no request was in flight at the signal, so nothing was tested: use a URL that takes 60 ms or longer to answer",
		},
		{
			"it has answered nothing at all - inconclusive", 500, newFrame().late(history.Refused, 5),
			"no request was in flight at the signal, so nothing was tested: use a URL that takes 60 ms or longer to answer",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.history.kind("command").done()
			h.Header.Scenario.Load.Rate = tt.rate
			f := finding(t, judge(t, "default", []*history.History{h}), "sample")
			if f.Detail != tt.want || f.Status != result.Unjudged {
				t.Errorf("it says %v, %q, want %q", f.Status, f.Detail, tt.want)
			}
		})
	}
}

// TestSampleAsksForNothingImpossible: more shutdowns than a scenario may have are
// no advice.
func TestSampleAsksForNothingImpossible(t *testing.T) {
	p := policy(t, "default")
	for most, want := range map[int]bool{666: true, 667: false} {
		p.MinAtRisk = most
		s := Judge(histories(newFrame().before(history.Completed, 40).inFlight(history.Completed, 1)), p).Subjects[0]
		if f := finding(t, s, "sample"); strings.Contains(f.Detail, "(--shutdowns)") != want {
			t.Errorf("%d are needed, 1 was at risk: it says %q", most, f.Detail)
		}
	}
}

// TestNothingIsGreenByDefault: no zero value passes.
func TestNothingIsGreenByDefault(t *testing.T) {
	if v := *new(result.Verdict); v != result.Inconclusive {
		t.Errorf("the zero verdict is %v", v)
	}
	if s := *new(result.Status); s != result.Unjudged {
		t.Errorf("the zero status is %v", s)
	}
	if Judged(result.Suite{}) {
		t.Error("the zero suite was judged")
	}
	tests := []struct {
		name      string
		histories []*history.History
		policy    Policy
	}{
		{"no histories - inconclusive", nil, policy(t, "default")},
		{"an empty list of histories - inconclusive", []*history.History{}, policy(t, "strict")},
		{"a zero history - inconclusive", []*history.History{{}}, policy(t, "default")},
		{"three zero histories - inconclusive", []*history.History{{}, {}, {}}, policy(t, "default")},
		{"a zero history and a zero policy - inconclusive", []*history.History{{}}, Policy{}},
		// A policy that judges nothing has found nothing good.
		{"a good history and a zero policy - inconclusive", histories(newHistory()), Policy{}},
		{"only a rule that met nothing to judge - inconclusive", histories(newHistory()), Policy{Levels: map[string]Level{
			NoUnansweredExecution: {Require, Require},
		}}},
		{"a bad history and a zero policy - inconclusive", histories(newHistory().inFlight(history.Dropped, 9)), Policy{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			suite := Judge(tt.histories, tt.policy)
			if suite.Status != result.SuiteInconclusive || Judged(suite) {
				t.Errorf("status %v, judged %v, want inconclusive and not judged", suite.Status, Judged(suite))
			}
			for _, s := range suite.Subjects {
				if s.Verdict != result.Inconclusive || len(s.Story) == 0 {
					t.Errorf("%s: verdict %v with the story %q, want inconclusive with a reason", s.Name, s.Verdict, s.Story)
				}
			}
			if suite.Schema != result.Schema || suite.Subjects == nil || suite.Warnings == nil {
				t.Errorf("the suite is incomplete: %+v", suite)
			}
		})
	}
}

// TestSuiteStatus: the worst subject decides, except that an interruption does.
func TestSuiteStatus(t *testing.T) {
	ok := func(at int) *history.History { return newHistory().subject(at, "ok").done() }
	lossy := func(at int) *history.History {
		return newHistory().subject(at, "lossy").inFlight(history.Dropped, 1).done()
	}
	vague := func(at int) *history.History {
		return newFrame().subject(at, "vague").before(history.Completed, 9).done()
	}
	stopped := func(at int) *history.History {
		return newHistory().subject(at, "stopped").edit(func(h *history.History) { h.Interrupted = true }).done()
	}
	tests := []struct {
		name      string
		histories []*history.History
		want      result.Overall
		judged    bool
	}{
		{"all pass - pass", []*history.History{ok(0), ok(1)}, result.SuitePass, true},
		{"one fails - fail", []*history.History{ok(0), lossy(1)}, result.SuiteFail, true},
		{"the first fails - fail", []*history.History{lossy(0), ok(1)}, result.SuiteFail, true},
		{"one is inconclusive - inconclusive", []*history.History{vague(0), ok(1)}, result.SuiteInconclusive, false},
		{"one fails, one is inconclusive - fail", []*history.History{vague(0), lossy(1)}, result.SuiteFail, false},
		{"interrupted - interrupted", []*history.History{ok(0), stopped(1)}, result.SuiteInterrupted, false},
		{"interrupted after a failure - interrupted", []*history.History{lossy(0), stopped(1)}, result.SuiteInterrupted, false},
		{
			"interrupted in the second shutdown of a subject that fails - interrupted",
			[]*history.History{lossy(0), newHistory().subject(0, "lossy").shutdown(2).edit(func(h *history.History) { h.Interrupted = true }).done()},
			result.SuiteInterrupted, false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			suite := Judge(tt.histories, policy(t, "default"))
			for _, flaw := range flaws(suite) {
				t.Error(flaw)
			}
			if suite.Status != tt.want || Judged(suite) != tt.judged {
				t.Errorf("status %v, judged %v, want %v and %v", suite.Status, Judged(suite), tt.want, tt.judged)
			}
		})
	}
}

// TestSubjectsKeepTheOrderOfTheRun: shutdowns are interleaved, A B A B, and may
// come in any order when they are read from files.
func TestSubjectsKeepTheOrderOfTheRun(t *testing.T) {
	all := []*history.History{
		newHistory().subject(1, "b").shutdown(2).done(),
		newHistory().subject(0, "a").shutdown(2).done(),
		newHistory().subject(1, "b").shutdown(1).inFlight(history.Dropped, 1).done(),
		newHistory().subject(0, "a").shutdown(1).done(),
	}
	given := []*history.History{all[0], all[1], all[2], all[3]}
	suite := Judge(all, policy(t, "default"))
	if len(suite.Subjects) != 2 || suite.Subjects[0].Name != "a" || suite.Subjects[1].Name != "b" {
		t.Fatalf("subjects are %+v, want a and b", suite.Subjects)
	}
	for _, s := range suite.Subjects {
		if len(s.Details) != 2 || s.Details[0].Shutdown != 1 || s.Details[1].Shutdown != 2 {
			t.Errorf("%s: shutdowns are not 1 and 2: %+v", s.Name, s.Details)
		}
	}
	if suite.Subjects[0].Verdict != pass || suite.Subjects[1].Verdict != fail {
		t.Errorf("verdicts %v and %v, want pass and fail", suite.Subjects[0].Verdict, suite.Subjects[1].Verdict)
	}
	for i := range all {
		if all[i] != given[i] {
			t.Fatal("the caller's slice was sorted")
		}
	}
}

// TestSuiteHeader: the suite says what was run, and by which policy it was judged.
func TestSuiteHeader(t *testing.T) {
	second := newHistory().shutdown(2).done()
	second.Header.Started = second.Header.Started.Add(10 * time.Second)
	suite := Judge([]*history.History{newHistory().done(), second}, policy(t, "strict"))
	if suite.Scenario.Policy != "strict" || suite.Scenario.Name != "default" || suite.Seed != 7 || suite.Tool.Version != "test" {
		t.Errorf("the suite says %+v", suite)
	}
	// From the base of the first shutdown to the exit in the second.
	if want := 11.5; suite.Seconds != want {
		t.Errorf("it took %v s, want %v", suite.Seconds, want)
	}
}

// TestJudgeIsPure: judging changes nothing that it is given, and judging again
// gives the same.
func TestJudgeIsPure(t *testing.T) {
	build := func() []*history.History {
		return histories(newHistory().withLedger().late(history.Dropped, 2), newHistory().before(history.Failed, 1))
	}
	given := build()
	once, again := Judge(given, policy(t, "default")), Judge(given, policy(t, "default"))
	if diff := differs(once, again); diff != "" {
		t.Errorf("judged again (-once +again):\n%s", diff)
	}
	if diff := differs(build(), given); diff != "" {
		t.Errorf("the histories were changed (-before +after):\n%s", diff)
	}
}
