package load

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
)

// TestTenMillion: an attack of ten million requests needs no more memory than one of a
// million, and each of them is counted once. It takes ten minutes, so it runs only with
// LASTCALL_LONG; LASTCALL_LONG=500000 is of as many requests.
func TestTenMillion(t *testing.T) {
	long := os.Getenv("LASTCALL_LONG")
	if long == "" {
		t.Skip("it takes ten minutes: set LASTCALL_LONG")
	}
	want := 10_000_000
	if n, err := strconv.Atoi(long); err == nil && n > 1 {
		want = n
	}
	const most = 400 << 20 // bytes
	c := config(startBenchServer(t))
	c.Targets = []Target{{Method: http.MethodGet, URL: "http://" + c.Address + "/"}}
	c.Rate, c.Fold = 20_000, func() bool { return true }
	sent, began := dataSegments(t), time.Now()
	a := Start(c)
	for next := want / 10; a.Begun() < want; {
		time.Sleep(10 * time.Millisecond)
		if n := a.Begun(); n >= next {
			t.Logf("%8d requests, %5.1f s, %4d MB at most", n, time.Since(began).Seconds(), peak(t)>>20)
			next += want / 10
		}
	}
	a.End()
	r := done(t, a)
	sent = dataSegments(t) - sent
	took := time.Since(began)
	t.Logf("%d requests in %.1f s (%.0f a second), %d folded, %d MB at most, %d data segments of the kernel",
		r.Scheduled, took.Seconds(), float64(r.Scheduled)/took.Seconds(), r.Folded.Counts.Total, peak(t)>>20, sent)
	counts := r.Folded.Counts
	for i := range r.Requests {
		counts.Add(r.Requests[i].Outcome)
	}
	if r.Scheduled != r.Results || r.Scheduled != counts.Total || counts.Completed != counts.Total || r.Disagreed != 0 {
		t.Errorf("%d scheduled, %d results, %d disagreed, %+v", r.Scheduled, r.Results, r.Disagreed, counts)
	}
	// A request is a segment, and its answer is another. A few more are what others on this
	// machine send.
	if extra := sent - 2*r.Scheduled; extra < 0 || extra > r.Scheduled/200 {
		t.Errorf("the kernel counts %d data segments for %d requests and as many answers", sent, r.Scheduled)
	}
	if got := peak(t); got > most {
		t.Errorf("it took %d MB, want at most %d", got>>20, most>>20)
	}
	if min(time.Since(began), took) > 3*history.FoldedAfter && r.Folded.Counts.Total < r.Scheduled/2 {
		t.Errorf("only %d of %d are folded", r.Folded.Counts.Total, r.Scheduled)
	}
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that this process has had, in bytes.
func peak(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := peakLine.FindSubmatch(text)
	if m == nil {
		t.Fatal("/proc/self/status has no VmHWM")
	}
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// dataSegments is how many segments with data the kernel has sent over TCP in this
// network namespace, without those that it sent again (TCPOrigDataSent in
// /proc/net/netstat).
func dataSegments(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/net/netstat")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || fields[0] != "TcpExt:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names {
			if name != "TCPOrigDataSent" {
				continue
			}
			var n int
			if _, err := fmt.Sscan(fields[i], &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("/proc/self/net/netstat has no TCPOrigDataSent")
	return 0
}
