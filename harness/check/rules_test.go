package check

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// ruleCase is one history seen by one rule. Under policy "default" and
// "strict" the finding has those statuses.
type ruleCase struct {
	name                         string
	history                      *builder
	normal, strict               result.Status
	judged, count                int
	detail                       string
	evidence                     func(*history.Request) bool // nil: of the shutdown, or none
	normalVerdict, strictVerdict result.Verdict
}

// run judges the case's history by both policies.
func (tt ruleCase) run(t *testing.T, rule string) {
	t.Run(tt.name, func(t *testing.T) {
		h := tt.history.done()
		tt.check(t, "default", rule, h, tt.normal, tt.normalVerdict)
		tt.check(t, "strict", rule, h, tt.strict, tt.strictVerdict)
	})
}

func (tt ruleCase) check(t *testing.T, policyName, rule string, h *history.History, want result.Status, verdict result.Verdict) {
	t.Helper()
	s := judge(t, policyName, []*history.History{h})
	f := finding(t, s, rule)
	if f.Status != want || f.Judged != tt.judged || f.Count != tt.count {
		t.Errorf("%s: %v, %d of %d, want %v, %d of %d", policyName, f.Status, f.Count, f.Judged, want, tt.count, tt.judged)
	}
	if s.Verdict != verdict {
		t.Errorf("%s: verdict %v, want %v", policyName, s.Verdict, verdict)
	}
	if !strings.Contains(f.Detail, tt.detail) {
		t.Errorf("%s: detail %q does not say %q", policyName, f.Detail, tt.detail)
	}
	if f.Expected != ruleByName(t, rule).Asks || f.Reference != ruleByName(t, rule).Reference {
		t.Errorf("%s: expected %q by %q is not what the rule asks", policyName, f.Expected, f.Reference)
	}
	if tt.count > 0 {
		wantEvidence(t, f, h, tt.evidence)
	}
}

func ruleByName(t *testing.T, name string) Rule {
	t.Helper()
	for _, r := range Rules() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no rule %q", name)
	return Rule{}
}

// added are the requests that a case adds to newHistory.
func added(r *history.Request) bool { return r.Seq >= firstAdded }

// Short names, for tables that fit a screen.
const (
	good     = result.Satisfied
	bad      = result.Violated
	warned   = result.Warned
	unmet    = result.NotExercised
	pass     = result.Pass
	fail     = result.Fail
	doubtful = result.Inconclusive
)

func TestInFlightCompletes(t *testing.T) {
	tests := []ruleCase{
		{
			name: "all completed - pass", history: newHistory(),
			normal: good, strict: good, judged: 25, detail: "25 requests in flight judged, no violation", normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "one dropped - fail", history: newHistory().inFlight(history.Dropped, 1),
			normal: bad, strict: bad, judged: 26, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
			detail: "1 of 26 requests in flight was not completed, in 1 of 1 shutdowns",
		},
		{
			name: "one rejected - fail", history: newHistory().inFlight(history.Rejected, 1),
			normal: bad, strict: bad, judged: 26, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "one failed - fail", history: newHistory().inFlight(history.Failed, 1),
			normal: bad, strict: bad, judged: 26, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			// Nothing excuses the loss of a request in flight, whatever its connection.
			name: "dropped on a reused connection - fail", history: newHistory().inFlight(history.Dropped, 2, reused),
			normal: bad, strict: bad, judged: 27, count: 2, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name:    "truncated, hung and corrupt - fail",
			history: newHistory().inFlight(history.Dropped, 1, cause(history.Truncated)).inFlight(history.Dropped, 1, cause(history.Hung)).inFlight(history.Dropped, 1, cause(history.Corrupt)),
			normal:  bad, strict: bad, judged: 28, count: 3, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			// Written 20 ms after the signal, but the server had it before: its ledger says so.
			name: "the ledger had it before the signal - fail",
			history: newHistory().withLedger().late(history.Dropped, 1).
				edit(first(firstAdded, history.Received)),
			normal: bad, strict: bad, judged: 26, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "nothing in flight - inconclusive", history: newFrame().before(history.Completed, 40).late(history.Completed, 25),
			normal: unmet, strict: unmet, detail: "there were no requests in flight to judge", normalVerdict: doubtful, strictVerdict: doubtful,
		},
	}
	for _, tt := range tests {
		tt.run(t, InFlightCompletes)
	}
}

// TestLateRequestsAnswered: newHistory closes its listener 200 ms after the
// signal, and its late requests are sent 20 ms after it.
func TestLateRequestsAnswered(t *testing.T) {
	tests := []ruleCase{
		{
			name: "only refused - pass", history: newHistory(),
			normal: unmet, strict: unmet, detail: "there were no late requests at risk to judge", normalVerdict: pass, strictVerdict: pass,
		},
		{
			name:    "completed, rejected and failed are answers - pass",
			history: newHistory().late(history.Completed, 3).late(history.Rejected, 2),
			normal:  good, strict: good, judged: 5, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "dropped on a new connection, long before the listener closed - fail", history: newHistory().late(history.Dropped, 1),
			normal: bad, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
			detail: "1 of 1 late requests at risk was dropped, in 1 of 1 shutdowns",
		},
		{
			name: "reset on a new connection - fail", history: newHistory().late(history.Dropped, 1, cause(history.Reset)),
			normal: bad, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "closed on an idle connection - warn", history: newHistory().late(history.Dropped, 2, reused),
			normal: warned, strict: bad, judged: 2, count: 2, evidence: added, normalVerdict: pass, strictVerdict: fail,
			detail: "2 of 2 late requests at risk were dropped, in 1 of 1 shutdowns; all of them excused: the races that no HTTP/1.1 server can win",
		},
		{
			name:    "read, and closed 10 ms after its sending - warn",
			history: newHistory().late(history.Dropped, 1, reused, endsAfter(quickRead)),
			normal:  warned, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: pass, strictVerdict: fail,
		},
		{
			name:    "read, and closed later than that, as other connections were - in doubt",
			history: newHistory().late(history.Dropped, 1, reused, endsAfter(quickRead+1)),
			normal:  result.Unjudged, strict: result.Unjudged, judged: 1, count: 1, evidence: added, normalVerdict: doubtful, strictVerdict: doubtful,
		},
		{
			name:    "unread for 100 ms - warn",
			history: newHistory().late(history.Dropped, 1, reused, cause(history.Reset), endsAfter(longUnread)),
			normal:  warned, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: pass, strictVerdict: fail,
		},
		{
			name: "reset on an idle connection - warn", history: newHistory().late(history.Dropped, 1, reused, cause(history.Reset)),
			normal: warned, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: pass, strictVerdict: fail,
		},
		{
			name:    "reset 10 ms before the listener was last seen - warn",
			history: newHistory().late(history.Dropped, 1, cause(history.Reset), sentAt(closeAt-12*time.Millisecond), endsAt(closeAt-11*time.Millisecond)),
			normal:  warned, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: pass, strictVerdict: fail,
		},
		{
			name:    "hung up on 10 ms after the listener was seen closed - warn",
			history: newHistory().late(history.Dropped, 1, sentAt(closeAt+9*time.Millisecond), endsAt(closeAt+history.Crossing)),
			normal:  warned, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: pass, strictVerdict: fail,
		},
		{
			name:    "just too early - fail",
			history: newHistory().late(history.Dropped, 1, sentAt(closeAt-12*time.Millisecond), endsAt(closeAt-11*time.Millisecond-1)),
			normal:  bad, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name:    "just too late - fail",
			history: newHistory().late(history.Dropped, 1, sentAt(closeAt+9*time.Millisecond), endsAt(closeAt+history.Crossing+1)),
			normal:  bad, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			// An answer had begun: the server had the request and cut itself off.
			name: "truncated on a reused connection - fail", history: newHistory().late(history.Dropped, 1, reused, cause(history.Truncated)),
			normal: bad, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "hung on a reused connection - fail", history: newHistory().late(history.Dropped, 1, reused, cause(history.Hung)),
			normal: bad, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "corrupt on a reused connection - fail", history: newHistory().late(history.Dropped, 1, reused, cause(history.Corrupt)),
			normal: bad, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			// The server's own code had it: this was no race in a buffer.
			name:    "received after the signal and dropped, on a reused connection - fail",
			history: newHistory().withLedger().late(history.Dropped, 1, reused).note(firstAdded, history.Received),
			normal:  bad, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			// Dropped after the exit counts as late (somebody still accepted it).
			name: "dropped long after the exit - fail", history: newHistory().after(history.Dropped, 1, sentAt(exitAt+time.Second), endsAt(exitAt+2*time.Second)),
			normal: bad, strict: bad, judged: 1, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name:    "one breach among excused - fail",
			history: newHistory().late(history.Dropped, 4, reused).late(history.Dropped, 1, away),
			normal:  bad, strict: bad, judged: 5, count: 5, evidence: added, normalVerdict: fail, strictVerdict: fail,
			detail: "; 4 of them excused",
		},
	}
	for _, tt := range tests {
		tt.run(t, LateRequestsAnswered)
	}
}

func TestNoFailed(t *testing.T) {
	tests := []ruleCase{
		{
			name: "none - pass", history: newHistory().late(history.Rejected, 2),
			normal: good, strict: good, judged: 27, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "late - fail", history: newHistory().late(history.Failed, 2),
			normal: bad, strict: bad, judged: 27, count: 2, evidence: added, normalVerdict: fail, strictVerdict: fail,
			detail: "2 of 27 requests at risk got a wrong answer",
		},
		{
			name: "in flight - fail", history: newHistory().inFlight(history.Failed, 1),
			normal: bad, strict: bad, judged: 26, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			// Whoever answers then is not the process that was told to stop.
			name: "after the exit - pass", history: newHistory().after(history.Failed, 3),
			normal: good, strict: good, judged: 25, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "nothing at risk - inconclusive", history: newFrame().before(history.Completed, 40).late(history.Refused, 5),
			normal: unmet, strict: unmet, normalVerdict: doubtful, strictVerdict: doubtful,
		},
	}
	for _, tt := range tests {
		tt.run(t, NoFailed)
	}
}

func TestAnnouncesClose(t *testing.T) {
	guarded := signalAt + signalIn + history.MinGuard
	tests := []ruleCase{
		{
			name: "every last answer says so - pass", history: newHistory(),
			normal: good, strict: good, judged: 25, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "one does not - warn", history: newHistory().inFlight(history.Completed, 1, keepsOpen),
			normal: warned, strict: bad, judged: 26, count: 1, evidence: added, normalVerdict: pass, strictVerdict: fail,
			detail: "1 of 26 last answers did not say Connection: close",
		},
		{
			name: "a rejection must say it too - warn", history: newHistory().late(history.Rejected, 1, keepsOpen),
			normal: warned, strict: bad, judged: 26, count: 1, evidence: added, normalVerdict: pass, strictVerdict: fail,
		},
		{
			name: "only the last answer of a connection must - pass",
			history: newHistory().inFlight(history.Completed, 1, keepsOpen, onConn(99)).
				late(history.Completed, 1, onConn(99)),
			normal: good, strict: good, judged: 26, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "said once, and then not - warn",
			history: newHistory().inFlight(history.Completed, 1, onConn(99)).
				late(history.Completed, 1, keepsOpen, onConn(99)),
			normal: warned, strict: bad, judged: 26, count: 1, evidence: is(firstAdded + 1), normalVerdict: pass, strictVerdict: fail,
		},
		{
			name:    "begun as the guard ended - pass",
			history: newHistory().inFlight(history.Completed, 1, keepsOpen, firstByteAt(guarded)),
			normal:  good, strict: good, judged: 25, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name:    "begun just after the guard - warn",
			history: newHistory().inFlight(history.Completed, 1, keepsOpen, firstByteAt(guarded+1)),
			normal:  warned, strict: bad, judged: 26, count: 1, evidence: added, normalVerdict: pass, strictVerdict: fail,
		},
		{
			name: "no answer begun after the signal - not exercised",
			history: newFrame().before(history.Completed, 40).
				inFlight(history.Completed, 25, keepsOpen, firstByteAt(signalAt)),
			normal: unmet, strict: unmet, normalVerdict: pass, strictVerdict: pass,
			detail: "there were no last answers to judge",
		},
		{
			// A successor on the same port, say: it was not told to stop.
			name: "answered by somebody else after the exit - pass", history: newHistory().after(history.Completed, 1, keepsOpen),
			normal: good, strict: good, judged: 25, normalVerdict: pass, strictVerdict: pass,
		},
		{
			// What was cut off said nothing: the loss is another rule's.
			name: "dropped on the connection - pass", history: newHistory().late(history.Dropped, 1, reused),
			normal: good, strict: good, judged: 25, normalVerdict: pass, strictVerdict: fail,
		},
	}
	for _, tt := range tests {
		tt.run(t, AnnouncesClose)
	}
}

func TestExitsInGrace(t *testing.T) {
	tests := []ruleCase{
		{
			name: "by itself - pass", history: newHistory(),
			normal: good, strict: good, judged: 1, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "killed - fail", history: newHistory().exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}),
			normal: bad, strict: bad, judged: 1, count: 1, normalVerdict: fail, strictVerdict: fail,
			detail: "1 of 1 shutdowns did not end by themselves while there was time",
		},
		{
			// It came too late: that it then returned 0 does not help.
			name: "killed, but quick enough to exit with 0 - fail", history: newHistory().exit(history.Exit{Killed: true}),
			normal: bad, strict: bad, judged: 1, count: 1, normalVerdict: fail, strictVerdict: fail,
		},
		{
			// Somebody else's SIGKILL is a matter of the exit status.
			name: "killed by somebody else - fail", history: newHistory().exit(history.Exit{Code: -1, Signal: "SIGKILL"}),
			normal: good, strict: good, judged: 1, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "left alone while it still ran - inconclusive", history: newHistory().edit(paused(signalAt + 200*time.Millisecond)),
			normal: good, strict: good, judged: 1, normalVerdict: doubtful, strictVerdict: doubtful,
		},
		{
			name: "left alone, and killed - fail", history: newHistory().edit(paused(signalAt + 200*time.Millisecond)).
				exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}),
			normal: bad, strict: bad, judged: 1, count: 1, normalVerdict: fail, strictVerdict: fail,
		},
	}
	for _, tt := range tests {
		tt.run(t, ExitsInGrace)
	}
}

func TestExitStatus(t *testing.T) {
	tests := []ruleCase{
		{
			name: "code 0 - pass", history: newHistory(),
			normal: good, strict: good, judged: 1, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "code 1 - fail", history: newHistory().exit(history.Exit{Code: 1}),
			normal: bad, strict: bad, judged: 1, count: 1, normalVerdict: fail, strictVerdict: fail,
			detail: "1 of 1 shutdowns did not exit with a clean code: it ended with exit code 1",
		},
		{
			name: "128 plus the signal's number - warn", history: newHistory().exit(history.Exit{Code: 143}),
			normal: warned, strict: bad, judged: 1, count: 1, normalVerdict: pass, strictVerdict: fail,
			detail: "1 of 1 shutdowns did not exit with a clean code: it ended with exit code 143; excused: 128 plus the signal's number",
		},
		{
			name: "128 plus another signal's number - fail", history: newHistory().exit(history.Exit{Code: 130}),
			normal: bad, strict: bad, judged: 1, count: 1, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "death by the signal sent - warn", history: newHistory().exit(history.Exit{Code: -1, Signal: "SIGTERM"}),
			normal: warned, strict: bad, judged: 1, count: 1, normalVerdict: pass, strictVerdict: fail,
		},
		{
			name: "death by another signal - fail", history: newHistory().exit(history.Exit{Code: -1, Signal: "SIGSEGV"}),
			normal: bad, strict: bad, judged: 1, count: 1, normalVerdict: fail, strictVerdict: fail,
		},
		{
			// Its status is our doing, not its own.
			name: "killed by lastcall - not exercised", history: newHistory().exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}),
			normal: unmet, strict: unmet, normalVerdict: fail, strictVerdict: fail,
		},
	}
	for _, tt := range tests {
		tt.run(t, ExitStatus)
	}
}

func TestNoUnansweredExecution(t *testing.T) {
	tests := []ruleCase{
		{
			name: "no ledger - not exercised", history: newHistory(),
			normal: unmet, strict: unmet, detail: "there were no executed requests to judge", normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "whatever was executed was answered - pass", history: newHistory().withLedger(),
			normal: good, strict: good, judged: 25, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "executed late and dropped - warn, beside the failure of another rule",
			history: newHistory().withLedger().late(history.Dropped, 1).
				note(firstAdded, history.Received, history.Executed),
			normal: warned, strict: bad, judged: 26, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
			detail: "1 of 26 executed requests was dropped after the server had done the work",
		},
		{
			// A ledger without "received" lines cannot be held against the server's
			// word, but what it executed it executed.
			name: "executed but not received, dropped on an idle connection - warn",
			history: newHistory().withLedger().late(history.Dropped, 1, reused).
				note(firstAdded, history.Executed),
			normal: warned, strict: bad, judged: 26, count: 1, evidence: added, normalVerdict: pass, strictVerdict: fail,
		},
		{
			name: "received, not executed, dropped - fails another rule only", history: newHistory().withLedger().inFlight(history.Dropped, 1),
			normal: good, strict: good, judged: 25, normalVerdict: fail, strictVerdict: fail,
		},
	}
	for _, tt := range tests {
		tt.run(t, NoUnansweredExecution)
	}
}

// TestEvidencePointsAtTheRequests: over several shutdowns of two subjects, a
// finding names each shutdown and request that broke the rule, and no other.
func TestEvidencePointsAtTheRequests(t *testing.T) {
	all := histories(
		newHistory(),
		newHistory().inFlight(history.Dropped, 2),
		newHistory().late(history.Completed, 1).inFlight(history.Rejected, 1),
	)
	all = append(all, newHistory().subject(1, "other").inFlight(history.Failed, 1).done())
	suite := Judge(all, policy(t, "default"))
	want := map[int][]uint32{2: {firstAdded, firstAdded + 1}, 3: {firstAdded + 1}}
	f := finding(t, suite.Subjects[0], InFlightCompletes)
	got := make(map[int][]uint32)
	for _, e := range f.Evidence {
		if e.Seq == nil {
			t.Fatalf("evidence without a request: %+v", e)
		}
		got[e.Shutdown] = append(got[e.Shutdown], *e.Seq)
	}
	for _, shutdown := range []int{1, 2, 3} {
		if !sameSet(got[shutdown], want[shutdown]) {
			t.Errorf("shutdown %d: evidence %v, want %v", shutdown, got[shutdown], want[shutdown])
		}
	}
	if !strings.HasSuffix(f.Detail, "in 2 of 3 shutdowns") {
		t.Errorf("detail %q does not count the shutdowns", f.Detail)
	}
	if suite.Subjects[0].ShutdownsFailed != 2 {
		t.Errorf("%d shutdowns failed, want 2", suite.Subjects[0].ShutdownsFailed)
	}
}

// TestRuleTexts: whatever a user can ask to have explained is there.
func TestRuleTexts(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range Rules() {
		if r.Name == "" || r.Asks == "" || r.Reference == "" || r.Unit == "" || r.Breach == "" || r.judge == nil {
			t.Errorf("rule %q is incomplete: %+v", r.Name, r)
		}
		if seen[r.Name] {
			t.Errorf("rule %q is there twice", r.Name)
		}
		seen[r.Name] = true
	}
	for _, p := range Policies() {
		if p.Name == "" || p.Summary == "" || p.Source == "" || p.MinAtRisk <= 0 {
			t.Errorf("policy %q is incomplete: %+v", p.Name, p)
		}
		for rule := range p.Levels {
			if !seen[rule] {
				t.Errorf("policy %q has a level for %q, which is no rule", p.Name, rule)
			}
		}
		for rule := range seen {
			if _, ok := p.Levels[rule]; !ok {
				t.Errorf("policy %q does not mention rule %q: it would be off in silence", p.Name, rule)
			}
		}
	}
}

// TestListsAreFresh: nobody can change the rules for others.
func TestListsAreFresh(t *testing.T) {
	Rules()[0].Name = "changed"
	if got := Rules()[0].Name; got != SignalDelivered {
		t.Errorf("the first rule is now %q", got)
	}
	Policies()[0].Levels[InFlightCompletes] = Level{}
	if p := policy(t, "default"); p.Levels[InFlightCompletes] != (Level{Require, Require}) {
		t.Errorf("the default policy is now %v", p.Levels[InFlightCompletes])
	}
	if _, ok := PolicyByName("lenient"); ok {
		t.Error("a policy that does not exist was found")
	}
}

// TestLevel weighs breaches and excused breaches by every pair of severities.
func TestLevel(t *testing.T) {
	tests := []struct {
		name                             string
		level                            Level
		judged, breaches, excused, other int
		want                             result.Status
		text                             string
	}{
		{"nothing to judge - not exercised", Level{Require, Require}, 0, 0, 0, 0, result.NotExercised, "fail"},
		{"no breach - pass", Level{Require, Warn}, 5, 0, 0, 0, result.Satisfied, "fail, excused: warn"},
		{"a breach, required - fail", Level{Require, Warn}, 5, 1, 0, 0, result.Violated, "fail, excused: warn"},
		{"an excused breach, warned - warn", Level{Require, Warn}, 5, 0, 1, 0, result.Warned, "fail, excused: warn"},
		{"both - fail", Level{Require, Warn}, 5, 1, 1, 0, result.Violated, "fail, excused: warn"},
		{"an excused breach, required - fail", Level{Warn, Require}, 5, 1, 1, 0, result.Violated, "warn, excused: fail"},
		{"a breach, warned - warn", Level{Warn, Off}, 5, 1, 1, 0, result.Warned, "warn, excused: off"},
		{"an excused breach, off - pass", Level{Require, Off}, 5, 0, 1, 0, result.Satisfied, "fail, excused: off"},
		{"a breach of another kind - fail", Level{Require, Warn}, 5, 0, 0, 1, result.Violated, "fail, excused: warn"},
		{"a breach of another kind, and nothing to judge - fail", Level{Require, Require}, 0, 0, 0, 1, result.Violated, "fail"},
		{"a breach of another kind, warned - warn", Level{Warn, Off}, 0, 0, 0, 1, result.Warned, "warn, excused: off"},
		{"a breach of another kind, off - pass", Level{Off, Require}, 5, 0, 0, 1, result.Satisfied, "off, excused: fail"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			given := tally{
				judged: tt.judged, breaches: make([]result.Evidence, tt.breaches),
				excused: make([]result.Evidence, tt.excused), other: make([]result.Evidence, tt.other),
			}
			if got := tt.level.status(given); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := tt.level.String(); got != tt.text {
				t.Errorf("it calls itself %q, want %q", got, tt.text)
			}
		})
	}
}

// TestRuleOff: a rule that the policy turns off has no finding, whichever it is,
// and every other that is on, and has a meaning, has one.
func TestRuleOff(t *testing.T) {
	for name, b := range map[string]func() *builder{"a signal": newHistory, "a command": newReload} {
		for _, policyName := range PolicyNames() {
			for _, off := range Rules() {
				h, p := b().done(), policy(t, policyName)
				p.Levels[off.Name] = Level{Off, Off}
				s := Judge([]*history.History{h}, p).Subjects[0]
				for _, r := range Rules() {
					want := 0
					if !p.Levels[r.Name].off() && r.applies(h.Header.Scenario.Disruption) {
						want = 1
					}
					if got := len(findings(s, r.Name)); got != want {
						t.Errorf("%s, %s, with %s off: %s has %d findings, want %d", policyName, name, off.Name, r.Name, got, want)
					}
				}
			}
		}
	}
}

// TestOccasions: which rules ask something of a server that is told to stop, and
// which of one during an operation.
func TestOccasions(t *testing.T) {
	stop, work := scenario.Disruption{Signal: "SIGTERM"}, scenario.Disruption{While: []string{"reload"}}
	always := []string{InFlightCompletes, LateRequestsAnswered, NoFailed, NoLostAck, NoDuplicate, NoUnansweredExecution, ClosesCleanly}
	for _, r := range Rules() {
		onStop, whileWorking := r.applies(stop), r.applies(work)
		switch {
		case slices.Contains(always, r.Name):
			if !onStop || !whileWorking {
				t.Errorf("%s has no effect for a stop (%v) or an operation (%v)", r.Name, onStop, whileWorking)
			}
		case r.Name == StaysUp:
			if onStop || !whileWorking {
				t.Errorf("%s is for operations only: stop %v, operation %v", r.Name, onStop, whileWorking)
			}
		case !onStop || whileWorking:
			t.Errorf("%s is for stops only: stop %v, operation %v", r.Name, onStop, whileWorking)
		}
	}
}

// TestRuleOffForgives: what the policy does not ask for does not fail.
func TestRuleOffForgives(t *testing.T) {
	p := policy(t, "default")
	p.Levels[ExitStatus] = Level{Off, Off}
	s := Judge([]*history.History{newHistory().exit(history.Exit{Code: 1}).done()}, p).Subjects[0]
	if s.Verdict != result.Pass {
		t.Errorf("verdict %v, want a pass", s.Verdict)
	}
}

// TestRuleHalfOff: a rule that judges only what is excused, or only what is
// not, is still judged.
func TestRuleHalfOff(t *testing.T) {
	tests := []struct {
		name  string
		level Level
		exit  history.Exit
		want  result.Status
	}{
		{"only the excused, an excused breach - fail", Level{Off, Require}, history.Exit{Code: 143}, result.Violated},
		{"only the excused, another breach - pass", Level{Off, Require}, history.Exit{Code: 1}, result.Satisfied},
		{"only the others, an excused breach - pass", Level{Require, Off}, history.Exit{Code: 143}, result.Satisfied},
		{"only the others, another breach - fail", Level{Require, Off}, history.Exit{Code: 1}, result.Violated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := policy(t, "default")
			p.Levels[ExitStatus] = tt.level
			s := Judge([]*history.History{newHistory().exit(tt.exit).done()}, p).Subjects[0]
			if f := finding(t, s, ExitStatus); f.Status != tt.want {
				t.Errorf("got %v, want %v", f.Status, tt.want)
			}
		})
	}
}

func endsAt(at time.Duration) change { return func(r *history.Request) { r.End = at } }

func firstByteAt(at time.Duration) change { return func(r *history.Request) { r.FirstByte = at } }

// noRefusal takes the listener's closing out of the events.
func noRefusal(h *history.History) {
	var kept []history.Event
	for _, e := range h.Events {
		if e.Name != history.EventFirstRefused {
			kept = append(kept, e)
		}
	}
	h.Events = kept
}
