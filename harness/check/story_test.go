package check

import (
	"slices"
	"strings"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// TestStory has one history for each branch of the story, by verdict.
func TestStory(t *testing.T) {
	killed := history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}
	byTerm := history.Exit{Code: -1, Signal: "SIGTERM"}
	tests := []struct {
		name      string
		policy    string
		histories []*history.History
		want      []string // phrases, in this order
		not       []string
	}{
		{name: "nothing to tell - pass", policy: "default", histories: histories(newHistory())},
		{
			name: "dropped, killed by the signal itself - fail", policy: "default",
			histories: histories(newFrame().before(history.Completed, 40).inFlight(history.Dropped, 25).exit(byTerm)),
			want: []string{
				"SIGTERM found 25 requests in flight: 25 dropped without a whole answer.",
				"Nothing in the process handles SIGTERM, so the kernel ended it in the middle of their work, 500 ms later.",
				"signal.Notify", "Server.Shutdown",
			},
			not: []string{"over 1 shutdown", "completed"},
		},
		{
			name: "dropped, over three shutdowns - fail", policy: "default",
			histories: histories(
				newHistory().inFlight(history.Dropped, 2).exit(byTerm), newHistory().inFlight(history.Dropped, 1).exit(byTerm), newHistory().exit(byTerm),
			),
			want: []string{"SIGTERM found 78 requests in flight, over 3 shutdowns: 3 dropped without a whole answer, 75 completed."},
		},
		{
			name: "one dropped, killed at the end of its grace - fail", policy: "default",
			histories: histories(newFrame().before(history.Completed, 40).inFlight(history.Dropped, 1).exit(killed)),
			want: []string{
				"SIGTERM found 1 request in flight: 1 dropped",
				"still running when its grace period of 10 s was over, and SIGKILL cut them off",
				"Bound the work of a request, and the drain, to less than the grace period.",
			},
			not: []string{"Nothing in the process handles"},
		},
		{
			name: "hung until their deadline - fail", policy: "default",
			histories: histories(newHistory().inFlight(history.Dropped, 3, cause(history.Hung)).exit(killed)),
			want: []string{
				"SIGTERM found 28 requests in flight: 3 dropped",
				"Most of them waited in vain until their deadline", "the server neither answered them nor closed their connections",
			},
			not: []string{"Nothing in the process handles", "SIGKILL"},
		},
		{
			name: "dropped, exited by itself - fail", policy: "default",
			histories: histories(newHistory().inFlight(history.Dropped, 1).exit(history.Exit{Code: 1})),
			want: []string{
				"The process ended with exit code 1, 500 ms after the signal, while they were still being served.",
				"Exit only when the last of them is answered (in Go, when Server.Shutdown has returned)",
			},
			not: []string{"Nothing in the process handles", "SIGKILL"},
		},
		{
			// It ended in different ways: none of them explains all losses.
			name: "dropped, ended in several ways - fail", policy: "default",
			histories: histories(newHistory().inFlight(history.Dropped, 1).exit(byTerm), newHistory().inFlight(history.Dropped, 1).exit(killed)),
			want:      []string{"The process ended with SIGTERM or SIGKILL"},
			not:       []string{"Nothing in the process handles"},
		},
		{
			name: "mostly rejected in flight - fail", policy: "default",
			histories: histories(newHistory().inFlight(history.Rejected, 9).inFlight(history.Dropped, 2).inFlight(history.Failed, 1)),
			want: []string{
				"SIGTERM found 37 requests in flight: 2 dropped without a whole answer, 1 answered with an error, " +
					"9 rejected with 503 or 429, 25 completed.",
				"The signal cancelled the context of their handlers, so the handlers gave up.",
				"Let the signal start Server.Shutdown and nothing else",
			},
		},
		{
			name: "mostly failed in flight - fail", policy: "default",
			histories: histories(newHistory().inFlight(history.Failed, 9).inFlight(history.Rejected, 2)),
			want: []string{
				"9 answered with an error, 2 rejected",
				"Their answers came within 50 ms of the signal: 9 with 500.",
				"Close the store, and everything else that handlers use, only after the last handler has returned.",
			},
		},
		{
			name: "as many dropped as rejected and failed - fail", policy: "default",
			histories: histories(newHistory().inFlight(history.Dropped, 2).inFlight(history.Rejected, 2).inFlight(history.Failed, 2)),
			want:      []string{"The process ended with exit code 0", "Exit only when the last of them is answered (in Go, when Server.Shutdown has returned)"},
		},
		{
			name: "as many rejected as failed - fail", policy: "default",
			histories: histories(newHistory().inFlight(history.Rejected, 2).inFlight(history.Failed, 2)),
			want:      []string{"The signal cancelled the context of their handlers"},
		},
		{
			name: "late requests hung up on - fail", policy: "default",
			histories: histories(newHistory().late(history.Dropped, 2).late(history.Completed, 1)),
			want: []string{
				"2 of 3 late requests at risk got no answer.",
				"worse than a refusal",
				"Close the listener first and go on serving open connections with Connection: close",
			},
		},
		{
			name: "late requests answered wrong - fail", policy: "default",
			histories: histories(newHistory().late(history.Failed, 2)),
			want: []string{
				"2 of 27 requests at risk got a wrong answer, in 1 of 1 shutdowns.",
				"Their answers came 120 ms after the signal: 2 with 500.",
				"the store last",
			},
		},
		{
			name: "connections not announced as closing, strict - fail", policy: "strict",
			histories: histories(newHistory().inFlight(history.Completed, 2, keepsOpen)),
			want:      []string{"2 of 27 last answers did not say Connection: close", "its next request meets the close", "Answer with Connection: close from the signal on"},
		},
		{
			name: "killed with nothing lost, in one of two shutdowns - fail", policy: "default",
			histories: histories(newHistory(), newHistory().exit(killed)),
			want: []string{
				"The process was still running at the end of its grace period of 10 s, and was killed, in 1 of 2 shutdowns.",
				"The process catches SIGTERM, and did not end by itself.",
				"Give each wait during the stop a limit that is shorter than the grace period.",
			},
		},
		{
			name: "a bad exit status - fail", policy: "default",
			histories: histories(newHistory().exit(history.Exit{Code: 1})),
			want: []string{
				"The process ended with exit code 1.",
				"A supervisor takes this for a crash",
				"http.ErrServerClosed is not a failure",
			},
		},
		{
			name: "executed without an answer, strict - fail", policy: "require " + NoUnansweredExecution,
			histories: histories(newHistory().withLedger().late(history.Dropped, 1, reused).note(firstAdded, history.Executed)),
			want: []string{
				"1 of 26 executed requests was dropped after the server had done the work",
				"Their clients cannot know that the work was done",
				"Exit only when the answers have been written.",
			},
		},
		{
			name: "the unavoidable races - warn and pass", policy: "default",
			histories: histories(newHistory().late(history.Dropped, 2, reused).late(history.Completed, 8)),
			want: []string{
				"2 of 10 late requests at risk were dropped in races that no HTTP/1.1 server can win",
				"To drop fewer, go on serving with Connection: close for a while before Shutdown.",
			},
			not: []string{"hidden"},
		},
		{
			name: "one race, which Go's client hides - warn and pass", policy: "default",
			histories: histories(newHistory().late(history.Dropped, 1, reused, func(r *history.Request) { r.Masked = true })),
			want: []string{
				"1 of 1 late requests at risk was dropped in races",
				"Go's own client would have hidden 1 of them by sending them again.",
				"To drop fewer",
			},
		},
		{
			name: "a tolerated exit status - warn and pass", policy: "default",
			histories: histories(newHistory().exit(history.Exit{Code: 143})),
			want:      []string{"1 of 1 shutdowns did not exit with a clean code: it ended with exit code 143; excused: 128 plus"},
		},
		{
			name: "nothing in flight - inconclusive", policy: "default",
			histories: histories(newFrame().before(history.Completed, 40)),
			want:      []string{"No request was in flight at the signal, so nothing was tested: "},
		},
		{
			name: "a broken shutdown - inconclusive", policy: "default",
			histories: histories(newHistory(), newHistory().edit(func(h *history.History) { h.Error = "boot server: no ready line" })),
			want:      []string{"Shutdown 2: boot server: no ready line."},
		},
		{
			name: "more reasons than anybody reads - inconclusive", policy: "default",
			histories: histories(
				newHistory().edit(func(h *history.History) { h.Disagreed = 2 }), newHistory().edit(func(h *history.History) { h.Disagreed = 3 }),
				newHistory().edit(func(h *history.History) { h.Disagreed = 4 }), newHistory().edit(func(h *history.History) { h.Disagreed = 5 }),
			),
			want: []string{"Shutdown 1: 2 results", "Shutdown 2: 3 results", "There are 2 more reasons; --report json lists all of them."},
			not:  []string{"Shutdown 3"},
		},
		{
			name: "as many reasons as can be read - inconclusive", policy: "default",
			histories: histories(
				newHistory().edit(func(h *history.History) { h.Disagreed = 6 }), newHistory().edit(func(h *history.History) { h.Disagreed = 7 }),
				newHistory().edit(func(h *history.History) { h.Disagreed = 8 }),
			),
			want: []string{"Shutdown 1: ", "Shutdown 2: ", "Shutdown 3: "},
			not:  []string{"more reasons"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Judge(tt.histories, storyPolicy(t, tt.policy)).Subjects[0]
			wantVerdictOfName(t, s)
			wantStory(t, s.Story, tt.want, tt.not)
		})
	}
}

// storyPolicy is a policy by name, or the default with one rule otherwise, as in
// "require exit-status".
func storyPolicy(t *testing.T, name string) Policy {
	t.Helper()
	severity, rule, changed := strings.Cut(name, " ")
	if !changed {
		return policy(t, name)
	}
	p := policy(t, "default")
	p.Levels[rule] = map[string]Level{"require": {Require, Require}, "warn": {Warn, Warn}}[severity]
	return p
}

// wantVerdictOfName holds a case to the verdict in its name.
func wantVerdictOfName(t *testing.T, s result.Subject) {
	t.Helper()
	if !strings.HasSuffix(t.Name(), s.Verdict.String()) {
		t.Errorf("verdict %v", s.Verdict)
	}
}

// wantStory asks for a short story that says each phrase, in this order. A
// story without phrases must be empty.
func wantStory(t *testing.T, said, want, not []string) {
	t.Helper()
	if said == nil {
		t.Error("the story is nil, and null in JSON")
	}
	if len(want) == 0 && len(said) > 0 || len(said) > 4 || len(said) == 4 && !strings.HasPrefix(said[3], "Also broken: ") {
		t.Errorf("the story has %d sentences: %q", len(said), said)
	}
	text := strings.Join(said, "\n")
	rest := text
	for _, phrase := range want {
		_, after, found := strings.Cut(rest, phrase)
		if !found {
			t.Errorf("the story does not say %q, or not in its place: %q", phrase, said)
			return
		}
		rest = after
	}
	for _, phrase := range not {
		if strings.Contains(text, phrase) {
			t.Errorf("the story says %q: %q", phrase, said)
		}
	}
	for _, sentence := range said {
		if !strings.HasSuffix(sentence, ".") || strings.ToUpper(sentence[:1]) != sentence[:1] {
			t.Errorf("not a sentence: %q", sentence)
		}
	}
}

// TestStoryFollowsTheFirstViolation: the others mostly follow from it.
func TestStoryFollowsTheFirstViolation(t *testing.T) {
	h := newHistory().inFlight(history.Dropped, 1).late(history.Dropped, 5).exit(history.Exit{Code: 1}).done()
	s := judge(t, "default", []*history.History{h})
	wantStory(t, s.Story, []string{"found 26 requests in flight: 1 dropped"}, []string{"late request", "supervisor"})
}

// TestStoryNamesWhatElseIsBroken: what comes with the first violation is named, once.
func TestStoryNamesWhatElseIsBroken(t *testing.T) {
	byTerm := history.Exit{Code: -1, Signal: "SIGTERM"}
	cut := func(p *history.Parked) { p.Clean, p.Code = false, history.NoCloseFrame }
	died := func() *builder { return newHistory().inFlight(history.Dropped, 3).exit(byTerm) }
	for _, tt := range []struct {
		name    string
		policy  string
		history *builder
		want    string // "" for no such line
	}{
		{"nothing else", "default", died(), ""},
		{"websockets were cut", "default", died().parked(scenario.WebSocket, 5, cut), "Also broken: closes-cleanly (5 of 5)."},
		{"websockets were cut, and the status is wrong", "default", newHistory().inFlight(history.Dropped, 3).parked(scenario.WebSocket, 5, cut).exit(history.Exit{Code: 1}), "Also broken: closes-cleanly (5 of 5), exit-status (1 of 1)."},
		{"the policy requires the status", "strict", died(), "Also broken: exit-status (1 of 1)."},
		{"a lost write has a sentence of its own", "default", newHistory().posts().found().inFlight(history.Dropped, 1).gone(someInFlight), ""},
		{"what is excused is not counted", "default", died().late(history.Dropped, 2, away).late(history.Dropped, 3, reused), "Also broken: late-requests-answered (2 of 5)."},
		{"but where the policy requires it", "strict", died().late(history.Dropped, 2, away).late(history.Dropped, 3, reused), "Also broken: late-requests-answered (5 of 5), exit-status (1 of 1)."},
		{"only a warning", "default", died().late(history.Dropped, 1, reused), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			said := judge(t, tt.policy, histories(tt.history)).Story
			lines := slices.DeleteFunc(slices.Clone(said), func(s string) bool { return !strings.HasPrefix(s, "Also broken: ") })
			if got := strings.Join(lines, "\n"); got != tt.want {
				t.Errorf("it says %q, want %q: %q", got, tt.want, said)
			}
		})
	}
}

// TestStoryTellsSameReasonOnce: a reason is not repeated.
func TestStoryTellsSameReasonOnce(t *testing.T) {
	broken := func() *builder { return newHistory().edit(func(h *history.History) { h.Interrupted = true }) }
	s := judge(t, "default", []*history.History{broken().done(), broken().done()})
	wantStory(t, s.Story, []string{"Shutdown 1: it was interrupted."}, nil)
	if len(s.Story) != 1 {
		t.Errorf("the same reason is told %d times: %q", len(s.Story), s.Story)
	}
}

// TestWarningsAreAllTold: a pass hides none of its warnings.
func TestWarningsAreAllTold(t *testing.T) {
	s := judge(t, "default", histories(newHistory().
		late(history.Dropped, 1, reused).inFlight(history.Completed, 1, keepsOpen).exit(history.Exit{Code: 143})))
	text := strings.Join(s.Story, "\n")
	for _, phrase := range []string{"races that no HTTP/1.1 server can win", "did not say Connection: close", "did not exit with a clean code: it ended with exit code 143"} {
		if !strings.Contains(text, phrase) {
			t.Errorf("the story hides %q: %q", phrase, s.Story)
		}
	}
	if s.Verdict != pass {
		t.Errorf("verdict %v, want pass: warnings ride along", s.Verdict)
	}
}

// TestRemedyIsInTheStory: a failure that tells more than what was seen tells what
// helps, and nobody else does.
func TestRemedyIsInTheStory(t *testing.T) {
	for name, tt := range map[string]struct {
		h    *builder
		want string
	}{
		"dropped":        {newHistory().inFlight(history.Dropped, 2), "Exit only when"},
		"killed":         {newHistory().edit(func(h *history.History) { h.Exit.Killed = true }), "Give each wait during the stop a limit"},
		"a pass":         {newHistory(), ""},
		"a warning":      {newHistory().late(history.Dropped, 1, reused), ""},
		"not judged yet": {newFrame().before(history.Completed, 40), ""},
	} {
		s := judge(t, "default", histories(tt.h))
		if !strings.HasPrefix(s.Remedy, tt.want) || tt.want == "" && s.Remedy != "" {
			t.Errorf("%s: the remedy is %q, want %q", name, s.Remedy, tt.want)
		}
		if s.Remedy != "" && !slices.Contains(s.Story, s.Remedy) {
			t.Errorf("%s: %q is not in the story %q", name, s.Remedy, s.Story)
		}
	}
}
