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
			out[i] = at(600*ms, 600*ms+after)
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
			join(answers(10, 50*ms), []history.Request{at(600*ms, signalAt), at(600*ms, 2*signalAt)}), history.MinGuard,
		},
		{
			"whatever does not count hides nothing that does",
			join([]history.Request{with(at(600*ms, 900*ms), dropped), at(600*ms, signalAt)}, answers(195, 50*ms), answers(5, 59*ms)), 9 * ms,
		},
		{
			"dropped requests and those without times do not count",
			join(answers(10, 50*ms), []history.Request{with(at(600*ms, 900*ms), dropped), {Outcome: history.Completed, FirstByte: 900 * ms}}), history.MinGuard,
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
		requests = append(requests, at(600*ms, 650*ms))
	}
	for range 10 {
		requests = append(requests, at(600*ms, 658*ms)) // 8 ms more than the median
	}
	requests = append(requests, at(signalAt-7*ms, 1100*ms), at(signalAt-8*ms, 1100*ms))
	h := stopped(requests...)
	windows, guard := h.Windows()
	if guard != 8*ms || windows[200] != history.Late || windows[201] != history.InFlight {
		t.Errorf("guard %v, windows %v, want 8ms, late and in-flight", guard, windows[200:])
	}
	h.Ledger.Lines = []history.LedgerLine{{Seq: 200, Fact: history.Received}, {Fact: history.SignalMarked}}
	if windows, _ := h.Windows(); windows[200] != history.InFlight {
		t.Errorf("the ledger had it before the signal, and it is %v", windows[200])
	}
}

// TestGuardIsBounded, and each target has its own: what is slow is not uneven.
func TestGuardIsBounded(t *testing.T) {
	var uneven, two []history.Request
	for i := range 100 {
		uneven = append(uneven, at(600*ms, 620*ms+time.Duration(i)*ms))
		r := at(600*ms, 620*ms+time.Duration(i%2)*100*ms)
		r.Target = uint8(i % 2)
		two = append(two, r)
	}
	if _, guard := stopped(uneven...).Windows(); guard != history.MaxGuard {
		t.Errorf("of uneven answers the guard is %s, want %s", guard, history.MaxGuard)
	}
	if _, guard := stopped(two...).Windows(); guard != history.MinGuard {
		t.Errorf("of two even targets the guard is %s, want %s", guard, history.MinGuard)
	}
	cold := append(several(10, 100*ms), several(50, 600*ms)...)
	for i := range 10 {
		cold[i].FirstByte = 500 * ms
	}
	if _, guard := stopped(cold...).Windows(); guard != history.MinGuard {
		t.Errorf("after a cold start the guard is %s, want %s", guard, history.MinGuard)
	}
}

func several(n int, sent time.Duration) (all []history.Request) {
	for range n {
		all = append(all, at(sent, sent+50*ms))
	}
	return all
}

// TestWindowsByKernel: what the process had read in the last look before the signal
// was in flight.
func TestWindowsByKernel(t *testing.T) {
	seen := func(s history.Standing, had uint32) func(*history.Request) {
		return func(r *history.Request) { r.Standing, r.Had = s, had }
	}
	lost := func(end time.Duration, s history.Standing, had uint32) history.Request {
		return with(with(at(900*ms, end), dropped), seen(s, had))
	}
	received := []history.LedgerLine{{Seq: 1, Fact: history.Received}, {Fact: history.SignalMarked}}
	tests := []struct {
		name    string
		request history.Request
		lines   []history.LedgerLine
		want    history.Window
	}{
		{"had, and completed", with(at(900*ms, 1100*ms), seen(history.HadWhole, 2)), nil, history.InFlight},
		{"an upload whose head was read", with(at(900*ms, 1100*ms), seen(history.BegunBody, 2)), nil, history.InFlight},
		{"written long ago, and unread", with(at(900*ms, 1100*ms), seen(history.Unread, 3)), nil, history.Late},
		{"in the accept queue", with(at(900*ms, 1100*ms), seen(history.Queued, 0)), nil, history.Late},
		{"part of its head was read", with(at(900*ms, 1100*ms), seen(history.Partly, 0)), nil, history.Late},
		{"dropped, and read a look earlier", lost(1001*ms, history.HadWhole, 1), nil, history.InFlight},
		{"dropped at once, as others closed, and read only just", lost(1001*ms, history.HadWhole, 2), nil, history.Edge},
		{"dropped 3 ms later", lost(1003*ms, history.HadWhole, 2), nil, history.InFlight},
		{"the ledger had it before the mark", lost(1001*ms, history.Unread, 0), []history.LedgerLine{{Fact: history.Received}, {Fact: history.SignalMarked}}, history.InFlight},
		{"read, and received after the mark", lost(1001*ms, history.HadWhole, 2), []history.LedgerLine{{Fact: history.SignalMarked}, {Fact: history.Received}}, history.InFlight},
		{"read long ago, and a ledger that has all others has not", lost(1001*ms, history.HadWhole, 1), received, history.Edge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := stopped(tt.request, at(800*ms, 850*ms))
			h.Kernel.Asked = true
			h.Looks = []history.Look{{At: signalAt - 6*ms}, {At: signalAt - ms/2}, {At: signalAt + ms/2}}
			h.Closings = []history.Closing{{From: signalAt + ms, To: signalAt + ms}}
			h.Ledger.Lines = tt.lines
			if windows, _ := h.Windows(); windows[0] != tt.want {
				t.Errorf("got %v, want %v", windows[0], tt.want)
			}
		})
	}
}

// TestWindowsByLateness: lastcall's own lateness asks for more, and excuses nothing.
func TestWindowsByLateness(t *testing.T) {
	r := with(at(900*ms, 1003*ms), dropped)
	r.Standing, r.Had = history.HadWhole, 1
	h := stopped(r)
	h.Kernel.Asked = true
	h.Looks = []history.Look{{At: signalAt - 6*ms}, {At: signalAt - ms/2, Slip: 8 * ms}}
	h.Closings = []history.Closing{{From: 1003 * ms, To: 1003 * ms}}
	if windows, _ := h.Windows(); windows[0] != history.Edge {
		t.Errorf("6 ms before the signal, lastcall 8 ms late: %v, want edge", windows[0])
	}
	h.Looks[0].At = signalAt - 9*ms
	if windows, _ := h.Windows(); windows[0] != history.InFlight {
		t.Errorf("9 ms before the signal, lastcall 8 ms late: %v, want in flight", windows[0])
	}
}

func TestTiming(t *testing.T) {
	late := at(1100*ms, 1150*ms)
	late.Scheduled -= 7 * ms
	h := stopped(at(900*ms, 950*ms), late)
	h.Kernel.Asked = true
	h.Closings = []history.Closing{{From: 1200 * ms, To: 1201 * ms, Listener: true}, {From: 1300 * ms, To: 1300 * ms}}
	timing := h.Timing()
	for _, tt := range []struct{ from, to, want time.Duration }{
		{1000 * ms, 1200 * ms, 7 * ms},
		{1111 * ms, 1200 * ms, 0},
		{1000 * ms, 1089 * ms, 0},
		{1109 * ms, 1109 * ms, 7 * ms}, // a short span counts what is near
	} {
		if got := timing.Slip(tt.from, tt.to); got != tt.want {
			t.Errorf("from %s to %s lastcall was %s late, want %s", tt.from, tt.to, got, tt.want)
		}
	}
	for _, tt := range []struct{ at, want time.Duration }{
		{1200*ms + ms/2, 0},
		{1195 * ms, 5 * ms},
		{1204 * ms, 3 * ms},
		{1290 * ms, 10 * ms},
	} {
		if _, got, ok := timing.Closing(tt.at); got != tt.want || !ok {
			t.Errorf("%s is %s from a closing, %t, want %s", tt.at, got, ok, tt.want)
		}
	}
	if _, _, ok := stopped().Timing().Closing(signalAt); ok {
		t.Error("nothing closed, and yet something did")
	}
}

// TestClosingsWithoutTheKernel: the listener closed after the last connection that was
// accepted, and before the first that was refused.
func TestClosingsWithoutTheKernel(t *testing.T) {
	h := stopped(at(1050*ms, 1150*ms), with(at(1080*ms, 1080*ms), func(r *history.Request) {
		refused(r)
		r.Reason = history.ConnectionRefused
	}))
	c, distance, ok := h.Timing().Closing(1060 * ms)
	if want := (history.Closing{From: 1050 * ms, To: 1080 * ms, Listener: true}); c != want || distance != 0 || !ok {
		t.Errorf("got %+v, %s, %t, want %+v", c, distance, ok, want)
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
