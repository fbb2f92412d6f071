package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/result"
)

// TestBehindABalancer holds two right ways to stop against the policy k8s: one
// serves on until the balancer has learned, the other closes its door first, as
// Server.Shutdown does, and the balancer's requests meet nobody.
func TestBehindABalancer(t *testing.T) {
	t.Parallel() // it waits, most of the time
	t.Run("reused", func(t *testing.T) { behindABalancer(t, "reused", "500ms", efforts(t, "2")) })
	t.Run("mixed, with the lag of the policy", func(t *testing.T) {
		onlyLong(t)
		behindABalancer(t, "mixed", "2s", whole)
	})
}

func behindABalancer(t *testing.T, connections, lag string, e effort) {
	t.Helper()
	gate := func(strategy string, wantExit int) result.Subject {
		return suite(t, wantExit, sample(strategy, "--policy", "k8s", "--lag", lag, "--env", "LASTCALL_LAG="+lag,
			"--rate", e.rate, "--connections", connections, "--shutdowns", e.shutdowns)...).Subjects[0]
	}
	drain := gate("drain", exitPass)
	wantVerdict(t, drain, result.Pass, check.ServesThroughLag, result.Satisfied)
	if drain.Requests.Refused+drain.Requests.Dropped+drain.Requests.Failed > 0 || drain.Late.Total < 100 {
		t.Errorf("drain: %+v", drain.Requests)
	}
	hasty := gate("signal-notify", exitFail)
	wantVerdict(t, hasty, result.Fail, check.ServesThroughLag, result.Violated)
	wantStatus(t, hasty, check.InFlightCompletes, result.Satisfied)
	wantStory(t, hasty, "A load balancer goes on sending requests")
	wantStory(t, hasty, "stopped listening too early")
	wantStory(t, hasty, "closing the listener is what Go's Server.Shutdown does first")
	wantStory(t, hasty, "`lastcall explain drain` shows it")
}

// TestHandoff restarts a server under load. Its successor has another PID, and
// the process that lastcall started exits: neither is a death, for the port is
// never without a listener. In the end the successor is ended too.
func TestHandoff(t *testing.T) {
	t.Parallel() // it waits, most of the time
	t.Run("mixed", func(t *testing.T) { handoff(t, "mixed", efforts(t, "2")) })
	for _, connections := range []string{"fresh", "reused"} {
		t.Run(connections+", twenty times", func(t *testing.T) {
			onlyLong(t)
			handoff(t, connections, whole)
		})
	}
}

func handoff(t *testing.T, connections string, e effort) {
	t.Helper()
	mark := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	store := filepath.Join(t.TempDir(), "orders.db")
	args, records := sampleOrders(t, "handoff", store, "--while", "kill -HUP {pid}", "--settle", "1s", "--rate", e.rate, "--url", "POST /orders?delay=20ms",
		"--connections", connections, "--shutdowns", e.shutdowns, "--env", envMark+"="+mark)
	s := suite(t, exitPass, args...).Subjects[0]
	wantVerdict(t, s, result.Pass, check.StaysUp, result.Satisfied)
	wantStatus(t, s, check.NoLostAck, result.Satisfied)
	if s.Requests.Completed != s.Requests.Total || s.Requests.Total < 500 {
		t.Errorf("not all were completed: %+v", s.Requests)
	}
	all := judged(t, records)
	for _, h := range all {
		if !h.Exit.Seen || h.Exit.Code != 0 || !h.Left.PortTaken {
			t.Errorf("restart %d: exit %+v, %+v: the predecessor must have gone, and left the port to its successor", h.Header.Shutdown, h.Exit, h.Left)
		}
	}
	if lost := wantSameLost(t, s, all, storedRows(t, store)); len(lost) > 0 {
		t.Errorf("lost: %q", lost)
	}
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		return // processes cannot be found by their environment
	}
	if left := marked(mark); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
