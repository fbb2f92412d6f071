package check

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// TestIntegrityBroken has one case for every reason for which a shutdown cannot
// be judged. Each starts from a history that passes and breaks one thing.
func TestIntegrityBroken(t *testing.T) {
	tests := []struct {
		name     string
		history  *builder
		detail   string // of an integrity finding
		evidence func(*history.Request) bool
	}{
		{
			name:    "interrupted - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Interrupted = true }),
			detail:  "it was interrupted",
		},
		{
			name:    "the shutdown could not be carried out - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Error = "boot naive: no ready line" }),
			detail:  "boot naive: no ready line",
		},
		{
			name:    "conservation: more scheduled than recorded - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Scheduled++ }),
			detail:  "the counts of requests differ: 71 were scheduled, 70 have a record, 70 have an outcome, 70 have a result",
		},
		{
			name:    "conservation: fewer scheduled than recorded - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Scheduled-- }),
			detail:  "the counts of requests differ: 69 were scheduled",
		},
		{
			name:    "conservation: a record too few - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Requests = h.Requests[:69] }),
			detail:  "70 were scheduled, 69 have a record",
		},
		{
			name:    "conservation: a result too few - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Results-- }),
			detail:  "70 have an outcome, 69 have a result",
		},
		{
			name:    "conservation: a result too many - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Results++ }),
			detail:  "70 have an outcome, 71 have a result",
		},
		{
			name:    "conservation: a request that never ended - inconclusive",
			history: newHistory().inFlight(history.Pending, 1),
			detail:  "71 have a record, 70 have an outcome",
		},
		{
			name: "conservation: an outcome outside the closed set - inconclusive",
			history: newHistory().late(history.Dropped, 1, func(r *history.Request) {
				r.Outcome = history.Unsent + 1
			}),
			detail: "71 have a record, 70 have an outcome",
		},
		{
			name:    "conservation: one sequence number twice - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Requests[9].Seq = 8 }),
			detail:  "record 9 carries the sequence number 8",
		},
		{
			name:    "the load generator saw another status - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Disagreed = 2 }),
			detail:  "2 results of the load generator contradict what the connections saw",
		},
		{
			name:     "shortage of descriptors - inconclusive",
			history:  newHistory().late(history.Unsent, 2),
			detail:   "could not send 2 requests (out-of-descriptors 2): raise its limit of open files",
			evidence: unsent,
		},
		{
			name:     "shortage of ports - inconclusive",
			history:  newHistory().late(history.Unsent, 1, reason(history.OutOfPorts)),
			detail:   "(out-of-ports 1): lower the rate, or use --connections reused",
			evidence: unsent,
		},
		{
			name:     "cancelled by lastcall in flight - inconclusive",
			history:  newHistory().inFlight(history.Unsent, 1, reason(history.Cancelled)),
			detail:   "could not send 1 request (cancelled 1)",
			evidence: unsent,
		},
		{
			name:     "shortage after the exit - inconclusive",
			history:  newHistory().after(history.Unsent, 1),
			detail:   "could not send 1 request",
			evidence: unsent,
		},
		{
			name:    "the signal was not sent - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Signal = history.Signal{Name: "SIGTERM"} }),
			detail:  "the signal was not sent",
		},
		{
			name: "the signal could not be sent - inconclusive",
			history: newHistory().edit(func(h *history.History) {
				h.Signal = history.Signal{Name: "SIGTERM", Error: "operation not permitted"}
			}),
			detail: "the signal was not sent: operation not permitted",
		},
		{
			name:    "the exit was not seen - inconclusive",
			history: newHistory().edit(func(h *history.History) { h.Exit = history.Exit{} }),
			detail:  "the subject's exit was not seen",
		},
		{
			name:     "a loss before the signal - inconclusive",
			history:  newHistory().before(history.Dropped, 1),
			detail:   "1 of 41 requests went wrong before the signal (40 completed, 1 dropped)",
			evidence: ended(history.Dropped),
		},
		{
			name:     "a failure before the signal - inconclusive",
			history:  newHistory().before(history.Failed, 2),
			detail:   "2 of 42 requests went wrong before the signal",
			evidence: ended(history.Failed),
		},
		{
			name:     "a refusal before the signal - inconclusive",
			history:  newHistory().before(history.Refused, 1),
			detail:   "1 of 41 requests went wrong before the signal (40 completed, 1 refused)",
			evidence: func(r *history.Request) bool { return r.Outcome == history.Refused && r.End < signalAt },
		},
		{
			name:     "a rejection before the signal - inconclusive",
			history:  newHistory().before(history.Rejected, 1),
			detail:   "1 of 41 requests went wrong before the signal",
			evidence: ended(history.Rejected),
		},
		{
			name:    "the load lags more than 50 ms, and nothing else is a witness - inconclusive",
			history: lagged(delay, history.MaxSlip+time.Microsecond).edit(withoutWitness),
			detail:  "and 50 ms is allowed",
		},
		{
			name:     "unframed in flight - inconclusive",
			history:  newHistory().inFlight(history.Completed, 1, unframed),
			detail:   "1 answer ended with the connection",
			evidence: isUnframed,
		},
		{
			name:     "unframed late - inconclusive",
			history:  newHistory().late(history.Completed, 3, unframed),
			detail:   "3 answers ended with the connection",
			evidence: isUnframed,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.history.done()
			s := judge(t, "default", []*history.History{h})
			if s.Verdict != result.Inconclusive || s.ShutdownsIntact != 0 {
				t.Errorf("verdict %v with %d intact shutdowns, want inconclusive with none", s.Verdict, s.ShutdownsIntact)
			}
			f, ok := saying(findings(s, Integrity), tt.detail)
			if !ok {
				t.Fatalf("no integrity finding says %q: %+v", tt.detail, s.Findings)
			}
			wantEvidence(t, f, h, tt.evidence)
			if !strings.Contains(strings.Join(s.Details[0].Warnings, "\n"), tt.detail) {
				t.Errorf("the shutdown's warnings %q do not say %q", s.Details[0].Warnings, tt.detail)
			}
		})
	}
}

// TestIntegrityHolds has what comes close to a broken shutdown and is none.
func TestIntegrityHolds(t *testing.T) {
	tests := []struct {
		name    string
		history *builder
	}{
		{"nothing unusual - pass", newHistory()},
		{"the load lags 50 ms, the handler is quick - pass", lagged(time.Millisecond, history.MaxSlip)},
		{
			"less than a hundredth of the load lags - pass",
			newFrame().before(history.Completed, 299).before(history.Completed, 1, lagging(time.Hour)).inFlight(history.Completed, 25),
		},
		{"the load paused as the signal was sent - pass", newHistory().edit(paused(signalAt))},
		{"the load paused after the signal - pass", newHistory().edit(paused(signalAt + time.Second))},
		{"unframed before the signal - pass", newHistory().before(history.Completed, 3, unframed)},
		{"unframed after the exit - pass", newHistory().after(history.Completed, 3, unframed)},
		{"refused after the exit - pass", newHistory().after(history.Refused, 50)},
		{"refused after the signal - pass", newHistory().late(history.Refused, 50)},
		{"connections found dead before a byte - pass", newHistory().late(history.Completed, 3, func(r *history.Request) {
			r.Stale, r.Attempts = 2, 3
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", []*history.History{tt.history.done()})
			if s.Verdict != result.Pass || s.ShutdownsIntact != 1 {
				t.Errorf("verdict %v, intact %d, want a pass: %+v", s.Verdict, s.ShutdownsIntact, findings(s, Integrity))
			}
		})
	}
}

// The requests of newHistory, by sequence number: the first 40 ended before the
// signal, the next 25 were in flight, and the last 5 were refused.
const (
	someBefore   = 3
	someInFlight = 45
	someRefused  = 68
	firstAdded   = 70
)

// TestWitnesses compares the client's account with the server's ledger.
func TestWitnesses(t *testing.T) {
	tests := []struct {
		name     string
		history  *builder
		detail   string // "" if they do not contradict each other
		evidence func(*history.Request) bool
		verdict  result.Verdict
	}{
		{
			name:    "they agree - pass",
			history: newHistory().withLedger().late(history.Completed, 3),
			verdict: result.Pass,
		},
		{
			name:    "the server keeps no ledger - pass",
			history: newHistory().edit(func(h *history.History) { h.Ledger.Lines = []history.LedgerLine{{Fact: history.SignalMarked}} }),
			verdict: result.Pass,
		},
		{
			// Without the mark all of them would seem to have come before the signal.
			name: "the mark is lost and nothing was in flight - inconclusive",
			history: newFrame().withLedger().before(history.Completed, 40).late(history.Completed, 25).
				edit(unmark),
			detail: "the server's ledger lacks the mark of the signal",
		},
		{
			name:     "completed and never received - inconclusive",
			history:  newHistory().withLedger().edit(forget(someInFlight)),
			detail:   "1 request (#45): completed according to the connection, never received according to the server's ledger",
			evidence: is(someInFlight),
		},
		{
			name:     "completed before the signal and never received - inconclusive",
			history:  newHistory().withLedger().edit(forget(someBefore)),
			detail:   "1 request (#3): completed according to the connection, never received according to the server's ledger",
			evidence: is(someBefore),
		},
		{
			name:     "executed and answered but never received - inconclusive",
			history:  newHistory().withLedger().edit(forget(someBefore)).note(someBefore, history.Executed, history.Answered),
			detail:   "1 request (#3): completed according to the connection, never received according to the server's ledger",
			evidence: is(someBefore),
		},
		{
			name:     "refused and yet received - inconclusive",
			history:  newHistory().withLedger().note(someRefused, history.Received),
			detail:   "1 request (#68): never sent according to the connection, received according to the server's ledger",
			evidence: is(someRefused),
		},
		{
			name:     "unsent and yet received - inconclusive",
			history:  newHistory().late(history.Unsent, 1).withLedger().note(firstAdded, history.Received),
			detail:   "1 request (#70): never sent according to the connection, received according to the server's ledger",
			evidence: is(firstAdded),
		},
		{
			name:     "received more often than sent - inconclusive",
			history:  newHistory().withLedger().note(someInFlight, history.Received),
			detail:   "1 request (#45): received more often than sent",
			evidence: is(someInFlight),
		},
		{
			name: "more than five are not all named - inconclusive",
			history: newHistory().withLedger().
				edit(forget(1)).edit(forget(2)).edit(forget(3)).edit(forget(4)).edit(forget(5)).edit(forget(6)),
			detail:   "6 requests (#1, #2, #3, #4, #5, ...): completed according to the connection, never received according to the server's ledger",
			evidence: func(r *history.Request) bool { return r.Seq >= 1 && r.Seq <= 6 },
		},
		{
			// It died in a buffer: no contradiction. On an idle connection it is one of the races.
			name:    "dropped late and never received - pass",
			history: newHistory().withLedger().late(history.Dropped, 3, reused),
			verdict: result.Pass,
		},
		{
			// No contradiction either, and so the loss counts.
			name:    "dropped in flight and never received - fail",
			history: newHistory().withLedger().inFlight(history.Dropped, 1).edit(forget(firstAdded)),
			verdict: result.Fail,
		},
		{
			name: "answered, executed and dropped - fail",
			history: newHistory().withLedger().inFlight(history.Dropped, 1).
				note(firstAdded, history.Executed, history.Answered),
			verdict: result.Fail,
		},
		{
			// A balancer in front of the server may answer 503 itself.
			name:    "rejected late and never received - pass",
			history: newHistory().withLedger().late(history.Rejected, 1).edit(forget(firstAdded)),
			verdict: result.Pass,
		},
		{
			name: "received as often as it was sent - pass",
			history: newHistory().withLedger().
				late(history.Completed, 1, func(r *history.Request) { r.Attempts = 2 }).note(firstAdded, history.Received),
			verdict: result.Pass,
		},
		{
			name:    "received but not yet executed or answered - pass",
			history: newHistory().withLedger().edit(forget(someInFlight)).edit(first(someInFlight, history.Received)),
			verdict: result.Pass,
		},
		{
			name: "lines of others and torn lines - pass",
			history: newHistory().withLedger().edit(func(h *history.History) {
				h.Ledger.Foreign, h.Ledger.Torn = 7, 1
			}),
			verdict: result.Pass,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.history.done()
			s := judge(t, "default", []*history.History{h})
			if s.Verdict != tt.verdict {
				t.Errorf("verdict %v, want %v: %+v", s.Verdict, tt.verdict, findings(s, Integrity))
			}
			if tt.detail == "" {
				if found := findings(s, Integrity); len(found) > 0 {
					t.Errorf("it is taken for a contradiction: %+v", found)
				}
				return
			}
			f, ok := saying(findings(s, Integrity), tt.detail)
			if !ok {
				t.Fatalf("no integrity finding says %q: %+v", tt.detail, findings(s, Integrity))
			}
			wantEvidence(t, f, h, tt.evidence)
		})
	}
}

// TestIntegritySaysNoMore: advice and reasons that do not apply are left out.
func TestIntegritySaysNoMore(t *testing.T) {
	tests := []struct {
		name    string
		history *builder
		want    string
	}{
		{
			"cancelled - inconclusive", newHistory().late(history.Unsent, 2, reason(history.Cancelled)),
			"shutdown 1: lastcall could not send 2 requests (cancelled 2)",
		},
		{
			"the signal was not sent, for no known reason - inconclusive",
			newHistory().edit(func(h *history.History) { h.Signal = history.Signal{} }),
			"shutdown 1: the signal was not sent",
		},
		{
			"five contradictions are all named - inconclusive",
			newHistory().withLedger().edit(forget(1)).edit(forget(2)).edit(forget(3)).edit(forget(4)).edit(forget(5)),
			"shutdown 1: the witnesses contradict each other on 5 requests (#1, #2, #3, #4, #5): completed according to the connection, " +
				"never received according to the server's ledger",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", []*history.History{tt.history.done()})
			if f := finding(t, s, Integrity); f.Detail != tt.want {
				t.Errorf("it says %q, want %q", f.Detail, tt.want)
			}
		})
	}
}

// TestLedgerThatSaysExecutedOnly is no contradiction: it need not say more.
func TestLedgerThatSaysExecutedOnly(t *testing.T) {
	h := newHistory().withLedger().edit(func(h *history.History) {
		h.Ledger.Lines = slices.DeleteFunc(h.Ledger.Lines, func(l history.LedgerLine) bool {
			return l.Fact == history.Received || l.Fact == history.Answered
		})
	}).done()
	if s := judge(t, "default", []*history.History{h}); s.Verdict != pass || len(findings(s, Integrity)) != 0 {
		t.Errorf("verdict %v, want pass: %+v", s.Verdict, findings(s, Integrity))
	}
}

// TestIntegrityNamesEveryReason: a shutdown may be broken in several ways.
func TestIntegrityNamesEveryReason(t *testing.T) {
	h := newHistory().before(history.Failed, 1).late(history.Unsent, 1).
		edit(func(h *history.History) { h.Disagreed = 1 }).done()
	s := judge(t, "default", []*history.History{h})
	if found := findings(s, Integrity); len(found) != 3 {
		t.Errorf("%d findings, want one for each of 3 reasons: %+v", len(found), found)
	}
}

// TestRemarks: what is worth knowing stands beside the shutdown and changes no
// verdict.
func TestRemarks(t *testing.T) {
	tests := []struct {
		name    string
		history *builder
		want    string
	}{
		{"the load paused with the signal - pass", newHistory().edit(paused(signalAt)), "paused 0 ms after the signal"},
		{"the load paused, but not to the end - pass", newHistory().edit(paused(signalAt+70*time.Millisecond)).late(history.Completed, 1, sentAt(signalAt+200*time.Millisecond)), "paused 70 ms after the signal"},
		{
			"the signal came in a lull - pass", newHistory().edit(func(h *history.History) { h.Signal.Open, h.Signal.Mean = 1, 2.5 }),
			"few requests were open when the signal was sent: 1 request, 2.5 on average",
		},
		{"torn lines - pass", newHistory().edit(func(h *history.History) { h.Ledger.Torn = 2 }), "2 lines of the ledger could not be read"},
		{"foreign lines - pass", newHistory().edit(func(h *history.History) { h.Ledger.Foreign = 3 }), "3 lines of the ledger carry ids of no request"},
		{"the kernel cannot be asked - pass", newHistory().edit(unseen), "it is not known what the process had read of each request, only when each was sent: no netlink here"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "strict", []*history.History{tt.history.done()})
			if s.Verdict != result.Pass {
				t.Errorf("verdict %v, want pass", s.Verdict)
			}
			if got := strings.Join(s.Details[0].Warnings, "\n"); !strings.Contains(got, tt.want) {
				t.Errorf("warnings %q do not say %q", got, tt.want)
			}
		})
	}
}

// TestNoRemarks: a shutdown of which there is nothing to say has no warnings.
func TestNoRemarks(t *testing.T) {
	for name, b := range map[string]*builder{
		"nothing unusual - pass": newHistory(),
		"just half as many open as in the mean - pass": newHistory().edit(func(h *history.History) {
			h.Signal.Open, h.Signal.Mean = 5, 10
		}),
	} {
		t.Run(name, func(t *testing.T) {
			if got := judge(t, "default", []*history.History{b.done()}).Details[0].Warnings; len(got) != 0 {
				t.Errorf("it is said that %q", got)
			}
		})
	}
}

// TestNoRemarksWithoutSignal: nothing came after a signal that was not sent.
func TestNoRemarksWithoutSignal(t *testing.T) {
	h := newFrame().before(history.Completed, 40).edit(paused(signalAt)).edit(func(h *history.History) { h.Signal = history.Signal{Mean: 10} }).done()
	got := judge(t, "default", []*history.History{h}).Details[0].Warnings
	if len(got) != 1 || got[0] != "the signal was not sent" {
		t.Errorf("it is said that %q", got)
	}
}

func unsent(r *history.Request) bool { return r.Outcome == history.Unsent }

func isUnframed(r *history.Request) bool { return r.Unframed }

func ended(o history.Outcome) func(*history.Request) bool {
	return func(r *history.Request) bool { return r.Outcome == o }
}

func is(seq uint32) func(*history.Request) bool {
	return func(r *history.Request) bool { return r.Seq == seq }
}

// paused lets the load meet its cap.
func paused(at time.Duration) func(*history.History) {
	return func(h *history.History) {
		h.Events = append(h.Events, history.Event{Name: history.EventLoadPaused, At: at})
	}
}

// withoutWitness is a shutdown in which neither the kernel nor a ledger tells anything.
func withoutWitness(h *history.History) {
	h.Kernel.Asked = false
	h.Ledger = history.Ledger{}
}

// lagged returns a shutdown of a handler that takes so long, in which every
// request started so late.
func lagged(handler, by time.Duration) *builder {
	return newHistory().edit(func(h *history.History) {
		h.Header.Scenario.Subject.Delay = scenario.Duration{Duration: handler}
		for i := range h.Requests {
			r := &h.Requests[i]
			r.Scheduled = r.Started - by
			if r.End < signalAt {
				r.FirstByte = min(r.FirstByte, r.Started+handler)
				r.End = r.Started + handler
			}
		}
	})
}

// forget takes a request's lines out of the ledger.
func forget(seq uint32) func(*history.History) {
	return func(h *history.History) {
		var kept []history.LedgerLine
		for _, l := range h.Ledger.Lines {
			if l.Seq != seq || l.Fact == history.SignalMarked {
				kept = append(kept, l)
			}
		}
		h.Ledger.Lines = kept
	}
}

// unmark takes lastcall's mark out of the ledger, as a server does that
// truncates the file.
func unmark(h *history.History) {
	h.Ledger.Lines = slices.DeleteFunc(h.Ledger.Lines, marked)
}

// first puts a line at the head of the ledger.
func first(seq uint32, fact history.Fact) func(*history.History) {
	return func(h *history.History) {
		h.Ledger.Lines = append([]history.LedgerLine{{Seq: seq, Fact: fact}}, h.Ledger.Lines...)
	}
}

// saying returns the finding whose detail holds a phrase.
func saying(found []result.Finding, phrase string) (result.Finding, bool) {
	for _, f := range found {
		if strings.Contains(f.Detail, phrase) {
			return f, true
		}
	}
	return result.Finding{}, false
}

// wantEvidence asks that a finding points at exactly those requests of the
// shutdown, or at the shutdown as a whole if is is nil.
func wantEvidence(t *testing.T, f result.Finding, h *history.History, is func(*history.Request) bool) {
	t.Helper()
	var got []uint32
	for _, e := range f.Evidence {
		if e.Shutdown != h.Header.Shutdown {
			t.Errorf("evidence of shutdown %d, want %d", e.Shutdown, h.Header.Shutdown)
		}
		if e.Seq != nil {
			got = append(got, *e.Seq)
		}
	}
	if is == nil {
		if len(f.Evidence) != f.Count || len(got) != 0 {
			t.Errorf("evidence %+v, want the shutdown as a whole", f.Evidence)
		}
		return
	}
	want := seqsOf(h, is)
	if len(want) == 0 {
		t.Fatal("the test itself finds no such request")
	}
	if !sameSet(got, want) {
		t.Errorf("evidence names requests %v, want %v", got, want)
	}
}

func sameSet(a, b []uint32) bool {
	in := make(map[uint32]int)
	for _, x := range a {
		in[x]++
	}
	for _, x := range b {
		in[x]--
	}
	for _, n := range in {
		if n != 0 {
			return false
		}
	}
	return true
}
