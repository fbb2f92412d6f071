package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// TestWhatWentWrongBeforeTheSignal is said in the words of who set the gate up.
func TestWhatWentWrongBeforeTheSignal(t *testing.T) {
	status := func(code uint16) change { return func(r *history.Request) { r.Status = code } }
	target := func(n uint8) change { return func(r *history.Request) { r.Target = n } }
	lost := func(code uint16) *builder {
		return newFrame().before(history.Failed, 40, status(code)).inFlight(history.Failed, 25, status(code))
	}
	unexpected := func(r *history.Request) { r.Status, r.Reason = 200, history.UnexpectedBody }
	for _, tt := range []struct {
		name    string
		history *builder
		says    string
	}{
		{"404, and the request was not recorded", newHistory().before(history.Failed, 3, status(404)), "3 answered 404; test a path that the server always answers (--url)."},
		{"404 to one of two", newHistory().before(history.Failed, 3, status(404), target(1)).edit(asks("GET /", "GET /nothing")), "3 answered 404: this server has no GET /nothing; test another path with --url 'GET /...'."},
		{"404 to what was there before", newHistory().before(history.Failed, 3, status(404)).edit(asks("GET /")), "3 answered 404; test a path that the server always answers (--url)."},
		{"405 to everything", lost(405).edit(asks("POST http://127.0.0.1:80/async?delay=25ms")), "Shutdown 1: every request was answered 405: this server has no POST /async; test another path with --url 'POST /...'."},
		{"404 to a URL without a path", lost(404).edit(func(h *history.History) { h.Header.Scenario.Subject.URL = "http://127.0.0.1:80" }), "every request was answered 404: this server has no GET /; test"},
		{"401 to everything", lost(401).edit(asks("POST /async")), "every request was answered 401; test a path that the server answers (--url), or say that this status is right (--expect-status)."},
		{"the commonest first", newHistory().before(history.Failed, 1, status(400)).before(history.Failed, 2, status(500)), "2 answered 500, 1 answered 400;"},
		{"another body", newHistory().before(history.Failed, 2, unexpected), "check --expect-body"},
		{"hung", newHistory().before(history.Dropped, 2, cause(history.Hung)), "2 hung; no answer came by the deadline: give it more time (--timeout)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy, _ := PolicyByName("default")
			s := Judge(histories(tt.history), policy).Subjects[0]
			if text := strings.Join(s.Story, " "); s.Verdict != result.Inconclusive || !strings.Contains(text, tt.says) {
				t.Errorf("%s: %q does not say %q", s.Verdict, text, tt.says)
			}
		})
	}
}

// asks sends these requests in turn, each a method and a URL.
func asks(requests ...string) func(*history.History) {
	return func(h *history.History) {
		for _, r := range requests {
			method, url, _ := strings.Cut(r, " ")
			h.Header.Scenario.Load.Requests = append(h.Header.Scenario.Load.Requests, scenario.Target{Method: method, URL: url})
		}
	}
}

// TestSameReasonInSeveralShutdowns is told once, and in how many.
func TestSameReasonInSeveralShutdowns(t *testing.T) {
	missing := func() *builder {
		return newFrame().before(history.Failed, 40, status(404)).inFlight(history.Failed, 25, status(404)).edit(asks("POST /async"))
	}
	more := func() *builder { return missing().before(history.Failed, 7, status(404)) }
	const reason = "very request was answered 404: this server has no POST /async; test another path with --url 'POST /...'."
	for _, tt := range []struct {
		name      string
		histories []*history.History
		want      []string
	}{
		{"in one", histories(missing()), []string{"Shutdown 1: e" + reason}},
		{"in one of two", histories(newHistory(), missing()), []string{"Shutdown 2: e" + reason}},
		{"in all, however many they were", histories(missing(), more(), missing()), []string{"In 3 of 3 shutdowns: e" + reason}},
		{
			"beside another", histories(missing(), newHistory().edit(func(h *history.History) { h.Error = "boot server: no ready line" }), more()),
			[]string{"In 2 of 3 shutdowns: e" + reason, "Shutdown 2: boot server: no ready line."},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := differs(tt.want, judge(t, "default", tt.histories).Story); diff != "" {
				t.Errorf("the story (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCutOffByTheExit: a process that goes on serving what is open and then exits
// by the clock is told so.
func TestCutOffByTheExit(t *testing.T) {
	h := newHistory().late(history.Dropped, 5, reused, func(r *history.Request) {
		r.Started, r.Scheduled, r.Sent, r.End = exitAt-100*time.Millisecond, exitAt-100*time.Millisecond, exitAt-100*time.Millisecond, exitAt
	}).late(history.Completed, 1, sentAt(exitAt-200*time.Millisecond)).edit(seenInHand)
	policy, _ := PolicyByName("default")
	s := Judge(histories(h), policy).Subjects[0]
	if text := strings.Join(s.Story, " "); s.Verdict != result.Fail || !strings.Contains(text, "and then ended with exit code 0, 500 ms after the signal") {
		t.Errorf("%s: %q", s.Verdict, text)
	}
}
