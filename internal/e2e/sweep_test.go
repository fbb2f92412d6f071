package e2e

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/sweep"
	"lastcall/targets"
)

// TestASweepEqualsCapture holds a sweep against the same witness as a load: what
// it calls dropped is what a capture shows without an answer, by port and id,
// although it reads no answer before all requests were sent.
func TestASweepEqualsCapture(t *testing.T) {
	needs(t, "tcpdump", "tshark")
	file := filepath.Join(t.TempDir(), "lo.pcap")
	scenario := harness.DefaultScenario()
	scenario.Shutdowns = 5
	plan := sweep.Plan{
		Plan: harness.Plan{Scenario: scenario, Seed: 1, Path: "/", Subjects: []harness.Subject{harness.Strategy{
			Label: "signal-notify", Path: lastcall, Lifeline: targets.EnvLifeline, Health: "/health",
			Args: []string{"serve", "signal-notify", "--addr", "127.0.0.1:0", "--request-log=false"},
		}}},
		Grid:    history.Grid{From: -time.Millisecond, To: 2 * time.Millisecond, Step: 100 * time.Microsecond},
		PerStep: 2,
	}
	stop := capture(t, file)
	all, err := sweep.Run(t.Context(), plan)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	want := reportedDropped(all)
	got := unanswered(t, file, all)
	forgetRepeated(got, all)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dropped according to the sweep (-) and to the capture (+), id: port\n%s", diff)
	}
	if len(want) < 10 {
		t.Errorf("only %d requests were dropped: the comparison proves little", len(want))
	}
	t.Logf("%d dropped according to the sweep, %d unanswered in the capture", len(want), len(got))
}

// TestASweepFindsTheRaceOfTheTextbook: net/http closes idle connections as
// Shutdown begins, while requests are on their way to them. A sweep meets that in
// nearly every shutdown, and its figures add up.
func TestASweepFindsTheRaceOfTheTextbook(t *testing.T) {
	const shutdowns, bins = 10, 40 // five for each kind of connections
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), lastcall, "sweep", "signal-notify", "--shutdowns", "5", "--report", "json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // 0, or 3 where the machine is too busy to tell
	var s result.Sweep
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		t.Fatalf("%v\nstdout:\n%s\nstderr:\n%s", err, &stdout, &stderr)
	}
	if s.Schema != result.SweepSchema || s.Shutdowns != shutdowns {
		t.Fatalf("schema %q, %d shutdowns", s.Schema, s.Shutdowns)
	}
	if s.Measured < 4 {
		t.Skipf("the machine is too busy: %d of %d shutdowns count", s.Measured, shutdowns)
	}
	lost := 0
	for _, lane := range s.Lanes {
		c := lane.Sum
		if c.Sent+lane.Outside != lane.Measured*bins || len(lane.Bins) != bins {
			t.Errorf("%s: %d requests and %d outside, in %d shutdowns of %d bins", lane.Connections, c.Sent, lane.Outside, lane.Measured, len(lane.Bins))
		}
		if c.AtRisk != c.Completed+c.Rejected+c.Failed+c.Lost || c.Sent != c.AtRisk+c.Refused+c.Closed+c.Unsent ||
			c.Lost != c.Executed+c.Received+c.NeverRead+c.Unknown || c.Failed+c.Unsent > 0 {
			t.Errorf("%s: the figures do not add up: %+v", lane.Connections, c)
		}
		lost += c.Lost
	}
	if lost == 0 {
		t.Errorf("in %d shutdowns nothing was lost around the signal", s.Measured)
	}
}
