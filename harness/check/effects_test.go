package check

import (
	"slices"
	"strings"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// posts makes every request a POST.
func (b *builder) posts() *builder {
	return b.edit(func(h *history.History) {
		h.Methods = []string{"POST"}
		for i := range h.Requests {
			h.Requests[i].Idempotent = false
		}
	})
}

// lists are the words of a command that prints what was applied.
var lists = []string{"psql", "-c", "select id from orders"}

// found lets the store hold all that was completed, in order.
func (b *builder) found() *builder {
	return b.edit(func(h *history.History) {
		h.Applied = history.Applied{Looked: true, Command: lists}
		for i := range h.Requests {
			if h.Requests[i].Outcome == history.Completed {
				h.Applied.Lines = append(h.Applied.Lines, h.Requests[i].Seq)
			}
		}
	})
}

// gone takes ids out of the store.
func (b *builder) gone(seqs ...uint32) *builder {
	return b.edit(func(h *history.History) {
		h.Applied.Lines = slices.DeleteFunc(h.Applied.Lines, func(seq uint32) bool { return slices.Contains(seqs, seq) })
	})
}

// also puts ids into the store, at its end.
func (b *builder) also(seqs ...uint32) *builder {
	return b.edit(func(h *history.History) { h.Applied.Lines = append(h.Applied.Lines, seqs...) })
}

// neverDone takes what was executed out of the ledger.
func neverDone(seqs ...uint32) func(*history.History) {
	return func(h *history.History) {
		h.Ledger.Lines = slices.DeleteFunc(h.Ledger.Lines, func(l history.LedgerLine) bool {
			return l.Fact == history.Executed && (len(seqs) == 0 || slices.Contains(seqs, l.Seq))
		})
	}
}

func status(code uint16) change { return func(r *history.Request) { r.Status = code } }

func expecting(set string) func(*history.History) {
	return func(h *history.History) { h.Header.Scenario.Load.ExpectStatus = set }
}

// among reports whether a request is one of these.
func among(seqs ...uint32) func(*history.Request) bool {
	return func(r *history.Request) bool { return slices.Contains(seqs, r.Seq) }
}

func TestNoLostAck(t *testing.T) {
	orders := func() *builder { return newHistory().posts() }
	tests := []ruleCase{
		{
			name: "all are in the store - pass", history: orders().found(),
			normal: good, strict: good, judged: 65, detail: "65 acknowledged writes judged, no violation", normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "one in flight is not in the store - fail", history: orders().found().gone(someInFlight),
			normal: bad, strict: bad, judged: 65, count: 1, evidence: is(someInFlight), normalVerdict: fail, strictVerdict: fail,
			detail: "1 of 65 acknowledged writes was not applied, in 1 of 1 shutdowns: r1-1-45",
		},
		{
			name: "one is not in the store that was acknowledged long before the signal - fail", history: orders().found().gone(someBefore),
			normal: bad, strict: bad, judged: 65, count: 1, evidence: is(someBefore), normalVerdict: fail, strictVerdict: fail,
			detail: ": r1-1-3",
		},
		{
			name: "more than five are not all named - fail", history: orders().found().gone(0, 1, 2, 3, 4, 50),
			normal: bad, strict: bad, judged: 65, count: 6, evidence: among(0, 1, 2, 3, 4, 50), normalVerdict: fail, strictVerdict: fail,
			detail: "6 of 65 acknowledged writes were not applied, in 1 of 1 shutdowns: r1-1-0, r1-1-1, r1-1-2, r1-1-3, r1-1-4, ...",
		},
		{
			name: "the store is empty - fail", history: orders().found().edit(func(h *history.History) { h.Applied.Lines = nil }),
			normal: bad, strict: bad, judged: 65, count: 65, evidence: ended(history.Completed), normalVerdict: fail, strictVerdict: fail,
		},
		{
			// What the ledger says of a write that is not there only makes it worse.
			name: "the ledger says executed, the store knows better - fail", history: orders().withLedger().found().gone(someInFlight),
			normal: bad, strict: bad, judged: 65, count: 1, evidence: is(someInFlight), normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "the ledger has forgotten to say executed, the store knows better - pass", history: orders().withLedger().found().edit(neverDone(someInFlight)),
			normal: good, strict: good, judged: 65, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "nobody looked, the ledger says executed of all - pass", history: orders().withLedger(),
			normal: good, strict: good, judged: 65, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "nobody looked, the ledger does not say executed of two - fail", history: orders().withLedger().edit(neverDone(someBefore, someInFlight)),
			normal: bad, strict: bad, judged: 65, count: 2, evidence: among(someBefore, someInFlight), normalVerdict: fail, strictVerdict: fail,
		},
		{
			// A queue may be worked off long after the answer: only that it was counts.
			name: "executed long after it was answered - pass", history: orders().withLedger().edit(neverDone(someInFlight)).note(someInFlight, history.Executed),
			normal: good, strict: good, judged: 65, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "the ledger never says executed - not exercised", history: orders().withLedger().edit(neverDone()),
			normal: unmet, strict: unmet, normalVerdict: pass, strictVerdict: pass,
			detail: "no acknowledged writes to judge: the server's ledger never says executed, and no command lists what was applied (--applied)",
		},
		{
			name: "no witness - not exercised", history: orders(), normal: unmet, strict: unmet, normalVerdict: pass, strictVerdict: pass,
			detail: "no acknowledged writes to judge: the server keeps no ledger, and no command lists what was applied (--applied)",
		},
		{
			name: "GET - not exercised", history: newHistory().withLedger().edit(neverDone(someBefore)), normal: unmet, strict: unmet, normalVerdict: pass, strictVerdict: pass,
			detail: "no acknowledged writes to judge: no request asks for a change (--method POST)",
		},
		{
			name: "the lookup failed, the ledger would accuse it - not exercised", normal: unmet, strict: unmet, normalVerdict: doubtful, strictVerdict: doubtful,
			history: orders().withLedger().edit(neverDone(someBefore)).edit(func(h *history.History) {
				h.Applied = history.Applied{Command: lists, Error: "ended with exit code 2"}
			}),
			detail: "no acknowledged writes to judge: it is not known what was applied",
		},
		{
			name: "nothing but nonsense was printed - not exercised", normal: unmet, strict: unmet, normalVerdict: doubtful, strictVerdict: doubtful,
			history: orders().edit(func(h *history.History) {
				h.Applied = history.Applied{Looked: true, Command: lists, Strange: 3, Sample: "(3 rows)"}
			}),
			detail: "it is not known what was applied",
		},
		{
			// A lasting store, of which only this shutdown's part is gone.
			name: "nothing but nonsense and the ids of others - fail", normal: bad, strict: bad, normalVerdict: fail, strictVerdict: fail,
			history: orders().edit(func(h *history.History) {
				h.Applied = history.Applied{Looked: true, Command: lists, Strange: 3, Foreign: 100}
			}),
			judged: 65, count: 65, evidence: ended(history.Completed),
		},
		{
			name: "dropped and rejected ones promise nothing - pass", history: newHistory().late(history.Rejected, 3).posts().found(),
			normal: good, strict: good, judged: 65, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "a redirection that is the answer - fail", history: newHistory().inFlight(history.Completed, 1, status(303)).posts().found().gone(firstAdded),
			normal: bad, strict: bad, judged: 66, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name:    "a redirection to somewhere else - pass",
			history: newHistory().inFlight(history.Completed, 1, status(302)).before(history.Completed, 1, status(302)).posts().found().gone(firstAdded),
			normal:  good, strict: good, judged: 65, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name:    "a redirection that somebody expects - fail",
			history: newHistory().inFlight(history.Completed, 1, status(302)).posts().found().gone(firstAdded).edit(expecting("200,302")),
			normal:  bad, strict: bad, judged: 66, count: 1, evidence: added, normalVerdict: fail, strictVerdict: fail,
		},
		{
			name:    "an error that somebody expects - pass",
			history: newHistory().inFlight(history.Completed, 1, status(409)).posts().found().gone(firstAdded).edit(expecting("200,409")),
			normal:  good, strict: good, judged: 65, normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "only the target that asks for a change - fail", judged: 1, count: 1, evidence: added,
			history: newHistory().inFlight(history.Completed, 1, func(r *history.Request) { r.Target, r.Idempotent = 1, false }).withLedger().
				edit(neverDone(someBefore, firstAdded)).edit(func(h *history.History) { h.Methods = []string{"GET", "DELETE"} }),
			normal: bad, strict: bad, normalVerdict: fail, strictVerdict: fail,
		},
	}
	for _, tt := range tests {
		tt.run(t, NoLostAck)
	}
}

// TestSafeMethodsPromiseNothing, and all others do.
func TestSafeMethodsPromiseNothing(t *testing.T) {
	for method, want := range map[string]result.Status{
		"GET": unmet, "HEAD": unmet, "OPTIONS": unmet, "TRACE": unmet, "POST": bad, "PUT": bad, "PATCH": bad, "DELETE": bad, "PURGE": bad,
	} {
		h := newHistory().found().gone(someInFlight).edit(func(h *history.History) { h.Methods = []string{method} }).done()
		if f := finding(t, judge(t, "default", []*history.History{h}), NoLostAck); f.Status != want {
			t.Errorf("%s: %v, want %v", method, f.Status, want)
		}
	}
}

// TestLostAcksAreRequired by every policy, and during a reload too.
func TestLostAcksAreRequired(t *testing.T) {
	policed{
		name: "lost", history: newHistory().lag(0).posts().found().gone(someInFlight), judged: 65, count: 1, evidence: is(someInFlight),
		want: under(result.Violated), verdicts: under(result.Fail), detail: "r1-1-45",
	}.run(t, NoLostAck)
	h := newReload().posts().found().gone(someInFlight).done()
	if f := finding(t, judge(t, "default", []*history.History{h}), NoLostAck); f.Status != result.Violated {
		t.Errorf("during a reload: %v", f.Status)
	}
}

func TestNoDuplicate(t *testing.T) {
	orders := func() *builder { return newHistory().posts() }
	tests := []ruleCase{
		{
			name: "each once - pass", history: orders().withLedger().found(),
			normal: good, strict: good, judged: 65, detail: "65 executed requests judged, no violation", normalVerdict: pass, strictVerdict: pass,
		},
		{
			name: "one is executed twice - fail", history: orders().withLedger().note(someBefore, history.Executed),
			normal: bad, strict: bad, judged: 65, count: 1, evidence: is(someBefore), normalVerdict: fail, strictVerdict: fail,
			detail: "1 of 65 executed requests was executed more than once, in 1 of 1 shutdowns: r1-1-3",
		},
		{
			name: "one is in the store twice - fail", history: orders().found().also(someInFlight),
			normal: bad, strict: bad, judged: 65, count: 1, evidence: is(someInFlight), normalVerdict: fail, strictVerdict: fail,
			detail: ": r1-1-45",
		},
		{
			// Whoever stands between us and the server has sent it again: no contradiction.
			name: "one is received and executed twice - fail", history: orders().withLedger().note(someBefore, history.Received, history.Executed),
			normal: bad, strict: bad, judged: 65, count: 1, evidence: is(someBefore), normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "one is received twice, and in the store twice - fail", history: orders().withLedger().found().note(someBefore, history.Received).also(someBefore),
			normal: bad, strict: bad, judged: 65, count: 1, evidence: is(someBefore), normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "one is executed twice that got no answer - fail", judged: 66, count: 1, evidence: added,
			history: newHistory().late(history.Dropped, 1, reused).posts().withLedger().note(firstAdded, history.Received, history.Executed, history.Executed),
			normal:  bad, strict: bad, normalVerdict: fail, strictVerdict: fail,
		},
		{
			// RFC 9110 section 9.2.2 allows everybody to repeat a GET.
			name: "a GET is executed twice - warn", history: newHistory().withLedger().note(someBefore, history.Received, history.Executed),
			normal: warned, strict: bad, judged: 65, count: 1, evidence: is(someBefore), normalVerdict: pass, strictVerdict: fail,
			detail: ": r1-1-3; excused: an idempotent method",
		},
		{
			name: "a PUT is in the store twice - fail", history: newHistory().found().also(someBefore).edit(func(h *history.History) { h.Methods = []string{"PUT"} }),
			normal: bad, strict: bad, judged: 65, count: 1, evidence: is(someBefore), normalVerdict: fail, strictVerdict: fail,
		},
		{
			name: "no witness - not exercised", history: orders(), normal: unmet, strict: unmet, normalVerdict: pass, strictVerdict: pass,
			detail: "no executed requests to judge",
		},
	}
	for _, tt := range tests {
		tt.run(t, NoDuplicate)
	}
}

// TestUnansweredByTheStore: what is in the store was done, whatever the ledger
// says.
func TestUnansweredByTheStore(t *testing.T) {
	b := func() *builder { return newHistory().late(history.Dropped, 2, reused).posts().found() }
	ruleCase{
		name: "in the store and dropped - warn", history: b().also(firstAdded), normal: warned, strict: bad,
		judged: 26, count: 1, evidence: is(firstAdded), normalVerdict: pass, strictVerdict: fail,
	}.run(t, NoUnansweredExecution)
	ruleCase{
		name: "dropped, and not in the store - pass", history: b(), normal: good, strict: good, judged: 25, normalVerdict: pass, strictVerdict: fail,
	}.run(t, NoUnansweredExecution)
}

// TestEffectsAreCounted over all shutdowns.
func TestEffectsAreCounted(t *testing.T) {
	first := newHistory().late(history.Dropped, 1, reused).posts().found().gone(1, 2, 3).also(someInFlight, firstAdded)
	second := newHistory().posts().withLedger().edit(neverDone(4)).note(5, history.Executed)
	s := judge(t, "default", histories(first, second))
	want := result.Ledger{
		Received: 65, Executed: 65, Answered: 65, Applied: 64, LostAcks: 4, Duplicates: 2, UnansweredExecutions: 1,
	}
	if diff := differs(want, s.Ledger); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

// TestIDsAreThoseOfTheirOwnShutdown: the second has other ids than the first.
func TestIDsAreThoseOfTheirOwnShutdown(t *testing.T) {
	s := judge(t, "default", histories(newHistory().posts().found(), newHistory().posts().found().gone(7)))
	if f := finding(t, s, NoLostAck); !strings.HasSuffix(f.Detail, "in 1 of 2 shutdowns: r1-2-7") {
		t.Errorf("detail %q", f.Detail)
	}
}

// TestLookups: a witness that was named and did not speak leaves a pass unearned,
// and hides nothing that was seen.
func TestLookups(t *testing.T) {
	failed := func(a history.Applied) func(*history.History) {
		return func(h *history.History) {
			a.Command = lists
			h.Applied = a
		}
	}
	tests := []struct {
		name, detail string
		change       func(*history.History)
	}{
		{
			"an exit code", `it is not known what was applied: "psql -c select id from orders" ended with exit code 2: two; three; psql: error`,
			failed(history.Applied{Error: "ended with exit code 2", Stderr: []string{"one", "two", " three ", "", "psql: error"}}),
		},
		{
			"a hang without a word", `it is not known what was applied: "psql -c select id from orders" was still running after 10 s`,
			failed(history.Applied{Error: "was still running after 10 s"}),
		},
		{
			"one line of nonsense", `printed 1 line, and no id among them: it must print ids only, one a line; the first is "\x1b[2J"`,
			failed(history.Applied{Looked: true, Strange: 1, Sample: "\x1b[2J"}),
		},
		{
			"a ledger that nobody wrote", "the server wrote nothing to the ledger /var/log/orders.ledger: it must append",
			func(h *history.History) {
				h.Ledger = history.Ledger{Path: "/var/log/orders.ledger", Lines: []history.LedgerLine{{Fact: history.SignalMarked}}}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", []*history.History{newHistory().posts().edit(tt.change).done()})
			if _, ok := saying(findings(s, Integrity), tt.detail); !ok || s.Verdict != result.Inconclusive || s.ShutdownsIntact != 1 {
				t.Errorf("%v, %d intact: %+v", s.Verdict, s.ShutdownsIntact, findings(s, Integrity))
			}
			s = judge(t, "default", []*history.History{newHistory().inFlight(history.Dropped, 1).posts().edit(tt.change).done()})
			if s.Verdict != result.Fail {
				t.Errorf("a request in flight was dropped, and the verdict is %v", s.Verdict)
			}
		})
	}
}

// TestStoreAgainstTheConnection: what was never sent cannot have been applied.
func TestStoreAgainstTheConnection(t *testing.T) {
	for _, tt := range []struct {
		name    string
		history *builder
		detail  string
	}{
		{"refused", newHistory().posts().found().also(someRefused), "1 request (#68): never sent according to the connection, and still applied"},
		{"unsent", newHistory().late(history.Unsent, 1).posts().found().also(firstAdded), "1 request (#70): never sent according to the connection, and still applied"},
		{
			"the ledger was truncated, and not a line is left",
			newHistory().posts().found().edit(func(h *history.History) { h.Ledger.Truncated = true }), "do not truncate it",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", []*history.History{tt.history.done()})
			if _, ok := saying(findings(s, Integrity), tt.detail); !ok || s.Verdict != result.Inconclusive || s.ShutdownsIntact != 0 {
				t.Errorf("%v: %+v", s.Verdict, findings(s, Integrity))
			}
		})
	}
	// Nobody read it to the end: it accuses nobody.
	h := newHistory().posts().found().also(someRefused).edit(func(h *history.History) { h.Applied.Looked = false }).done()
	if _, ok := saying(findings(judge(t, "default", []*history.History{h}), Integrity), "applied all the same"); ok {
		t.Error("a lookup that failed contradicts somebody")
	}
}

// TestWhatWasLeftOutIsSaid, and how much.
func TestWhatWasLeftOutIsSaid(t *testing.T) {
	h := newHistory().posts().withLedger().found().edit(func(h *history.History) {
		h.Ledger.Torn, h.Ledger.Foreign = 1, 1
		h.Applied.Foreign, h.Applied.Strange, h.Applied.Sample = 120, 2, "(65 rows)"
	}).done()
	s := judge(t, "strict", []*history.History{h})
	want := []string{
		"1 line of the ledger could not be read",
		"1 line of the ledger carries ids of no request of this shutdown",
		"120 ids applied are of no request of this shutdown",
		`2 lines among the applied ids are none, as "(65 rows)"`,
	}
	if got := s.Details[0].Warnings; !slices.Equal(got, want) || s.Verdict != result.Pass {
		t.Errorf("%v, warnings %q, want %q", s.Verdict, got, want)
	}
}

// TestWhatCouldNotBeReadIsAWarning of the whole run, which every report shows.
func TestWhatCouldNotBeReadIsAWarning(t *testing.T) {
	spoilt := func() *builder {
		return newHistory().posts().withLedger().found().edit(func(h *history.History) {
			h.Ledger.Torn, h.Ledger.Foreign = 1, 1
			h.Applied.Foreign, h.Applied.Strange, h.Applied.Sample = 120, 2, "(65 rows)"
		})
	}
	whole := newHistory().posts().withLedger().found().subject(1, "whole")
	suite := Judge(histories(spoilt(), spoilt(), whole), policy(t, "default"))
	name := suite.Subjects[0].Name
	want := []string{
		name + ": 2 lines of the ledger could not be read, and count for nothing: append each line, with its end, in one write",
		name + `: 4 lines among the applied ids are none, as "(65 rows)": print ids only, one a line`,
	}
	if !slices.Equal(suite.Warnings, want) {
		t.Errorf("warnings %q, want %q", suite.Warnings, want)
	}
}

func TestStoryOfEffects(t *testing.T) {
	const worse = "Their clients were told that it was done, and will not retry: this is worse than an error, because a client can see an error"
	const remedy = "Commit before you answer. If the work is done later, as after a 202, finish the queue before the exit: " +
		"first the listener, then the requests in flight, then the queue, and the store last."
	for _, tt := range []told{
		{
			name: "acknowledged and gone, in two shutdowns - fail",
			histories: histories(newHistory().posts().found(), newHistory().posts().found().gone(someInFlight, someInFlight+1),
				newHistory().posts().found().gone(someInFlight)),
			want: []string{
				"3 of 195 acknowledged writes were not applied, in 2 of 3 shutdowns: r1-2-45, r1-2-46.",
				worse + " (the oldest had been acknowledged for 450 ms when the process was gone).", remedy,
			},
		},
		{
			name: "all gone, says the store - fail", histories: histories(newFrame().before(history.Completed, 3).inFlight(history.Completed, 20).posts().found().
				edit(func(h *history.History) { h.Applied.Lines = nil })),
			want: []string{
				"23 of 23 acknowledged writes were not applied, in 1 of 1 shutdowns: r1-1-0, r1-1-1, r1-1-2, r1-1-3, r1-1-4, ...",
				worse + " (the oldest had been acknowledged for 1.3 s when the process was gone).",
				`None was found. If that cannot be right, look at what "psql -c select id from orders" prints.`, remedy,
			},
		},
		{
			name: "gone during a reload, says the ledger - fail", histories: histories(newReload().posts().withLedger().edit(neverDone(someInFlight))),
			want: []string{"1 of 70 acknowledged writes was not applied, in 1 of 1 shutdowns: r1-1-45.", worse + ".", remedy},
		},
		{
			name: "done twice - fail", histories: histories(newHistory().posts().found().also(9)),
			want: []string{
				"1 of 65 executed requests was executed more than once, in 1 of 1 shutdowns: r1-1-9.",
				"lastcall sent each of them once: a proxy behind lastcall sent it again, or the server repeated work that was done.",
				"Keep the request's id with the work, in the same transaction and under a unique index, and repeat no work that may be done already.",
			},
		},
		{
			name: "a GET was done twice - pass", histories: histories(newHistory().withLedger().note(9, history.Executed)),
			want: []string{
				"1 of 65 executed requests was executed more than once, in 1 of 1 shutdowns: r1-1-9; excused: an idempotent method " +
					"was executed again, and was not applied twice: a proxy between client and server may repeat it.",
			},
		},
		{
			// The one does not explain the other: to whom that happened does not know it.
			name:      "lost in flight, and acknowledged and gone - fail",
			histories: histories(newHistory().inFlight(history.Dropped, 1).posts().found().gone(someInFlight)),
			want: []string{
				"SIGTERM found 26 requests in flight: 1 dropped without a whole answer, 25 completed.",
				"The process ended with exit code 0, 500 ms after the signal, while they were still being served.",
				"Exit only when the last of them is answered (in Go, when Server.Shutdown has returned), and allow more time than the slowest request takes.",
				"1 of 65 acknowledged writes was not applied, in 1 of 1 shutdowns: r1-1-45.",
			},
		},
		{
			name: "the lookup failed - inconclusive",
			histories: histories(newHistory().posts().edit(func(h *history.History) {
				h.Applied = history.Applied{Command: lists, Error: "ended with exit code 2", Stderr: []string{"psql: error: no such table."}}
			})),
			want: []string{
				`Shutdown 1: it is not known what was applied: "psql -c select id from orders" ended with exit code 2: psql: error: no such table.`,
			},
		},
	} {
		tt.run(t)
	}
}
