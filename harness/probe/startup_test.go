package probe

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/harness/process"
)

// TestJudgeEarly: who starts anyway, or takes longer than its start and an ordinary
// stop, has not heard of a signal during its start.
func TestJudgeEarly(t *testing.T) {
	const ms = time.Millisecond
	ended := func(took time.Duration, code int) leave { return leave{Exit: process.Exit{Code: code}, took: took} }
	late := early{late: true, was: true, got: -20 * ms, end: ended(500*ms, 0)}
	for _, tt := range []struct {
		name string
		early
		late early
		bad  string // is a part of what is wrong
	}{
		{"ends at once", early{got: -1, end: ended(5*ms, 0)}, late, ""},
		{"dies of the signal", early{got: -1, end: leave{Exit: process.Exit{Signal: "SIGTERM"}}}, late, ""},
		{"has a status of its own", early{got: -1, end: ended(5*ms, 3)}, late, "exit status 3"},
		{"starts anyway and ends well", early{at: 100 * ms, got: 900 * ms, end: ended(1151*ms, 0)}, late, "it started anyway: it was ready 900 ms after the signal; it ended after 1.2 s"},
		{"starts, finds that it was told, and ends", early{at: 100 * ms, got: 900 * ms, end: ended(1150*ms, 0)}, late, ""},
		{"perhaps it was ready", early{at: 900 * ms, got: 250 * ms, end: ended(600*ms, 0)}, late, ""},
		{"perhaps it was ready, and takes its time", early{at: 900 * ms, got: 250 * ms, end: ended(1601*ms, 0)}, late, "an ordinary stop and 1 s are 1.6 s"},
		{"never ready, and takes its time", early{at: 900 * ms, got: -1, end: ended(3*time.Second, 0)}, late, "ended after 3 s"},
		{"takes what its start and an ordinary stop take", early{at: 100 * ms, got: -1, end: ended(2300*ms, 0)}, late, ""},
		{"it was ready: an ordinary stop has no such bound", early{at: 900 * ms, was: true, got: -5 * ms, end: ended(3*time.Second, 0)}, late, ""},
		{"an ordinary stop is not known", early{got: -1, end: ended(5*time.Second, 0)}, early{late: true, err: errKilled}, ""},
		{"killed", early{got: -1, end: leave{took: 9 * time.Second, killed: true}}, late, "it was killed"},
		{"started, and killed", early{got: 100 * ms, end: leave{took: 9 * time.Second, killed: true}}, late, "it started anyway, and was killed"},
	} {
		all := []early{tt.early, tt.late}
		judgeEarly(&Plan{Signal: syscall.SIGTERM}, all, time.Second)
		if got := all[0].bad; (got == "") != (tt.bad == "") || !strings.Contains(got, tt.bad) || all[1].bad != "" {
			t.Errorf("%s: %q and %q, want %q", tt.name, got, all[1].bad, tt.bad)
		}
	}
}

// TestSumEarly: where every server was ready before it was told nothing was seen of
// a start.
func TestSumEarly(t *testing.T) {
	was := early{was: true}
	if _, err := sumEarly([]early{was, was}, time.Second); err == nil || !strings.Contains(err.Error(), "before the signal could be sent") {
		t.Errorf("all were ready: %v", err)
	}
	s, err := sumEarly([]early{was, {got: -1, died: true}}, time.Second)
	if err != nil || !s.Reached || !strings.Contains(s.Proof, "; 1 of them came before that") || s.broken() {
		t.Errorf("%+v, %v", s, err)
	}
}
