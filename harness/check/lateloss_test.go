package check

import (
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

const ms = time.Millisecond

// lost is one late request, dropped at an instant, so long after it was begun.
func lost(at, age time.Duration, changes ...change) *builder {
	all := append([]change{sentAt(at - age), endsAt(at)}, changes...)
	return newHistory().late(history.Dropped, 1, all...)
}

// idleClosed closes an idle connection at an instant.
func idleClosed(at time.Duration) func(*history.History) {
	return func(h *history.History) { h.Closings = append(h.Closings, history.Closing{From: at, To: at}) }
}

// slipped makes lastcall late by so much shortly before an instant.
func slipped(at, by time.Duration) func(*history.History) {
	return func(h *history.History) {
		h.Looks = append(h.Looks, history.Look{At: at - ms, Slip: by})
	}
}

// sawHad is a look that saw the dropped request read, so long before its end.
func sawHad(before time.Duration) func(*history.History) {
	return func(h *history.History) {
		r := &h.Requests[firstAdded]
		h.Looks = append(h.Looks, history.Look{At: r.End - before})
		r.Had = uint32(len(h.Looks))
	}
}

// waitedFor says how long a thread of the server waited for a CPU.
func waitedFor(d time.Duration) func(*history.History) {
	return func(h *history.History) { h.Requests[firstAdded].Waited = uint32(d / time.Microsecond) }
}

// noCPU is a look that found a thread of the server to have waited for a CPU.
func noCPU(at, wait time.Duration) func(*history.History) {
	return func(h *history.History) {
		h.Looks = append(h.Looks, history.Look{At: at - ms/10, Wait: wait})
	}
}

// hadCPUs makes the server's own threads have both processors in the time of the last look.
func hadCPUs(h *history.History) {
	h.Header.Environment.CPUs = 2
	h.Looks[len(h.Looks)-1].Ran = 2 * (exitAt - signalAt)
}

// unreadSince is of a request that no process had read as the signal came.
func unreadSince(at time.Duration) func(*history.History) {
	return func(h *history.History) {
		r := &h.Requests[firstAdded]
		r.Begun, r.Standing, r.Had = at, history.Unread, 0
	}
}

// TestLateLosses: what a late loss is, by what was seen of it. The listener closes
// between 1199 and 1200 ms, and nothing else does unless a row says so.
func TestLateLosses(t *testing.T) {
	const at, far = signalAt + 100*ms, signalAt + 150*ms
	fin, rst := cause(history.Closed), cause(history.Reset)
	unreadLater := func(h *history.History) { h.Requests[firstAdded].Later = 500 }
	for _, tt := range []struct {
		name    string
		history *builder
		want    result.Status
	}{
		{"read, at once, as an idle connection closes - race", lost(at, ms, fin).edit(idleClosed(at)), warned},
		{"read, at once, 10 ms after that - race", lost(at, ms, fin).edit(idleClosed(at - 10*ms)), warned},
		{"read, at once, 10 ms before that - race", lost(at, ms, fin).edit(idleClosed(at + 10*ms)), warned},
		{"read, at once, away from it - breach", lost(at, ms, fin).edit(idleClosed(at - 10*ms - 1)), bad},
		{"read, 11 ms old, near it - doubt", lost(at, 11*ms, fin).edit(idleClosed(at)), result.Unjudged},
		{"unread, 100 ms old, near it - race", lost(at, 99*ms, rst).edit(idleClosed(at)), warned},
		{"unread, older, near it - doubt", lost(closeAt, 150*ms, rst), result.Unjudged},
		{"unread, away from it - breach", lost(far, 2*ms, rst).edit(idleClosed(at)), bad},
		{"unread for longer than any answer took and 100 ms, near it - breach", lost(signalAt+700*ms, 290*ms, rst).edit(idleClosed(signalAt + 700*ms)), bad},
		{"unread for as long, lastcall late - doubt", lost(signalAt+700*ms, 290*ms, rst).edit(idleClosed(signalAt + 700*ms)).edit(slipped(signalAt+700*ms, 15*ms)), result.Unjudged},
		{"unread since long before the signal - doubt", lost(signalAt+20*ms, 320*ms, rst).edit(unreadSince(signalAt - 300*ms)).edit(idleClosed(signalAt + 20*ms)), result.Unjudged},
		{"unread for as long since the signal - breach", lost(signalAt+320*ms, 320*ms, rst).edit(unreadSince(signalAt)).edit(idleClosed(signalAt + 320*ms)), bad},
		{"unread, 140 ms old, of a server that lets some wait - race", lost(closeAt, 140*ms, rst).late(history.Completed, 1, sentAt(signalAt-100*ms), endsAt(signalAt+150*ms)), warned},
		{"a FIN, and the RST later: unread - race", lost(at, 50*ms, fin).edit(idleClosed(at)).edit(unreadLater), warned},
		{"away, but lastcall was late: it may have been near - doubt", lost(at, ms, fin).edit(idleClosed(at - 20*ms)).edit(slipped(at, 15*ms)), result.Unjudged},
		{"away by more than lastcall was late - breach", lost(at, ms, fin).edit(idleClosed(at - 30*ms)).edit(slipped(at, 15*ms)), bad},
		{"near, and lastcall was late: no excuse is widened - doubt", lost(at, 20*ms, fin).edit(idleClosed(at)).edit(slipped(at, 15*ms)), result.Unjudged},
		{"seen in its hands 5 ms before - breach", lost(at, 50*ms, fin).edit(idleClosed(at)).edit(sawHad(5 * ms)), bad},
		{"seen in its hands less than that before - doubt by its age", lost(at, 50*ms, fin).edit(idleClosed(at)).edit(sawHad(5*ms - 1)), result.Unjudged},
		{"seen in its hands, but lastcall was later than that - doubt", lost(at, 50*ms, fin).edit(idleClosed(at)).edit(sawHad(10 * ms)).edit(slipped(at, 15*ms)), result.Unjudged},
		{"seen in its hands, and starved until a close - doubt", lost(at, 50*ms, fin).edit(idleClosed(at)).edit(sawHad(20 * ms)).edit(waitedFor(18 * ms)), result.Unjudged},
		{"starved on one thread after the other, until a close - doubt", lost(at, 50*ms, fin).edit(idleClosed(at)).edit(sawHad(20 * ms)).edit(noCPU(at-8*ms, 6*ms)).edit(noCPU(at, 6*ms)), result.Unjudged},
		{"starved, but away from any close - breach", lost(far, 50*ms, fin).edit(idleClosed(at)).edit(sawHad(20 * ms)).edit(waitedFor(18 * ms)), bad},
		{"it had the CPU for most of the time - breach", lost(at, 50*ms, fin).edit(idleClosed(at)).edit(sawHad(40 * ms)).edit(waitedFor(18 * ms)), bad},
		{"away, the server without a CPU for half of its age - doubt", lost(far, 24*ms, rst).edit(idleClosed(at)).edit(noCPU(far, 12*ms)), result.Unjudged},
		{"away, without one for less than that - breach", lost(far, 26*ms, rst).edit(idleClosed(at)).edit(noCPU(far, 12*ms)), bad},
		{"seen in its hands, but without a CPU for a third of the time that it took to stop - doubt", lost(far, 50*ms, fin).edit(idleClosed(at)).edit(sawHad(20 * ms)).edit(noCPU(far+50*ms, 70*ms)), result.Unjudged},
		{"no answer by the deadline, as long without a CPU - doubt", lost(far, ms, cause(history.Hung)).edit(idleClosed(at)).edit(noCPU(far+50*ms, 70*ms)), result.Unjudged},
		{"as long without a CPU, which its own threads had - breach", lost(far, 50*ms, fin).edit(idleClosed(at)).edit(sawHad(20 * ms)).edit(noCPU(far+50*ms, 70*ms)).edit(hadCPUs), bad},
		{"its answer had begun, without a CPU - breach", lost(far, ms, cause(history.Truncated)).edit(idleClosed(at)).edit(noCPU(far+50*ms, 70*ms)), bad},
		{"the listener closes - race", lost(closeAt+5*ms, ms, rst), warned},
		{"its answer had begun - breach", lost(at, ms, cause(history.Truncated)).edit(idleClosed(at)), bad},
		{"no answer by the deadline - breach", lost(at, ms, cause(history.Hung)).edit(idleClosed(at)), bad},
		{"in the handshake of TLS, away - breach", newHistory().late(history.Refused, 1, reason(history.TLSClosed), sentAt(at), endsAt(at+ms)), bad},
		{"in the handshake of TLS, as the listener closes - race", newHistory().late(history.Refused, 1, reason(history.TLSClosed), sentAt(closeAt), endsAt(closeAt+ms)), warned},
		{"without a witness, away, lastcall in time - breach", lost(at, ms, fin).edit(unseen), bad},
		{"without a witness, and lastcall late - doubt", lost(at, ms, fin).edit(unseen).edit(slipped(at, 15*ms)), result.Unjudged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", histories(tt.history))
			if f := finding(t, s, LateRequestsAnswered); f.Status != tt.want {
				t.Errorf("%v, want %v: %s", f.Status, tt.want, f.Detail)
			}
			if s.Verdict == pass && len(s.Story) == 0 {
				t.Error("the loss is passed over in silence")
			}
		})
	}
}

// TestStarvedStop: a server without a CPU while it stops is not blamed for what it had in
// flight, but for what it lost at once.
func TestStarvedStop(t *testing.T) {
	const late = signalAt + 300*ms
	lostAt := func(at time.Duration) *builder {
		return newHistory().add(signalAt-80*ms, at, history.Dropped, 1, nil)
	}
	for _, tt := range []struct {
		name    string
		history *builder
		want    result.Status
	}{
		{"in flight, lost long after the signal - doubt", lostAt(late).edit(noCPU(late, 200*ms)), result.Unjudged},
		{"with a CPU - breach", lostAt(late), bad},
		{"lost at once - breach", lostAt(signalAt + 50*ms).edit(noCPU(late, 200*ms)), bad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f := finding(t, judge(t, "default", histories(tt.history)), InFlightCompletes); f.Status != tt.want {
				t.Errorf("%v, want %v: %s", f.Status, tt.want, f.Detail)
			}
		})
	}
	killed := func(h *history.History) { h.Exit.Killed = true }
	for wait, want := range map[time.Duration]result.Status{0: bad, 200 * ms: result.Unjudged} {
		s := judge(t, "default", histories(newHistory().edit(killed).edit(noCPU(late, wait))))
		if f := finding(t, s, ExitsInGrace); f.Status != want {
			t.Errorf("killed after it had waited %s for a CPU: %v, want %v: %s", wait, f.Status, want, f.Detail)
		}
	}
}

// TestNeverBegun: a request that the process had read, and no handler ever had, met
// the close of its connection however long it lay in a buffer. The ledger knows.
func TestNeverBegun(t *testing.T) {
	const at = signalAt + 400*ms
	old := func(age time.Duration) *builder {
		return newHistory().withLedger().late(history.Dropped, 1, sentAt(at-age), endsAt(at)).edit(forget(firstAdded)).edit(idleClosed(at))
	}
	for _, tt := range []struct {
		name    string
		history *builder
		want    result.Status
	}{
		{"for 300 ms - race", old(300 * ms), warned},
		{"for longer than half a second - doubt", old(501 * ms), result.Unjudged},
		{"its handler had it - breach", newHistory().withLedger().late(history.Dropped, 1, sentAt(at-300*ms), endsAt(at)).note(firstAdded, history.Received).edit(idleClosed(at)), bad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f := finding(t, judge(t, "default", histories(tt.history)), LateRequestsAnswered); f.Status != tt.want {
				t.Errorf("%v, want %v: %s", f.Status, tt.want, f.Detail)
			}
		})
	}
}

// TestBlurred: another try may tell where lastcall was late or the server had no CPU,
// and only there.
func TestBlurred(t *testing.T) {
	const at = signalAt + 100*ms
	waited := func(h *history.History) {
		h.Looks = append(h.Looks, history.Look{At: at - 2*ms, Wait: 12 * ms})
	}
	inDoubt := func() *builder { return lost(at, 20*ms).edit(idleClosed(at)) }
	for _, tt := range []struct {
		name    string
		history *builder
		want    bool
	}{
		{"in doubt, lastcall late", inDoubt().edit(slipped(at, 15*ms)), true},
		{"in doubt, the server without a CPU", inDoubt().edit(waited), true},
		{"in doubt by the server alone", inDoubt(), false},
		{"a race", lost(at, ms).edit(idleClosed(at)).edit(slipped(at, 15*ms)), false},
		{"a breach beside it", inDoubt().edit(slipped(at, 15*ms)).inFlight(history.Dropped, 1), false},
		{"starved in flight", newHistory().add(signalAt-80*ms, signalAt+20*ms, history.Dropped, 1, nil).edit(waitedFor(20 * ms)).edit(idleClosed(signalAt + 20*ms)), true},
	} {
		if got := Blurred(tt.history.done(), policy(t, "default")); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestCrowds: too many do not cross one close by chance, unless the server was at
// work until then.
func TestCrowds(t *testing.T) {
	const at = signalAt + 100*ms
	dropped := []change{sentAt(at - 50*ms), endsAt(at), cause(history.Reset)}
	quick := func(b *builder) *builder { // 500 a second: ten cross by chance
		b.h.Header.Scenario.Load.Rate = 500
		return b.edit(idleClosed(at))
	}
	for _, tt := range []struct {
		name    string
		history *builder
		want    result.Status
	}{
		{"as many as chance brings", quick(newHistory().late(history.Dropped, 10, dropped...)), warned},
		{"more", quick(newHistory().late(history.Dropped, 11, dropped...)), result.Unjudged},
		{"more, but a third of all that came", quick(newHistory().late(history.Dropped, 11, dropped...).late(history.Completed, 22)), warned},
		{"more, and the server had answered ten", quick(newHistory().late(history.Dropped, 11, dropped...).late(history.Completed, 10, endsAt(at-20*ms))), warned},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f := finding(t, judge(t, "default", histories(tt.history)), LateRequestsAnswered); f.Status != tt.want {
				t.Errorf("%v, want %v: %s", f.Status, tt.want, f.Detail)
			}
		})
	}
}

// TestEdge: what a server had only just read as the signal came.
func TestEdge(t *testing.T) {
	justRead := func(n int) *builder {
		return newHistory().add(signalAt-2*ms, signalAt+ms, history.Dropped, n, nil).edit(idleClosed(signalAt + ms))
	}
	for _, tt := range []struct {
		name    string
		history *builder
		edge    int
		late    result.Status
		verdict result.Verdict
	}{
		{"one - it may have raced", justRead(1), 1, warned, pass},
		{"many - too little is known", justRead(3), 3, warned, doubtful},
		{"read a look earlier - in flight", newHistory().add(signalAt-10*ms, signalAt+ms, history.Dropped, 1, nil).edit(idleClosed(signalAt + ms)), 0, unmet, fail},
		{"it ended later - in flight", newHistory().add(signalAt-2*ms, signalAt+3*ms, history.Dropped, 1, nil).edit(idleClosed(signalAt + ms)), 0, unmet, fail},
		{"nothing closed - in flight", newHistory().add(signalAt-2*ms, signalAt+ms, history.Dropped, 1, nil), 0, unmet, fail},
		{"read long ago, and its ledger has all but it - doubt", newHistory().withLedger().add(signalAt-80*ms, signalAt+ms, history.Dropped, 1, nil).
			edit(forget(firstAdded)).edit(idleClosed(signalAt + ms)), 1, result.Unjudged, doubtful},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", histories(tt.history))
			f := finding(t, s, LateRequestsAnswered)
			if s.Edge.Total != tt.edge || f.Status != tt.late || s.Verdict != tt.verdict {
				t.Errorf("%d on the edge, late %v, verdict %v, want %d, %v, %v: %q", s.Edge.Total, f.Status, s.Verdict, tt.edge, tt.late, tt.verdict, s.Story)
			}
		})
	}
}

// TestStarvedInFlight: what a server had read but may not have begun, for want of a
// CPU, is in doubt near a close, and lost otherwise.
func TestStarvedInFlight(t *testing.T) {
	taken := func(waited time.Duration, edits ...func(*history.History)) *builder {
		b := newHistory().add(signalAt-80*ms, signalAt+20*ms, history.Dropped, 1, nil).edit(waitedFor(waited))
		for _, e := range edits {
			b.edit(e)
		}
		return b
	}
	for _, tt := range []struct {
		name    string
		history *builder
		want    result.Status
	}{
		{"not starved", taken(5*ms, idleClosed(signalAt+20*ms)), bad},
		{"starved until a close", taken(20*ms, idleClosed(signalAt+20*ms)), result.Unjudged},
		{"starved, and nothing closed", taken(20 * ms), bad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f := finding(t, judge(t, "default", histories(tt.history)), InFlightCompletes); f.Status != tt.want {
				t.Errorf("%v, want %v: %s", f.Status, tt.want, f.Detail)
			}
		})
	}
}
