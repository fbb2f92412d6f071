package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestAcceptRaceOf: only a machine that is late itself widens the race.
func TestAcceptRaceOf(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name              string
		lag, uneven, want time.Duration
	}{
		{"at ease", 1 * ms, 2 * ms, 50 * ms},
		{"at ease, answers are uneven", 1 * ms, 900 * ms, 50 * ms},
		{"late", 40 * ms, 2 * ms, 80 * ms},
		{"late, and answers are uneven", 40 * ms, 90 * ms, 180 * ms},
		{"a little late, and answers are very uneven", 8 * ms, 900 * ms, 80 * ms},
		{"late beyond measure", 900 * ms, 900 * ms, 500 * ms},
	} {
		if got := acceptRaceOf(tt.lag, tt.uneven); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestAcceptRaceOnABusyMachine: who closes the listener at once is not blamed for
// what a busy machine makes of it; who accepts and hangs up for long is.
func TestAcceptRaceOnABusyMachine(t *testing.T) {
	late := func(lag, sent time.Duration) *builder {
		return newFrame().before(history.Completed, 40, lagging(lag)).inFlight(history.Completed, 25, lagging(lag)).
			late(history.Refused, 5).late(history.Dropped, 9, sentAt(sent), endsAfter(time.Millisecond))
	}
	const open, closed = "Close the listener first", "Go on serving what is open"
	for _, tt := range []struct {
		name    string
		history *builder
		want    result.Verdict
		says    string
		not     string
	}{
		{"60 ms after the closing, at ease - fail", late(0, closeAt+60*time.Millisecond), result.Fail, closed, open},
		{"60 ms after the closing, 40 ms of lag - pass", late(40*time.Millisecond, closeAt+60*time.Millisecond), result.Pass, "within 80ms of the listener's closing", open},
		{"81 ms after the closing, 40 ms of lag - fail", late(40*time.Millisecond, closeAt+81*time.Millisecond), result.Fail, closed, open},
		{"150 ms before the closing, at ease - fail", late(0, closeAt-150*time.Millisecond), result.Fail, open, closed},
		{"150 ms before the closing, 40 ms of lag - fail", late(40*time.Millisecond, closeAt-150*time.Millisecond), result.Fail, open, closed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", histories(tt.history))
			text := strings.Join(s.Story, " ")
			if s.Verdict != tt.want || !strings.Contains(text, tt.says) || strings.Contains(text, tt.not) {
				t.Errorf("%s, want %s: %q must say %q and not %q", s.Verdict, tt.want, text, tt.says, tt.not)
			}
			detail := finding(t, s, LateRequestsAnswered).Detail
			if wide := strings.Contains(detail, "(here 80ms: the machine was busy)"); wide != (tt.want == result.Pass) {
				t.Errorf("the detail tells of a wider race: %t: %q", wide, detail)
			}
		})
	}
}
