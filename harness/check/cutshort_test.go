package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
)

// TestCutShort: a load that ended with the process, before the lag was over, is not
// like one that was answered to the end. The rate is 500 a second.
func TestCutShort(t *testing.T) {
	const lag = 2 * time.Second
	dying := func() *builder { return newHistory().inFlight(history.Dropped, 3).lag(lag) }
	leaves := func(after time.Duration) func(*history.History) {
		return func(h *history.History) { h.Exit.At = signalAt + signalIn + after }
	}
	for _, tt := range []struct {
		name      string
		histories []*history.History
		want      string // "" for no such sentence
	}{
		{
			"it ended at once", histories(dying().edit(leaves(190 * time.Millisecond))),
			"lastcall sent nothing later than 190 ms after the signal, because the server was gone. A balancer would have sent about 910 more.",
		},
		{
			"the load went on for a moment", histories(dying().edit(leaves(190*time.Millisecond)).late(history.Refused, 1, startedAt(signalAt+signalIn+240*time.Millisecond))),
			"lastcall sent nothing later than 240 ms after the signal, because the server was gone. A balancer would have sent about 880 more.",
		},
		{
			"in three shutdowns, one of them to the end", histories(dying().edit(leaves(200*time.Millisecond)), dying().edit(leaves(lag)), dying().edit(leaves(100*time.Millisecond))),
			"lastcall sent nothing later than 200 ms after the signal, because the server was gone. A balancer would have sent about 900 more each time.",
		},
		{"just before the end of the lag", histories(dying().edit(leaves(lag - 20*time.Millisecond))), "lastcall sent nothing later than 2 s after the signal, because the server was gone. A balancer would have sent about 10 more."},
		{"at the end of the lag", histories(dying().edit(leaves(lag))), ""},
		{"there is no lag", histories(dying().lag(0)), ""},
		{"it was killed", histories(dying().exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true})), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			for _, sentence := range judge(t, "k8s", tt.histories).Story {
				if strings.Contains(sentence, "A balancer would have sent") {
					got += sentence
				}
			}
			if got != tt.want {
				t.Errorf("it says %q, want %q", got, tt.want)
			}
		})
	}
}
