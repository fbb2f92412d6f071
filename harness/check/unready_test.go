package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// TestUnloaded: without load the exit is all that is judged, and a pass has to
// be earned by it.
func TestUnloaded(t *testing.T) {
	killed := history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}
	died := history.Exit{Code: -1, Signal: "SIGTERM"}
	left := func(b *builder) *builder { return b.left(true, history.Process{PID: 5, Name: "worker"}) }
	const early, late = signalAt - time.Millisecond, signalAt + time.Millisecond
	for _, tt := range []struct {
		name    string
		history *builder
		rule    string
		want    result.Status
		verdict result.Verdict
	}{
		{"it exits - pass", unloaded(early).left(false), ExitsInGrace, good, pass},
		{"it exits before it is ready, which tells nothing - inconclusive", unloaded(0), ExitStatus, good, doubtful},
		{"it exits with 143 before it is ready, which tells nothing - inconclusive", unloaded(0).exit(history.Exit{Code: 143}), ExitStatus, warned, doubtful},
		{"it exits with a bad code before it is ready - fail", unloaded(0).exit(history.Exit{Code: 1}), ExitStatus, bad, fail},
		{"it exits with 143 - warn", unloaded(early).exit(history.Exit{Code: 143}), ExitStatus, warned, pass},
		{"it dies of the signal - warn", unloaded(early).exit(died), ExitStatus, warned, pass},
		{"it dies of the signal before it is ready, which tells nothing - inconclusive", unloaded(0).exit(died), ExitStatus, warned, doubtful},
		{"it exits with a bad code - fail", unloaded(early).exit(history.Exit{Code: 1}), ExitStatus, bad, fail},
		{"it is killed - fail", unloaded(late).exit(killed), ExitsInGrace, bad, fail},
		{"it leaves somebody behind - fail", left(unloaded(early)), NoSurvivors, bad, fail},
		{"nobody knows who listens - pass", unloaded(early), SignalDelivered, unmet, pass},
		{"whoever listened did not hear of it - fail", unloaded(early).delivered(people(node), people(npm), people(node)), SignalDelivered, bad, fail},
		{"its exit was not seen - inconclusive", unloaded(early).edit(func(h *history.History) { h.Exit = history.Exit{} }), ExitsInGrace, unmet, doubtful},
		{"no signal was sent - inconclusive", unloaded(early).edit(func(h *history.History) { h.Signal.Sent = false }), ExitsInGrace, unmet, doubtful},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", []*history.History{tt.history.done()})
			if s.Verdict != tt.verdict {
				t.Errorf("verdict %s, want %s: %+v", s.Verdict, tt.verdict, s.Findings)
			}
			if found := findings(s, tt.rule); tt.verdict != doubtful && (len(found) != 1 || found[0].Status != tt.want) {
				t.Errorf("%s is %s: %+v", tt.rule, tt.want, found)
			}
			for _, rule := range []string{InFlightCompletes, LateRequestsAnswered, NoFailed, AnnouncesClose, NoLostAck, ClosesCleanly} {
				if f := finding(t, s, rule); f.Status != unmet || strings.Contains(f.Detail, "--method") {
					t.Errorf("%s: %s, %s", rule, f.Status, f.Detail)
				}
			}
		})
	}
	// One that was ready when the signal came vouches for the others.
	for _, other := range []history.Exit{{}, died, {Code: 143}} {
		if s := judge(t, "default", histories(unloaded(0).exit(other), unloaded(early), unloaded(late).exit(other))); s.Verdict != pass {
			t.Errorf("%+v beside a server that was ready: %s: %+v", other, s.Verdict, s.Findings)
		}
	}
	// Without a rule that judges the exit nothing is judged.
	p := policy(t, "default")
	for rule := range p.Levels {
		p.Levels[rule] = Level{Off, Off}
	}
	p.Levels[InFlightCompletes] = Level{Require, Require}
	if s := Judge([]*history.History{unloaded(early).done()}, p).Subjects[0]; s.Verdict != doubtful {
		t.Errorf("verdict %s of nothing", s.Verdict)
	}
}

// TestPolicyLeavesTheLagOut where no load is sent: it would be refused.
func TestPolicyLeavesTheLagOut(t *testing.T) {
	for when, lag := range map[string]time.Duration{"": 2 * time.Second, scenario.Loaded: 2 * time.Second, scenario.Ready: 0, scenario.Started: 0} {
		_, s, err := Resolve(scenario.Scenario{Policy: "k8s", Disruption: scenario.Disruption{When: when}})
		if err != nil || s.Disruption.Lag.Duration != lag {
			t.Errorf("%q: lag %s, %v, want %s", when, s.Disruption.Lag, err, lag)
		}
	}
}

func TestStoryOfAStart(t *testing.T) {
	const later = ": repeat it more often (--shutdowns), or let the signal wait until the server is ready (disruption.when: ready)."
	const nothing = "The process had no request yet, so none was lost. But a supervisor may take this for a crash."
	killed := history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}
	died := history.Exit{Code: -1, Signal: "SIGTERM"}
	const early, late = signalAt - time.Millisecond, signalAt + time.Millisecond
	overdue := func(where string) string {
		return "The process was still running at the end of its grace period of 10 s, and was killed" + where + "."
	}
	const noStart = "Do not begin to serve after the signal: check for the signal before you listen, and let Serve return at once if Shutdown was called before (http.ErrServerClosed in Go)."
	for _, tt := range []told{
		{name: "it exits - pass", histories: histories(unloaded(early), unloaded(0)), want: []string{}},
		{
			name: "it dies before it handles the signal - pass", histories: histories(unloaded(0).exit(died), unloaded(early)),
			want: []string{"SIGTERM arrived before the process handled it, so its default action ended the start at once, in 1 of 2 shutdowns.", nothing},
		},
		{
			name: "it never handles the signal - pass", histories: histories(unloaded(0).exit(died), unloaded(early).exit(died)),
			want: []string{"Nothing in the process handled SIGTERM, so its default action ended the process at once, in 2 of 2 shutdowns.", nothing},
		},
		{
			name: "it always dies before it handles the signal - inconclusive", histories: histories(unloaded(0).exit(died), unloaded(late).exit(died)),
			want: []string{
				"In every shutdown SIGTERM ended the process before it was ready, so its own way to stop was not tested" + later,
			},
		},
		{
			name:      "it always dies before it is ready, behind a shell - inconclusive",
			histories: histories(unloaded(0).exit(history.Exit{Code: 143}), unloaded(0).exit(died)),
			want:      []string{"In every shutdown SIGTERM ended the process before it was ready, so its own way to stop was not tested" + later},
		},
		{
			name: "it dies once before it is ready, behind a shell - pass", histories: histories(unloaded(0).exit(history.Exit{Code: 143}), unloaded(early)),
			want: []string{"SIGTERM arrived before the process handled it, so its default action ended the start at once, in 1 of 2 shutdowns.", nothing},
		},
		{
			name: "it was never ready - inconclusive", histories: histories(unloaded(0), unloaded(late), unloaded(0).exit(died)),
			want: []string{
				"In no shutdown was the server ready when SIGTERM arrived, so its own way to stop was not tested" + later,
			},
		},
		{
			name: "it exits with 143 - pass", histories: histories(unloaded(early).exit(history.Exit{Code: 143})),
			want: []string{"1 of 1 shutdowns did not exit with a clean code: it ended with exit code 143; excused: 128 plus the signal's number, or death by the very signal sent."},
		},
		{
			name: "it starts anyway - fail", histories: histories(unloaded(late).exit(killed)),
			want: []string{overdue(""), "It was not ready yet when SIGTERM arrived, and started all the same: it forgot the signal.", noStart},
		},
		{
			name: "it starts anyway now and then - fail", histories: histories(unloaded(late).exit(killed), unloaded(early).exit(killed), unloaded(early)),
			want: []string{overdue(", in 2 of 3 shutdowns"), "In 1 of these it was not ready yet when SIGTERM arrived, and started all the same: it forgot the signal.", noStart},
		},
		{
			name: "it ignores the signal - fail", histories: histories(unloaded(early).exit(killed)),
			want: []string{
				overdue(""), "The process catches SIGTERM, and did not end by itself.",
				"Give each wait during the stop a limit that is shorter than the grace period.",
			},
		},
	} {
		tt.run(t)
	}
}
