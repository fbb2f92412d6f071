package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// raced is how a request is lost that was written 4 ms before the signal, and met
// the close of its connection 1 ms after it.
func raced(r *history.Request) {
	sentAt(signalAt - 4*time.Millisecond)(r)
	r.End = signalAt + time.Millisecond
	reused(r)
}

// TestRacesWithoutALedger: a loss that may be a race warns, if everything else
// says that the server is right; and never in silence.
func TestRacesWithoutALedger(t *testing.T) {
	byTerm := history.Exit{Code: -1, Signal: "SIGTERM"}
	atOnce := func(h *history.History) { h.Exit.At = signalAt + time.Millisecond }
	closesAtOnce := func(h *history.History) { h.Events[3].At = signalAt + 2*time.Millisecond }
	fresh := func(r *history.Request) { r.Reused, r.Pooled = false, false }
	onOwn := []change{raced, fresh}
	tests := []struct {
		name            string
		history         *builder
		inFlight, late  result.Status
		verdict, strict result.Verdict
	}{
		{
			name: "signal-notify, one race among many completed - warn and pass", history: newHistory().inFlight(history.Dropped, 1, raced),
			inFlight: good, late: warned, verdict: pass, strict: fail,
		},
		{
			name:    "signal-notify, one race on a new connection - warn and pass",
			history: newHistory().inFlight(history.Dropped, 1, onOwn...).edit(closesAtOnce), inFlight: good, late: warned, verdict: pass, strict: fail,
		},
		{
			// The listener closes much later: nobody hung up on the accept queue then.
			name:    "a new connection is hung up on, and the listener stays open - fail",
			history: newHistory().inFlight(history.Dropped, 1, onOwn...), inFlight: good, late: bad, verdict: fail, strict: fail,
		},
		{
			name: "naive death, slow handlers - fail",
			history: newFrame().before(history.Completed, 40).inFlight(history.Dropped, 25).inFlight(history.Dropped, 2, raced).
				exit(byTerm).edit(atOnce),
			inFlight: bad, late: unmet, verdict: fail, strict: fail,
		},
		{
			name:     "naive death, handlers of 5 ms - fail",
			history:  newFrame().before(history.Completed, 40).inFlight(history.Dropped, 2, raced).exit(byTerm).edit(atOnce),
			inFlight: bad, late: unmet, verdict: fail, strict: fail,
		},
		{
			name:     "a killed worker takes an older one along - fail",
			history:  newHistory().inFlight(history.Dropped, 1).inFlight(history.Dropped, 1, raced),
			inFlight: bad, late: unmet, verdict: fail, strict: fail,
		},
		{
			name:     "the ledger had it before the signal - fail",
			history:  newHistory().withLedger().inFlight(history.Dropped, 1, raced),
			inFlight: bad, late: unmet, verdict: fail, strict: fail,
		},
		{
			// The ledger knows of others, not of it: it was on its way.
			name:     "the ledger never had it - warn and pass",
			history:  newHistory().withLedger().inFlight(history.Dropped, 1, raced).edit(forget(firstAdded)),
			inFlight: good, late: warned, verdict: pass, strict: fail,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.history.done()
			s := judge(t, "default", []*history.History{h})
			inFlight, late := finding(t, s, InFlightCompletes), finding(t, s, LateRequestsAnswered)
			if inFlight.Status != tt.inFlight || late.Status != tt.late || s.Verdict != tt.verdict {
				t.Errorf("in flight %v, late %v, verdict %v, want %v, %v, %v", inFlight.Status, late.Status, s.Verdict, tt.inFlight, tt.late, tt.verdict)
			}
			if len(s.Story) == 0 {
				t.Error("a loss is passed over in silence")
			}
			if strict := judge(t, "strict", []*history.History{h}); strict.Verdict != tt.strict {
				t.Errorf("strict: verdict %v, want %v", strict.Verdict, tt.strict)
			}
		})
	}
}

// TestForgivenIsSaid: whoever reads the details learns that a loss counts as late
// only because nobody knows better.
func TestForgivenIsSaid(t *testing.T) {
	const one = "1 request written up to 10ms before the signal was hung up on unanswered; all that came earlier were completed, " +
		"so that it is counted as late and not as in flight (a ledger would tell which it was)"
	const two = "2 requests written up to 10ms before the signal were hung up on unanswered; all that came earlier were completed, " +
		"so that they are counted as late and not as in flight (a ledger would tell which it was)"
	tests := []struct {
		name    string
		history *builder
		want    string
	}{
		{"one - said", newHistory().inFlight(history.Dropped, 1, raced), one},
		{"two - said", newHistory().inFlight(history.Dropped, 2, raced), two},
		{"late anyway - not said", newHistory().late(history.Dropped, 1, reused), ""},
		{"within the guard - not said", newHistory().late(history.Dropped, 1, reused, sentAt(signalAt-history.MinGuard+1)), ""},
		{"a ledger tells - not said", newHistory().withLedger().inFlight(history.Dropped, 1, raced).edit(forget(firstAdded)), ""},
		{"not forgiven - not said", newHistory().inFlight(history.Dropped, 1).inFlight(history.Dropped, 1, raced), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(judge(t, "default", []*history.History{tt.history.done()}).Details[0].Warnings, "\n")
			if got != tt.want {
				t.Errorf("it is said that %q, want %q", got, tt.want)
			}
		})
	}
}
