package run

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lastcall/harness/history"
	"lastcall/harness/load"
	"lastcall/harness/process"
	"lastcall/harness/scenario"
	"lastcall/harness/wire"
)

// TestStanding: how far a server has come with a request, by what the kernel shows of
// its end of the connection.
func TestStanding(t *testing.T) {
	get := wire.Outstanding{Begun: 1, From: 100, Head: 180, End: 180}
	upload := wire.Outstanding{Begun: 1, From: 100, Head: 180, End: 1180, Body: true}
	endless := wire.Outstanding{Begun: 1, From: 100, Head: 180, Body: true}
	open := func(received uint64, unread uint32) process.Socket {
		return process.Socket{State: process.StateEstablished, Inode: 7, Received: received, Unread: unread, Known: true}
	}
	for _, tt := range []struct {
		name    string
		request wire.Outstanding
		socket  process.Socket
		want    history.Standing
	}{
		{"all read", get, open(180, 0), history.HadWhole},
		{"all there, nothing read", get, open(180, 80), history.Unread},
		{"not there yet", get, open(100, 0), history.Unread},
		{"half of the head", get, open(180, 40), history.Partly},
		{"an upload, its head read", upload, open(680, 400), history.BegunBody},
		{"an upload, half of it read, nothing waiting", upload, open(600, 0), history.BegunBody},
		{"an upload, its head not", upload, open(680, 550), history.Partly},
		{"an upload, all of it", upload, open(1180, 0), history.HadWhole},
		{"of unknown length", endless, open(900, 0), history.BegunBody},
		{"being written", wire.Outstanding{From: 100}, open(100, 0), history.Moving},
		{"the head is not out", wire.Outstanding{Begun: 1, From: 100}, open(150, 50), history.Unread},
		{"in the accept queue", get, process.Socket{State: process.StateEstablished, Received: 180, Known: true}, history.Queued},
		{"before its accept queue", get, process.Socket{State: process.StateSynReceived}, history.Queued},
		{"no socket", get, process.Socket{}, history.Absent},
		{"closed by the server", get, process.Socket{State: 4, Known: true}, history.Moving},
		{"we have sent a FIN", get, process.Socket{State: process.StateCloseWait, Inode: 7, Received: 180, Known: true}, history.HadWhole},
		{"an old kernel", get, process.Socket{State: process.StateEstablished, Inode: 7}, history.NoStanding},
	} {
		if got := standingOf(tt.request, tt.socket); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestWaited is the wait of the thread that was delayed most, between a look and an
// end, as far as it was seen.
func TestWaited(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	w := &witness{
		looks: []history.Look{{At: ms(0)}, {At: ms(5)}, {At: ms(10)}, {At: ms(15)}},
		waits: [][]process.Wait{
			{{Thread: 1, Total: 1e6}, {Thread: 2, Total: 5e6}},
			{{Thread: 1, Total: 2e6}, {Thread: 2, Total: 9e6}},
			{{Thread: 1, Total: 9e6}, {Thread: 2, Total: 9e6}, {Thread: 3, Total: 50e6}},
			nil, // it has gone
		},
	}
	for _, tt := range []struct {
		look  int
		until time.Duration
		want  time.Duration
	}{
		{0, ms(4), ms(4)},  // thread 2, by the look after the end
		{1, ms(9), ms(7)},  // thread 1
		{0, ms(20), ms(8)}, // the last look that saw threads; a new one says nothing
		{2, ms(12), 0},
	} {
		if got := w.waited(tt.look, tt.until); got != tt.want {
			t.Errorf("from look %d until %s: %s, want %s", tt.look, tt.until, got, tt.want)
		}
	}
}

// TestForget: what was seen by a look that is no more counts as seen by the first.
func TestForget(t *testing.T) {
	w := &witness{looks: make([]history.Look, 5), waits: make([][]process.Wait, 5), seen: map[uint32]sight{1: {had: 2}, 2: {had: 5}, 3: {}}}
	w.forget(3)
	if len(w.looks) != 2 || w.seen[1].had != 1 || w.seen[2].had != 2 || w.seen[3].had != 0 {
		t.Errorf("%d looks, %+v", len(w.looks), w.seen)
	}
}

// BenchmarkLooking is the share of a core that the looks of a drain take, at 500
// requests a second of 100 ms each.
func BenchmarkLooking(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(100 * time.Millisecond)
		fmt.Fprint(w, "ok")
	}))
	defer server.Close()
	address := netip.MustParseAddrPort(server.Listener.Addr().String())
	base := time.Now()
	attack := load.Start(load.Config{
		Base: base, Address: address.String(), Targets: []load.Target{{Method: http.MethodGet, URL: server.URL}},
		Rate: 500, Lanes: scenario.Mixed, Timeout: time.Minute, Tail: time.Hour, MaxOpen: 2000,
	})
	defer func() { attack.End(); <-attack.Done() }()
	for attack.Open() < 40 {
		time.Sleep(time.Millisecond)
	}
	sockets, err := process.OpenSockets(address, 0)
	if err != nil {
		b.Skip(err)
	}
	w := &witness{
		now: func() time.Duration { return time.Since(base) }, attack: attack, sockets: sockets,
		members: func() []int { return []int{os.Getpid()} }, seen: make(map[uint32]sight), quit: make(chan struct{}),
	}
	w.look()
	w.told = true
	runtime.LockOSThread() // its own time is what is measured
	defer runtime.UnlockOSThread()
	spent := func() time.Duration {
		var u unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_THREAD, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before, began := spent(), time.Now()
	for b.Loop() { // a second of looks
		stop := time.Now().Add(time.Second)
		ticker := time.NewTicker(listenEvery)
		for time.Now().Before(stop) {
			<-ticker.C
			w.listen()
			if w.now() >= w.due {
				w.look()
			}
		}
		ticker.Stop()
	}
	b.ReportMetric(100*float64(spent()-before)/float64(time.Since(began)), "%core")
	b.ReportMetric(float64(len(w.looks))/time.Since(began).Seconds(), "looks/s")
	b.ReportMetric(0, "ns/op")
}
