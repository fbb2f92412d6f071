package history_test

import (
	"testing"
	"time"

	"lastcall/harness/history"
)

const (
	ms       = time.Millisecond
	signalAt = 1000 * ms
	exitAt   = 1500 * ms
)

// at returns a request that was sent and ended then.
func at(sent, end time.Duration) history.Request {
	return history.Request{
		Outcome: history.Completed, Written: true,
		Scheduled: sent, Started: sent, Connected: sent, Sent: sent, FirstByte: end, End: end,
	}
}

// with changes a request.
func with(r history.Request, f func(*history.Request)) history.Request {
	f(&r)
	return r
}

func dropped(r *history.Request) { r.Outcome, r.FirstByte = history.Dropped, 0 }

func refused(r *history.Request) {
	r.Outcome, r.Written, r.Sent, r.Connected, r.FirstByte = history.Refused, false, 0, 0, 0
}

// stopped is a shutdown with those requests, signalled at 1 s, gone at 1.5 s.
func stopped(requests ...history.Request) *history.History {
	for i := range requests {
		requests[i].Seq = uint32(i)
	}
	return &history.History{
		Signal:   history.Signal{Sent: true, Before: signalAt, After: signalAt + ms/10},
		Exit:     history.Exit{Seen: true, At: exitAt},
		Requests: requests,
	}
}

// TestWindowsByTime: where there is no ledger the clock decides.
func TestWindowsByTime(t *testing.T) {
	tests := []struct {
		name    string
		request history.Request
		want    history.Window
	}{
		{"ended before the signal", at(900*ms, 999*ms), history.Before},
		{"dropped before the signal", with(at(900*ms, 999*ms), dropped), history.Before},
		{"refused before the signal", with(at(900*ms, 999*ms), refused), history.Before},
		{"never ended", history.Request{Outcome: history.Pending, Started: 900 * ms}, history.Before},
		{"ended just as the signal was sent", at(900*ms, signalAt), history.InFlight},
		{"written well before the signal", at(900*ms, 1100*ms), history.InFlight},
		{"dropped, written well before the signal", with(at(900*ms, 1100*ms), dropped), history.InFlight},
		{"written just a guard before the signal", at(signalAt-2*ms, 1100*ms), history.InFlight},
		{"written just less than a guard before the signal", at(signalAt-2*ms+1, 1100*ms), history.Late},
		{"written as the signal was sent", at(signalAt, 1100*ms), history.Late},
		{"sent after the signal", at(1100*ms, 1200*ms), history.Late},
		{"not fully written", with(at(900*ms, 1100*ms), func(r *history.Request) { r.Written = false }), history.Late},
		{"written, but nobody knows when", with(at(900*ms, 1100*ms), func(r *history.Request) { r.Sent = 0 }), history.Late},
		{"never sent", with(at(900*ms, 1100*ms), refused), history.Late},
		{"began as the process went", at(exitAt, 1600*ms), history.Late},
		{"began after the exit", at(exitAt+1, 1600*ms), history.After},
		{"refused after the exit", with(at(exitAt+1, 1600*ms), refused), history.After},
		{"dropped, begun after the exit", with(at(exitAt+1, 1600*ms), dropped), history.Late},
		{"dropped, begun before the exit and ended after it", with(at(1400*ms, 1600*ms), dropped), history.Late},
		{"in flight, and dropped after the exit", with(at(900*ms, 1600*ms), dropped), history.InFlight},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			windows, guard := stopped(tt.request).Windows()
			if windows[0] != tt.want {
				t.Errorf("got %v, want %v", windows[0], tt.want)
			}
			if guard != history.MinGuard {
				t.Errorf("guard %v, want the least", guard)
			}
		})
	}
}

// TestWindowsByLedger: the ledger's order beats the clock.
func TestWindowsByLedger(t *testing.T) {
	received := history.LedgerLine{Fact: history.Received}
	executed := history.LedgerLine{Fact: history.Executed}
	mark := history.LedgerLine{Fact: history.SignalMarked}
	other := history.LedgerLine{Seq: 7, Fact: history.Received}
	tests := []struct {
		name    string
		request history.Request
		lines   []history.LedgerLine
		want    history.Window
	}{
		{"received before the mark, though written after it", at(1001*ms, 1100*ms), []history.LedgerLine{received, mark}, history.InFlight},
		{"received after the mark, though written long before it", at(900*ms, 1100*ms), []history.LedgerLine{mark, received}, history.Late},
		{"received on either side: the first counts", at(900*ms, 1100*ms), []history.LedgerLine{received, mark, received}, history.InFlight},
		{"received after a second mark", at(900*ms, 1100*ms), []history.LedgerLine{mark, mark, received}, history.Late},
		{"not received, written before: the clock decides", at(900*ms, 1100*ms), []history.LedgerLine{other, mark}, history.InFlight},
		{"not received, written after: the clock decides", at(1001*ms, 1100*ms), []history.LedgerLine{other, mark}, history.Late},
		{"not received, written within a hiccup before: it was on its way", at(signalAt-history.LedgerGuard+1, 1100*ms), []history.LedgerLine{other, mark}, history.Late},
		{"not received, written a hiccup before: it should have been read", at(signalAt-history.LedgerGuard, 1100*ms), []history.LedgerLine{other, mark}, history.InFlight},
		{"nobody keeps a ledger: the guard alone decides", at(signalAt-history.MinGuard, 1100*ms), []history.LedgerLine{mark}, history.InFlight},
		{"executed but not received: the clock decides", at(1001*ms, 1100*ms), []history.LedgerLine{executed, mark}, history.Late},
		{"executed but not received, written before: the clock decides", at(900*ms, 1100*ms), []history.LedgerLine{mark, executed}, history.InFlight},
		{"received before the mark, but ended before the signal", at(900*ms, 999*ms), []history.LedgerLine{received, mark}, history.Before},
		{"received after the mark, begun after the exit", at(exitAt+1, 1600*ms), []history.LedgerLine{mark, received}, history.After},
		{"not fully written, and yet received", with(at(900*ms, 1100*ms), func(r *history.Request) { r.Written = false }), []history.LedgerLine{received, mark}, history.InFlight},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := stopped(tt.request)
			h.Ledger.Lines = tt.lines
			if windows, _ := h.Windows(); windows[0] != tt.want {
				t.Errorf("got %v, want %v", windows[0], tt.want)
			}
		})
	}
}

// TestWindowsWithoutSignalOrExit: without a signal nothing is exposed, and
// without an exit nothing comes after it.
func TestWindowsWithoutSignalOrExit(t *testing.T) {
	h := stopped(at(900*ms, 1100*ms), at(1600*ms, 1700*ms))
	h.Exit = history.Exit{}
	if windows, _ := h.Windows(); windows[0] != history.InFlight || windows[1] != history.Late {
		t.Errorf("no exit: got %v, want in flight and late", windows)
	}
	h.Signal = history.Signal{}
	if windows, _ := h.Windows(); windows[0] != history.Before || windows[1] != history.Before {
		t.Errorf("no signal: got %v, want nothing but before", windows)
	}
}

// TestGuardWidens: on a busy machine a request sits in a buffer for longer, and
// the guard says how long that was before the signal.
func TestGuardWidens(t *testing.T) {
	answers := func(n int, after time.Duration) []history.Request {
		out := make([]history.Request, n)
		for i := range out {
			out[i] = at(100*ms, 100*ms+after)
		}
		return out
	}
	join := func(parts ...[]history.Request) []history.Request {
		var all []history.Request
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	tests := []struct {
		name     string
		requests []history.Request
		want     time.Duration
	}{
		{"no answers", nil, history.MinGuard},
		{"all answers take as long", answers(200, 50*ms), history.MinGuard},
		{"the slowest hundredth is within the least guard", join(answers(195, 50*ms), answers(5, 52*ms)), history.MinGuard},
		{"the slowest hundredth exceeds it", join(answers(195, 50*ms), answers(5, 59*ms)), 9 * ms},
		{"fewer than a hundredth do not count", join(answers(399, 50*ms), answers(1, 500*ms)), history.MinGuard},
		{
			"answers that began after the signal do not count",
			join(answers(10, 50*ms), []history.Request{at(100*ms, signalAt), at(100*ms, 2*signalAt)}), history.MinGuard,
		},
		{
			"whatever does not count hides nothing that does",
			join([]history.Request{with(at(100*ms, 900*ms), dropped), at(100*ms, signalAt)}, answers(195, 50*ms), answers(5, 59*ms)), 9 * ms,
		},
		{
			"dropped requests and those without times do not count",
			join(answers(10, 50*ms), []history.Request{with(at(100*ms, 900*ms), dropped), {Outcome: history.Completed, FirstByte: 900 * ms}}), history.MinGuard,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, guard := stopped(tt.requests...).Windows(); guard != tt.want {
				t.Errorf("guard %v, want %v", guard, tt.want)
			}
		})
	}
}

// TestGuardDecides: the widened guard moves a request from in flight to late,
// but only where the ledger is silent.
func TestGuardDecides(t *testing.T) {
	requests := make([]history.Request, 0, 202)
	for range 190 {
		requests = append(requests, at(100*ms, 150*ms))
	}
	for range 10 {
		requests = append(requests, at(100*ms, 170*ms)) // 20 ms more than the median
	}
	requests = append(requests, at(signalAt-19*ms, 1100*ms), at(signalAt-20*ms, 1100*ms))
	h := stopped(requests...)
	windows, guard := h.Windows()
	if guard != 20*ms || windows[200] != history.Late || windows[201] != history.InFlight {
		t.Errorf("guard %v, windows %v, want 20ms, late and in-flight", guard, windows[200:])
	}
	h.Ledger.Lines = []history.LedgerLine{{Seq: 200, Fact: history.Received}, {Fact: history.SignalMarked}}
	if windows, _ := h.Windows(); windows[200] != history.InFlight {
		t.Errorf("the ledger had it before the signal, and it is %v", windows[200])
	}
}

func TestQuantile(t *testing.T) {
	four := []time.Duration{1, 2, 3, 4}
	for _, tt := range []struct {
		sorted []time.Duration
		q      float64
		want   time.Duration
	}{
		{nil, 0.5, 0},
		{four[:1], 0.99, 1},
		{four, 0, 1},
		{four, 0.3, 2},
		{four, 0.99, 4},
		{four, 1, 4},
	} {
		if got := history.Quantile(tt.sorted, tt.q); got != tt.want {
			t.Errorf("Quantile(%v, %v) = %v, want %v", tt.sorted, tt.q, got, tt.want)
		}
	}
}

func TestEntries(t *testing.T) {
	l := history.Ledger{Lines: []history.LedgerLine{
		{Seq: 1, Fact: history.Received},
		{Seq: 1, Fact: history.Executed},
		{Seq: 2, Fact: history.Executed}, // never received
		{Seq: 0, Fact: history.SignalMarked},
		{Seq: 1, Fact: history.Received},
		{Seq: 3, Fact: history.Received},
		{Seq: 3, Fact: history.Answered},
		{Seq: 4, Fact: history.Unknown},
	}}
	want := map[uint32]history.Entry{
		1: {Received: 2, Executed: 1, BeforeSignal: true},
		2: {Executed: 1},
		3: {Received: 1, Answered: 1},
	}
	if got := l.Entries(); !equal(want, got) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestLedgerPresent: lastcall's own mark is no witness.
func TestLedgerPresent(t *testing.T) {
	mark := history.LedgerLine{Fact: history.SignalMarked}
	for _, tt := range []struct {
		name  string
		lines []history.LedgerLine
		want  bool
	}{
		{"empty", nil, false},
		{"only the mark", []history.LedgerLine{mark}, false},
		{"a line of the server", []history.LedgerLine{mark, {Fact: history.Received}}, true},
	} {
		if got := (history.Ledger{Lines: tt.lines}).Present(); got != tt.want {
			t.Errorf("%s: present is %v, want %v", tt.name, got, tt.want)
		}
	}
}
