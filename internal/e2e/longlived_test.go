package e2e

import (
	"path/filepath"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// TestLongLived asks that who forgets the websockets fails for that, that its
// right sibling passes beside the same clients, and that both verdicts come out
// again of what was recorded.
func TestLongLived(t *testing.T) {
	t.Parallel() // it waits, most of the time
	dir := filepath.Join(t.TempDir(), "histories")
	first := suite(t, exitPass, "compare", "--scenario", "long-lived", "--shutdowns", "1", "--min-at-risk", "5", "--record", dir, "hijack-forgotten", "notify-context")
	again := suite(t, exitPass, "report", dir, "--min-at-risk", "5")
	for name, s := range map[string]result.Suite{"measured": first, "judged again": again} {
		t.Run(name, func(t *testing.T) {
			forgetful, right := s.Subjects[0], s.Subjects[1]
			wantVerdict(t, forgetful, result.Fail, check.ClosesCleanly, result.Violated)
			wantStory(t, forgetful, "The 5 WebSocket connections got no close frame")
			wantParked(t, forgetful, map[string]result.Parked{scenario.WebSocket: {Held: 5, Cut: 5}, scenario.EventStream: {Held: 5, Clean: 5}, scenario.Silent: {Held: 3, Clean: 3}})
			wantVerdict(t, right, result.Pass, check.ClosesCleanly, result.Satisfied)
			wantParked(t, right, map[string]result.Parked{scenario.WebSocket: {Held: 5, Clean: 5}, scenario.EventStream: {Held: 5, Clean: 5}, scenario.Silent: {Held: 3, Clean: 3}})
		})
	}
}

func wantParked(t *testing.T, s result.Subject, want map[string]result.Parked) {
	t.Helper()
	parked := s.Details[0].Parked
	if len(parked) != len(want) {
		t.Errorf("%s: %d kinds are parked: %+v", s.Name, len(parked), parked)
	}
	for _, got := range parked {
		w := want[got.Kind]
		w.Kind, w.Asked = got.Kind, w.Held
		if got != w {
			t.Errorf("%s: %+v, want %+v", s.Name, got, w)
		}
	}
}

// TestStartup asks that a right strategy passes wherever in its start the signal
// finds it, and that what was recorded is judged so again.
func TestStartup(t *testing.T) {
	t.Parallel() // it waits, most of the time
	dir := filepath.Join(t.TempDir(), "histories")
	first := suite(t, exitPass, "compare", "--scenario", "startup", "--record", dir, "signal-notify", "naive")
	for name, s := range map[string]result.Suite{"measured": first, "judged again": suite(t, exitPass, "report", dir)} {
		t.Run(name, func(t *testing.T) {
			for _, subject := range s.Subjects {
				if subject.Verdict != result.Pass || subject.Requests.Total > 0 {
					t.Errorf("%s: %s, after %d requests: %q", subject.Name, subject.Verdict, subject.Requests.Total, subject.Story)
				}
				wantStatus(t, subject, check.ExitsInGrace, result.Satisfied)
				wantStatus(t, subject, check.InFlightCompletes, result.NotExercised)
			}
			wantStatus(t, s.Subjects[1], check.ExitStatus, result.Warned)
		})
	}
}
