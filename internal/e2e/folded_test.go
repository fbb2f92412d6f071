package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestLongWarmUp: the requests of a warm-up of many seconds are counted although their
// records have gone, and --record has all of them.
func TestLongWarmUp(t *testing.T) {
	onlySlow(t)
	servers := truthServers(t)
	scenario := filepath.Join(t.TempDir(), "long.yaml")
	if err := os.WriteFile(scenario, []byte("name: long\nload: {rate: 1500, warm-up: 15s, connections: reused}\nshutdowns: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	records := filepath.Join(t.TempDir(), "histories")
	live := suite(t, exitPass, "test", "-f", scenario, "--record", records, "--", servers, "textbook", "{port}").Subjects[0]
	again := suite(t, exitPass, "report", records).Subjects[0]

	h := judged(t, records)[0]
	if n := len(h.Requests); n != h.Scheduled || n < 15*1500 || h.Folded.Counts.Total != 0 {
		t.Errorf("%d requests are recorded of %d, %d are folded", n, h.Scheduled, h.Folded.Counts.Total)
	}
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Seq != uint32(i) || r.Outcome == history.Pending {
			t.Fatalf("request %d is recorded as %+v", i, r)
		}
	}
	if live.Requests != again.Requests || live.InFlight != again.InFlight || live.Late != again.Late || live.Requests.Total != h.Scheduled {
		t.Errorf("live %+v, %+v, %+v; of the record %+v, %+v, %+v", live.Requests, live.InFlight, live.Late, again.Requests, again.InFlight, again.Late)
	}
	if !alike(live.LatencyMS, again.LatencyMS) {
		t.Errorf("latencies live %+v, of the record %+v", live.LatencyMS, again.LatencyMS)
	}
	if left, err := filepath.Glob(filepath.Join(records, ".*")); err != nil || len(left) > 0 {
		t.Errorf("it has left %q, %v", left, err)
	}
}

// alike compares two medians: live, latencies are known to within a hundredth, and those
// of a longer part of the warm-up count.
func alike(a, b result.Quantiles) bool { return a.P50 > 0.9*b.P50 && a.P50 < 1.1*b.P50 }
