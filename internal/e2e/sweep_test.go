package e2e

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"lastcall/harness/result"
)

// TestASweepFindsTheRaceOfTheTextbook: net/http closes idle connections as
// Shutdown begins, while requests are on their way to them. A sweep meets that in
// nearly every shutdown, and its figures add up.
func TestASweepFindsTheRaceOfTheTextbook(t *testing.T) {
	const shutdowns, bins = 20, 40 // ten for each kind of connections
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), lastcall, "sweep", "signal-notify", "--shutdowns", "10", "--report", "json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // 0, or 3 where the machine is too busy to tell
	var s result.Sweep
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		t.Fatalf("%v\nstdout:\n%s\nstderr:\n%s", err, &stdout, &stderr)
	}
	if s.Schema != result.SweepSchema || s.Shutdowns != shutdowns {
		t.Fatalf("schema %q, %d shutdowns", s.Schema, s.Shutdowns)
	}
	if s.Measured < 6 {
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
