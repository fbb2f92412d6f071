package history_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"lastcall/harness/history"
)

// hungUp is a request that was written then and hung up on without a byte.
func hungUp(sent, end time.Duration) history.Request {
	return with(at(sent, end), func(r *history.Request) {
		dropped(r)
		r.Cause = history.Closed
	})
}

// reset is one whose connection was reset.
func reset(sent, end time.Duration) history.Request {
	return with(hungUp(sent, end), func(r *history.Request) { r.Cause = history.Reset })
}

// several returns n requests made by f, written so far apart from the first.
func several(n int, first, step time.Duration, f func(sent time.Duration) history.Request) []history.Request {
	var all []history.Request
	for i := range n {
		all = append(all, f(first+time.Duration(i)*step))
	}
	return all
}

// served are requests of handlers that take 100 ms, written at 500 a second for
// 99 ms before the signal, and all completed.
func served(guard time.Duration) []history.Request {
	return several(45, signalAt-99*ms, 2*ms, func(sent time.Duration) history.Request {
		return at(min(sent, signalAt-guard), sent+100*ms)
	})
}

func join(parts ...[]history.Request) []history.Request {
	var all []history.Request
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// raceCase is a shutdown of a server that keeps no ledger. What is lost is given
// first, so that its windows are the first.
type raceCase struct {
	name   string
	exit   time.Duration // 0: at 1.5 s
	lost   []history.Request
	others []history.Request
	want   history.Window // of all that was lost
}

// raceCases: a race is one here and there, among others that were completed.
func raceCases() []raceCase {
	one := func(r history.Request) []history.Request { return []history.Request{r} }
	race := one(hungUp(signalAt-4*ms, signalAt+ms))
	return []raceCase{
		{name: "one race among many completed - late", lost: race, others: served(2 * ms), want: history.Late},
		{name: "a race that ends in a reset - late", lost: one(reset(signalAt-4*ms, signalAt+ms)), others: served(2 * ms), want: history.Late},
		{
			name: "the whole last stretch before the signal lay unread - late",
			lost: several(4, signalAt-9*ms, 2*ms, func(sent time.Duration) history.Request { return hungUp(sent, signalAt+ms) }),
			// Those that were written before it were completed.
			others: several(44, signalAt-99*ms, 2*ms, func(sent time.Duration) history.Request { return at(sent, sent+100*ms) }),
			want:   history.Late,
		},
		{name: "just within a hiccup - late", lost: one(hungUp(signalAt-history.LedgerGuard+1, signalAt+ms)), others: served(2 * ms), want: history.Late},
		{name: "before any hiccup - in flight", lost: one(hungUp(signalAt-history.LedgerGuard, signalAt+ms)), others: served(2 * ms), want: history.InFlight},
		{name: "the connection ended 50 ms after the signal - late", lost: one(hungUp(signalAt-4*ms, signalAt+50*ms)), others: served(2 * ms), want: history.Late},
		{name: "it ended later: no close crossed it - in flight", lost: one(hungUp(signalAt-4*ms, signalAt+50*ms+1)), others: served(2 * ms), want: history.InFlight},
		{
			// Server.Shutdown with a timeout of 95 ms, handlers of 100 ms: all that
			// were written 5 ms earlier are done, the others are cut off.
			name: "a drain that is too short - in flight", exit: signalAt + 96*ms,
			lost:   several(2, signalAt-4*ms, ms, func(sent time.Duration) history.Request { return hungUp(sent, signalAt+95*ms) }),
			others: several(45, signalAt-99*ms, 2*ms, func(sent time.Duration) history.Request { return at(sent, sent+100*ms) }),
			want:   history.InFlight,
		},
		{
			// The same with 15 ms for handlers that take 18 ms.
			name: "a drain that is too short for quick handlers - in flight", exit: signalAt + 16*ms,
			lost:   one(hungUp(signalAt-2*ms, signalAt+15*ms)),
			others: several(7, signalAt-17*ms, 2*ms, func(sent time.Duration) history.Request { return at(sent, sent+18*ms) }),
			want:   history.InFlight,
		},
		{name: "it ended a guard before the process - in flight", exit: signalAt + 3*ms, lost: race, others: served(2 * ms), want: history.InFlight},
		{name: "it ended more than a guard before the process - late", exit: signalAt + 3*ms + 1, lost: race, others: served(2 * ms), want: history.Late},
		{name: "an answer had begun - in flight", lost: one(with(race[0], func(r *history.Request) { r.Cause = history.Truncated })), others: served(2 * ms), want: history.InFlight},
		{name: "no answer came until the deadline - in flight", lost: one(with(race[0], func(r *history.Request) { r.Cause = history.Hung })), others: served(2 * ms), want: history.InFlight},
		{name: "the answer was another - in flight", lost: one(with(race[0], func(r *history.Request) { r.Cause = history.Corrupt })), others: served(2 * ms), want: history.InFlight},
	}
}

// deathCases: what looks like a race is none when others were lost with it.
func deathCases() []raceCase {
	die := func(n int, first time.Duration) []history.Request {
		return several(n, first, 2*ms, func(sent time.Duration) history.Request { return hungUp(sent, signalAt+ms) })
	}
	live := func(n int, first time.Duration) []history.Request {
		return several(n, first, 2*ms, func(sent time.Duration) history.Request { return at(sent, signalAt+20*ms) })
	}
	return []raceCase{
		{name: "naive death, slow handlers: all are lost - in flight", exit: signalAt + ms, lost: die(49, signalAt-99*ms), want: history.InFlight},
		{name: "naive death, handlers of 5 ms: only doubtful ones - in flight", exit: signalAt + ms, lost: die(2, signalAt-5*ms), want: history.InFlight},
		{name: "a death that nobody saw, handlers of 5 ms - in flight", lost: die(2, signalAt-5*ms), want: history.InFlight},
		{name: "the only one in flight - in flight", lost: die(1, signalAt-4*ms), want: history.InFlight},
		{
			// One worker of several: what it had is lost, new and old.
			name: "a worker was killed: an older one is lost too - in flight",
			lost: join(die(1, signalAt-30*ms), die(1, signalAt-4*ms)), others: served(2 * ms), want: history.InFlight,
		},
		{
			name: "an older one was told 503 - in flight", lost: die(1, signalAt-4*ms),
			others: append(served(2*ms), with(at(signalAt-30*ms, signalAt+ms), func(r *history.Request) { r.Outcome = history.Rejected })),
			want:   history.InFlight,
		},
		{name: "more than half are lost - in flight", lost: die(3, signalAt-8*ms), others: live(2, signalAt-9*ms), want: history.InFlight},
		{name: "exactly half are lost - late", lost: die(2, signalAt-8*ms), others: live(2, signalAt-9*ms), want: history.Late},
		{
			name: "most of many doubtful ones are lost, one older was completed - in flight",
			lost: die(4, signalAt-8*ms), others: live(1, signalAt-12*ms), want: history.InFlight,
		},
		{name: "none is lost", others: join(served(2*ms), live(2, signalAt-8*ms)), want: history.InFlight},
	}
}

// TestRacesAreForgivenWithoutALedger: where no ledger tells, the fate of the
// others does.
func TestRacesAreForgivenWithoutALedger(t *testing.T) {
	for _, tt := range append(raceCases(), deathCases()...) {
		t.Run(tt.name, func(t *testing.T) {
			h := stopped(join(tt.lost, tt.others)...)
			if tt.exit > 0 {
				h.Exit.At = tt.exit
			}
			windows, guard := h.Windows()
			if guard != history.MinGuard {
				t.Fatalf("guard %v: the test's own requests widen it", guard)
			}
			for i, w := range windows {
				want := history.InFlight
				if i < len(tt.lost) {
					want = tt.want
				}
				if w != want {
					t.Errorf("request %d of %d lost, written %v before the signal, is %v, want %v",
						i, len(tt.lost), signalAt-h.Requests[i].Sent, w, want)
				}
			}
		})
	}
}

// TestRacesNeedNoExit: a server under an operation lives on.
func TestRacesNeedNoExit(t *testing.T) {
	h := stopped(append([]history.Request{hungUp(signalAt-4*ms, signalAt+ms)}, served(2*ms)...)...)
	h.Exit, h.Operation = history.Exit{}, &history.Operation{}
	if windows, _ := h.Windows(); windows[0] != history.Late {
		t.Errorf("the race is %v, want late", windows[0])
	}
}

// TestALedgerForgivesNothing: it says itself what the server had.
func TestALedgerForgivesNothing(t *testing.T) {
	build := func(lines ...history.LedgerLine) *history.History {
		h := stopped(append([]history.Request{hungUp(signalAt-4*ms, signalAt+ms)}, served(2*ms)...)...)
		h.Ledger.Lines = lines
		return h
	}
	mark := history.LedgerLine{Fact: history.SignalMarked}
	received := history.LedgerLine{Fact: history.Received}
	if windows, _ := build(received, mark).Windows(); windows[0] != history.InFlight {
		t.Errorf("the ledger has it before the signal, and it is %v", windows[0])
	}
	// lastcall's own mark is no ledger.
	if windows, _ := build(mark).Windows(); windows[0] != history.Late {
		t.Errorf("the server wrote nothing, and the race is %v", windows[0])
	}
}

// TestDeathIsNeverForgiven: whenever nothing that was in flight is completed, all
// of it stays in flight, however fast the handlers and whenever each was written.
func TestDeathIsNeverForgiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		within := rapid.Int64Range(int64(2*ms), int64(200*ms))
		ends := rapid.Int64Range(0, int64(100*ms))
		var lost []history.Request
		for range rapid.IntRange(1, 30).Draw(t, "in flight") {
			lost = append(lost, hungUp(signalAt-time.Duration(within.Draw(t, "written before")), signalAt+time.Duration(ends.Draw(t, "ended after"))))
		}
		h := stopped(lost...)
		h.Exit.At = signalAt + time.Duration(ends.Draw(t, "exit"))
		windows, _ := h.Windows()
		for i, w := range windows {
			if w != history.InFlight {
				t.Fatalf("request %d is %v: a death is forgiven", i, w)
			}
		}
	})
}

// TestForgivenIsOnlyWhatMayHaveRaced: no loss becomes late that was written
// before any hiccup, nor one beside an older one that was not completed.
func TestForgivenIsOnlyWhatMayHaveRaced(t *testing.T) {
	forgiven := 0
	rapid.Check(t, func(t *rapid.T) {
		h := stopped(rapid.SliceOfN(rapid.Custom(genInFlight), 1, 12).Draw(t, "requests")...)
		windows, guard := h.Windows()
		older, lost := 0, 0
		for i := range h.Requests {
			if r := &h.Requests[i]; r.Outcome != history.Completed && r.Sent <= signalAt-guard {
				lost++
				if r.Sent <= signalAt-history.LedgerGuard {
					older++
				}
			}
		}
		for i, w := range windows {
			r := &h.Requests[i]
			if w != history.Late || r.Sent > signalAt-guard {
				continue // in flight, or late for its time
			}
			forgiven++
			if older > 0 || r.Outcome != history.Dropped || r.Sent <= signalAt-history.LedgerGuard || lost > len(windows)/2 {
				t.Fatalf("request %d, written %v before the signal and %v, is %v with %d older ones lost, %d of %d lost in all",
					i, signalAt-r.Sent, r.Outcome, w, older, lost, len(windows))
			}
		}
	})
	t.Logf("%d losses were forgiven", forgiven)
	if forgiven == 0 {
		t.Error("nothing was ever forgiven: the property proves nothing")
	}
}

// genInFlight draws a request that was open at the signal.
func genInFlight(t *rapid.T) history.Request {
	whole := rapid.SampledFrom([]time.Duration{ms, 2 * ms, 3 * ms, 5 * ms, 7 * ms, 9 * ms, 10 * ms, 12 * ms})
	sent := signalAt - whole.Draw(t, "written before") + time.Duration(rapid.IntRange(-1, 1).Draw(t, "and a bit"))
	end := signalAt + rapid.SampledFrom([]time.Duration{0, ms, 20 * ms, 50 * ms, 51 * ms}).Draw(t, "ended after")
	if rapid.IntRange(0, 3).Draw(t, "fate") > 0 {
		return at(sent, end)
	}
	r := hungUp(sent, end)
	if rapid.IntRange(0, 4).Draw(t, "otherwise") == 0 {
		r.Cause = rapid.SampledFrom(history.Causes()).Draw(t, "cause")
	}
	return r
}

// TestNothingComesAfterAnOperation: a process that should have stayed up does not
// excuse what found nobody.
func TestNothingComesAfterAnOperation(t *testing.T) {
	h := stopped(with(at(exitAt+1, 1600*ms), refused), at(exitAt+1, 1600*ms))
	h.Operation = &history.Operation{Command: []string{"reload"}}
	if windows, _ := h.Windows(); windows[0] != history.Late || windows[1] != history.Late {
		t.Errorf("begun after the exit: %v, want late", windows)
	}
}
