package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
)

// TestPace: who asked for too much is told what would do, and a server is not blamed
// for what the machine was too slow for. The rate is 500 a second.
func TestPace(t *testing.T) {
	// answered has so many requests completed at an even pace in the 800 ms before
	// the signal, all of them so late.
	answered := func(n int, lag time.Duration) *builder {
		b := newFrame().inFlight(history.Completed, 25, lagging(lag)).late(history.Refused, 5)
		for i := range n {
			at := signalAt - 800*time.Millisecond + time.Duration(i)*800*time.Millisecond/time.Duration(n)
			b.before(history.Completed, 1, sentAt(at-50*time.Millisecond), endsAt(at), lagging(lag))
		}
		return b
	}
	const late, onTime = 300 * time.Millisecond, 10 * time.Millisecond
	capped := paused(signalAt - time.Millisecond)
	for _, tt := range []struct {
		name    string
		history *builder
		want    []string
	}{
		{
			"late", answered(200, late),
			[]string{"started more than 300 ms late, and 50 ms is allowed; lower the rate to what was answered (--rate 240), or use a machine that is less busy."},
		},
		{"late, by a hiccup", answered(390, late), []string{"and 50 ms is allowed; lower the rate (--rate), or use a machine that is less busy."}},
		{"late, and hardly anything was answered", answered(20, late), []string{"and 50 ms is allowed; lower the rate (--rate), or use a machine that is less busy."}},
		{
			"at its cap, and on time", answered(200, onTime).edit(capped),
			[]string{"before the signal: the server is slower than the rate, so lower it to what was answered (--rate 240)."},
		},
		{
			"at its cap, and late", answered(200, late).edit(capped),
			[]string{
				"before the signal: lastcall was late itself, and the machine is slower than the rate, so lower it to what was answered (--rate 240).",
				"and 50 ms is allowed; lower the rate to what was answered (--rate 240)",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", histories(tt.history))
			text := strings.Join(s.Story, "\n")
			if s.Verdict != doubtful || len(s.Story) != len(tt.want) {
				t.Errorf("%s, and %d reasons, want %d: %q", s.Verdict, len(s.Story), len(tt.want), s.Story)
			}
			for _, phrase := range tt.want {
				if !strings.Contains(text, phrase) {
					t.Errorf("%q does not say %q", text, phrase)
				}
			}
		})
	}
}
