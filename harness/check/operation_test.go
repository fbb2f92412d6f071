package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// died says how the process ended in the middle of a reload.
func died(e history.Exit) func(*history.History) {
	return func(h *history.History) {
		h.Exit = e
		h.Exit.Seen, h.Exit.At = true, signalAt+300*time.Millisecond
	}
}

// TestStaysUp: during an operation, every policy takes a refusal for a loss.
func TestStaysUp(t *testing.T) {
	byTerm := history.Exit{Code: -1, Signal: "SIGTERM"}
	tests := []policed{
		{
			name: "nothing is refused - pass", history: newReload(),
			want: under(good), verdicts: under(pass), judged: 30,
		},
		{
			name: "one is refused - fail", history: newReload().late(history.Refused, 1),
			want: under(bad), verdicts: under(fail), judged: 31, count: 1, evidence: added,
			detail: "1 of 31 requests was refused or rejected, in 1 of 1 shutdowns",
		},
		{
			name: "several are refused - fail", history: newReload().late(history.Refused, 4),
			want: under(bad), verdicts: under(fail), judged: 34, count: 4, evidence: added,
			detail: "4 of 34 requests were refused or rejected, in 1 of 1 shutdowns",
		},
		{
			// Its supervisor takes it for a crash, whoever answers in its place.
			name: "the process ends, and nobody notices - fail", history: newReload().edit(died(history.Exit{})),
			want: under(bad), verdicts: under(fail), judged: 31, count: 1,
			detail: "the process ended, and no process listens in its place, in 1 of 1 shutdowns",
		},
		{
			// Its exit is no excuse for what finds nobody afterwards.
			name: "the process ends, and the port is dead - fail", history: newReload().after(history.Refused, 3).edit(died(byTerm)),
			want: under(bad), verdicts: under(fail), judged: 34, count: 4,
			detail:   "3 of 33 requests were refused or rejected, in 1 of 1 shutdowns: the process ended, and no process listens in its place",
			evidence: added,
		},
		{
			name: "refused, and the command failed - fail",
			history: newReload().late(history.Refused, 4).edit(func(h *history.History) {
				h.Operation.Code = 1
			}),
			want: under(bad), verdicts: under(fail), judged: 34, count: 4, evidence: added,
		},
		{
			name:    "nothing was lost, and the command failed - inconclusive",
			history: newReload().edit(func(h *history.History) { h.Operation.Code = 1 }),
			want:    under(good), verdicts: under(doubtful), judged: 30,
		},
		{
			name: "a third is turned away - fail", history: newReload().late(history.Rejected, 15),
			want: under(bad), verdicts: under(fail), judged: 45, count: 15, evidence: added,
			detail: "15 of 45 requests were refused or rejected, in 1 of 1 shutdowns",
		},
	}
	for _, tt := range tests {
		tt.run(t, StaysUp)
	}
}

// TestReloadLosses: the other rules go on judging requests.
func TestReloadLosses(t *testing.T) {
	tests := []struct {
		name    string
		rule    string
		history *builder
		normal  result.Status
		verdict result.Verdict
	}{
		{"in flight and dropped - fail", InFlightCompletes, newReload().inFlight(history.Dropped, 1), bad, fail},
		{"in flight and rejected - fail", InFlightCompletes, newReload().inFlight(history.Rejected, 1), bad, fail},
		{"late and hung up on - fail", LateRequestsAnswered, newReload().late(history.Dropped, 1), bad, fail},
		{"late and lost on an idle connection - warn", LateRequestsAnswered, newReload().late(history.Dropped, 1, reused), warned, pass},
		{"a wrong answer - fail", NoFailed, newReload().late(history.Failed, 1), bad, fail},
		{"no answer says that its connection closes - pass", NoFailed, newReload().late(history.Completed, 5, keepsOpen), good, pass},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", []*history.History{tt.history.done()})
			if f := finding(t, s, tt.rule); f.Status != tt.normal || s.Verdict != tt.verdict {
				t.Errorf("%v, verdict %v, want %v and %v: %+v", f.Status, s.Verdict, tt.normal, tt.verdict, f)
			}
		})
	}
}

// TestReloadEndsParked: a server that stays up may keep what is parked. One that ends
// it, and says so, is warned; one that only hangs up breaks another rule.
func TestReloadEndsParked(t *testing.T) {
	cut := func(p *history.Parked) { p.Clean, p.Code = false, history.NoCloseFrame }
	kept := func(p *history.Parked) { p.Ended, p.Clean, p.Code = 0, false, 0 }
	for _, tt := range []struct {
		name    string
		change  func(*history.Parked)
		stays   result.Status
		clean   result.Status
		verdict result.Verdict
	}{
		{"told and ended - warn", func(*history.Parked) {}, warned, good, pass},
		{"cut - fail", cut, good, bad, fail},
		{"kept - pass", kept, good, good, pass},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", histories(newReload().parked(scenario.WebSocket, 5, tt.change)))
			stays, clean := finding(t, s, StaysUp).Status, finding(t, s, ClosesCleanly).Status
			if stays != tt.stays || clean != tt.clean || s.Verdict != tt.verdict {
				t.Errorf("%v and %v, verdict %v; want %v, %v, %v", stays, clean, s.Verdict, tt.stays, tt.clean, tt.verdict)
			}
			const told = `While "nginx -s reload" ran, or soon after, the server ended 5 parked WebSocket connections (with 1001)`
			if said := strings.Join(s.Story, "\n"); strings.Contains(said, told) != (tt.stays == warned) {
				t.Errorf("the story is %q", said)
			}
		})
	}
}

// TestReloadAtRisk: whoever finds nobody has lost something, and is in the
// denominator of what is lost.
func TestReloadAtRisk(t *testing.T) {
	s := judge(t, "default", []*history.History{newReload().late(history.Refused, 10).late(history.Dropped, 2, reused).after(history.Refused, 3).done()})
	if s.AtRisk != 45 {
		t.Errorf("%d at risk, want 30 that were completed, 2 dropped and 13 refused", s.AtRisk)
	}
	wantBoundOfOne(t, "per request", s.Bounds.PerRequest, 15, 45)
	// After a signal a refusal is nobody's loss.
	s = judge(t, "default", []*history.History{newHistory().late(history.Refused, 10).late(history.Dropped, 2, reused).done()})
	if s.AtRisk != 27 {
		t.Errorf("%d at risk after a signal, want 25 in flight and 2 dropped", s.AtRisk)
	}
	wantBoundOfOne(t, "per request", s.Bounds.PerRequest, 2, 27)
}

// TestReloadIntegrity: an operation that did not do its work earns no pass; but what
// was lost meanwhile is lost.
func TestReloadIntegrity(t *testing.T) {
	lossy := func() *builder { return newReload().late(history.Refused, 9).inFlight(history.Dropped, 3) }
	tests := []struct {
		name    string
		history *builder
		want    string
	}{
		{
			"the command failed - fail", lossy().edit(func(h *history.History) { h.Operation.Code = 1 }),
			`shutdown 1: the command "nginx -s reload" ended with exit code 1`,
		},
		{
			"the command failed and said why - fail",
			lossy().edit(func(h *history.History) {
				h.Operation.Code, h.Operation.Stderr = 127, []string{"nginx: oh", "  unexpected end of file, expecting \";\"  "}
			}),
			`shutdown 1: the command "nginx -s reload" ended with exit code 127: unexpected end of file, expecting ";"`,
		},
		{
			"the command was killed - fail",
			lossy().edit(func(h *history.History) { h.Operation.Code, h.Operation.Signal = -1, "SIGKILL" }),
			`shutdown 1: the command "nginx -s reload" was ended by SIGKILL`,
		},
		{
			"the command was not run - inconclusive", lossy().edit(func(h *history.History) { h.Operation = nil }),
			`shutdown 1: the command "nginx -s reload" was not run`,
		},
		{
			"the command could not be started - inconclusive",
			lossy().edit(func(h *history.History) { h.Operation, h.Signal = nil, history.Signal{Error: "no such file"} }),
			`shutdown 1: the command "nginx -s reload" was not run: no such file`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			verdict := doubtful
			if strings.HasSuffix(tt.name, "fail") {
				verdict = fail
			}
			s := judge(t, "default", []*history.History{tt.history.done()})
			if f := finding(t, s, Integrity); f.Detail != tt.want || s.Verdict != verdict {
				t.Errorf("verdict %v, it says %q, want %v and %q", s.Verdict, f.Detail, verdict, tt.want)
			}
		})
	}
}

// TestReloadSpeaksOfItsCommand: there was no signal.
func TestReloadSpeaksOfItsCommand(t *testing.T) {
	slow := func(r *history.Request) { r.FirstByte += 100 * time.Millisecond; r.End += 100 * time.Millisecond }
	h := newReload().before(history.Failed, 1).before(history.Completed, 5, slow).inFlight(history.Completed, 30).
		edit(paused(signalAt - 1)).edit(func(h *history.History) { h.Signal.Open, h.Signal.Mean = 1, 9 }).done()
	said := strings.Join(judge(t, "default", []*history.History{h}).Details[0].Warnings, "\n")
	for _, want := range []string{
		"1 of 46 requests went wrong before the command", "the load met its cap of 2000 open requests before the command",
		"few requests were open when the command was sent",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q: %s", want, said)
		}
	}
	if strings.Contains(said, "signal") {
		t.Errorf("it speaks of a signal: %s", said)
	}
}

// TestReloadNeedsNothingInFlight: a server that answers at once is put to the
// test by all that comes while the command runs; but it must be enough.
func TestReloadNeedsNothingInFlight(t *testing.T) {
	quick := func(n int) []*history.History {
		return histories(newFrame().reload().before(history.Completed, 40).late(history.Completed, n))
	}
	if s := judge(t, "default", quick(20)); s.Verdict != pass {
		t.Errorf("20 requests, none in flight: verdict %v, want pass: %+v", s.Verdict, s.Findings)
	}
	s := judge(t, "default", quick(19))
	f := finding(t, s, "sample")
	want := "only 19 requests were at risk, 20 are needed: send 790 requests a second (--rate), " +
		"or let the load go on for longer after the command (disruption.settle), or try 2 times (--shutdowns)"
	if s.Verdict != doubtful || f.Detail != want || !strings.HasPrefix(f.Expected, "at least 20 requests while the command ran") {
		t.Errorf("19 requests: verdict %v, it expects %q and says %q, want %q", s.Verdict, f.Expected, f.Detail, want)
	}
	if s := judge(t, "default", quick(0)); s.Verdict != doubtful {
		t.Errorf("no request at all: verdict %v, want inconclusive", s.Verdict)
	}
	if got := fasterAround(scenario.Scenario{Load: scenario.Load{Rate: 5000}}, result.Subject{}, policy(t, "default")); len(got) != 1 {
		t.Errorf("at 5000 a second it advises %q: more than can be sent", got)
	}
}

// TestReloadDetail: the report can show what was run.
func TestReloadDetail(t *testing.T) {
	h := newReload().delivered(people(node), nil, nil).left(true, worker).done()
	d := judge(t, "default", []*history.History{h}).Details[0]
	if diff := differs(h.Operation, d.Operation) + differs(h.Delivery, d.Delivery) + differs(h.Left, d.Left); diff != "" {
		t.Errorf("the detail (-want +got):\n%s", diff)
	}
}
