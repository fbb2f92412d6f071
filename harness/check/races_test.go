package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestAdviceOnRaces: who went on serving with Connection: close is not told to do so.
func TestAdviceOnRaces(t *testing.T) {
	const (
		serveOn = "To drop fewer, go on serving with Connection: close for a while before Shutdown."
		served  = "The server had been answering with Connection: close for a while. Let the balancer stop sending before the server closes, " +
			"or accept it: no HTTP/1.1 server can prevent these."
	)
	answered := func(after time.Duration, changes ...change) *builder {
		at := sentAt(signalAt + signalIn + after)
		return newHistory().late(history.Completed, 9, append([]change{at, endsAfter(2 * time.Millisecond)}, changes...)...)
	}
	lossy := func(b *builder) *builder {
		return b.late(history.Dropped, 2, reused, sentAt(closeAt), endsAfter(time.Millisecond))
	}
	for _, tt := range []struct {
		name      string
		histories []*history.History
		want      string // the last sentence
	}{
		{"Shutdown at once", histories(lossy(newHistory())), serveOn},
		{"its last answers say it, and nobody new is served", histories(lossy(answered(atOnce))), serveOn},
		{"it goes on serving, and says so", histories(lossy(answered(atOnce + time.Millisecond))), served},
		{"it goes on serving, and says nothing", histories(lossy(answered(atOnce+time.Millisecond, keepsOpen))), serveOn},
		{"only in one of two", histories(lossy(answered(2*atOnce)), lossy(newHistory())), serveOn},
		{"where it lost none it does not matter", histories(lossy(answered(2*atOnce)), newHistory()), served},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := policy(t, "default")
			p.Levels[AnnouncesClose] = Level{}
			s := Judge(tt.histories, p).Subjects[0]
			if s.Verdict != result.Pass || s.Story[len(s.Story)-1] != tt.want {
				t.Errorf("%s: the last sentence of %q is not %q", s.Verdict, s.Story, tt.want)
			}
		})
	}
	budget := policy(t, "default")
	budget.MaxLoss = 0.01
	all := histories(lossy(answered(2*atOnce)).late(history.Dropped, 20, reused, sentAt(closeAt), endsAfter(time.Millisecond)))
	if s := Judge(all, budget).Subjects[0]; s.Verdict != result.Fail || !strings.HasPrefix(s.Remedy, "The server had been answering") {
		t.Errorf("%s beyond its budget, and the remedy is %q", s.Verdict, s.Remedy)
	}
}
