package e2e

import (
	"strings"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/result"
)

// TestVerdicts asks that each strategy of the default comparison gets its
// verdict for the stated reason, and not by some accident.
func TestVerdicts(t *testing.T) {
	t.Parallel() // it waits, most of the time
	s := suite(t, 0, "compare")
	if len(s.Subjects) != 3 || s.Status != result.SuitePass {
		t.Fatalf("%d subjects, status %s; want 3, pass", len(s.Subjects), s.Status)
	}
	for _, subject := range s.Subjects {
		t.Run(subject.Name, func(t *testing.T) {
			switch subject.Name {
			case "naive":
				naiveFails(t, subject)
			case "with-cancel":
				withCancelRejects(t, subject)
			case "signal-notify":
				signalNotifyCompletes(t, subject)
			default:
				t.Errorf("unexpected strategy")
			}
		})
	}
}

func naiveFails(t *testing.T, s result.Subject) {
	if s.InFlight.Dropped*10 < s.InFlight.Total*9 || s.InFlight.Total == 0 {
		t.Errorf("%d of %d in flight dropped, want at least nine tenths", s.InFlight.Dropped, s.InFlight.Total)
	}
	wantVerdict(t, s, result.Fail, check.InFlightCompletes, result.Violated)
	wantStatus(t, s, check.ExitStatus, result.Warned) // it died of the signal itself
	for _, e := range s.Exits {
		if e.Signal != "SIGTERM" || e.Killed {
			t.Errorf("exit %+v, want death by SIGTERM", e)
		}
	}
	wantStory(t, s, "Nothing in the process handles SIGTERM")
}

func withCancelRejects(t *testing.T, s result.Subject) {
	if s.InFlight.Rejected*10 < s.InFlight.Total*9 || s.InFlight.Total == 0 {
		t.Errorf("%d of %d in flight rejected, want at least nine tenths", s.InFlight.Rejected, s.InFlight.Total)
	}
	if s.InFlight.Dropped != 0 {
		t.Errorf("%d in flight dropped, want none", s.InFlight.Dropped)
	}
	wantVerdict(t, s, result.Fail, check.InFlightCompletes, result.Violated)
	wantStory(t, s, "The signal cancelled the context of their handlers")
}

func signalNotifyCompletes(t *testing.T, s result.Subject) {
	if s.InFlight.Completed != s.InFlight.Total || s.InFlight.Total < 60 {
		t.Errorf("%d of %d in flight completed, want all of at least 60", s.InFlight.Completed, s.InFlight.Total)
	}
	wantVerdict(t, s, result.Pass, check.InFlightCompletes, result.Satisfied)
	wantStatus(t, s, check.ExitStatus, result.Satisfied)
	wantStatus(t, s, check.ExitsInGrace, result.Satisfied)
	if s.Late.Dropped > 0 { // not hidden, if there were any
		wantStatus(t, s, check.LateRequestsAnswered, result.Warned)
	}
}

// TestReturningHandlersFail: a handler that returns when its context is cancelled
// gives an answer that looks well to anything but a comparison with those before.
func TestReturningHandlersFail(t *testing.T) {
	t.Parallel() // it waits, most of the time
	s := suite(t, 0, "compare", "with-cancel-return", "with-cancel-detached", "--shutdowns", "1").Subjects
	if len(s) != 2 || s[0].Verdict != result.Fail {
		t.Fatalf("%d subjects, want 2 of which the first fails: %+v", len(s), s)
	}
	if s[0].InFlight.Failed*4 < s[0].InFlight.Total*3 || s[0].InFlight.Total == 0 {
		t.Errorf("%d of %d in flight failed, want at least three quarters", s[0].InFlight.Failed, s[0].InFlight.Total)
	}
	wantStatus(t, s[0], check.InFlightCompletes, result.Violated)
	wantStatus(t, s[0], check.NoFailed, result.Violated)
	wantStory(t, s[0], "answered 200 with an empty body, unlike every answer before the signal")
	wantStory(t, s[0], "Do not let handlers inherit a context that the signal cancels")
	wantVerdict(t, s[1], result.Pass, check.InFlightCompletes, result.Satisfied)
}

// TestFastNaiveServerFails asks that short handlers do not slip through: only a
// few requests are in flight at any time.
func TestFastNaiveServerFails(t *testing.T) {
	s := suite(t, 0, "compare", "naive", "--delay", "5ms", "--rate", "2000", "--shutdowns", "2")
	wantVerdict(t, s.Subjects[0], result.Fail, check.InFlightCompletes, result.Violated)
}

func wantVerdict(t *testing.T, s result.Subject, v result.Verdict, rule string, status result.Status) {
	t.Helper()
	if s.Verdict != v {
		t.Errorf("verdict %s, want %s; findings: %+v", s.Verdict, v, s.Findings)
	}
	wantStatus(t, s, rule, status)
	for _, f := range s.Findings {
		if f.Status == result.Violated && f.Rule != rule && v == result.Fail && !follows(f.Rule) {
			t.Errorf("rule %s is violated too: %s", f.Rule, f.Detail)
		}
	}
}

// follows reports whether a rule's violation may ride along with the one that
// is looked for: a process that dies under load can also cut off a late request
// that it has just received.
func follows(rule string) bool { return rule == check.LateRequestsAnswered }

func wantStatus(t *testing.T, s result.Subject, rule string, status result.Status) {
	t.Helper()
	for _, f := range s.Findings {
		if f.Rule == rule {
			if f.Status != status {
				t.Errorf("rule %s: %s (%s), want %s", rule, f.Status, f.Detail, status)
			}
			return
		}
	}
	t.Errorf("rule %s was not judged", rule)
}

func wantStory(t *testing.T, s result.Subject, phrase string) {
	t.Helper()
	if story := strings.Join(s.Story, " "); !strings.Contains(story, phrase) {
		t.Errorf("story %q does not say %q", story, phrase)
	}
}
