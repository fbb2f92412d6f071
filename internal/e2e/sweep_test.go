package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/harness/sweep"
	"lastcall/internal/testrun"
	"lastcall/targets"
)

// TestASweepEqualsCapture holds a sweep against the same witness as a load: what
// it calls dropped is what a capture shows without an answer, by port and id,
// although it reads no answer before all requests were sent.
func TestASweepEqualsCapture(t *testing.T) {
	needs(t, "tcpdump", "tshark")
	file := filepath.Join(t.TempDir(), "lo.pcap")
	scenario := scenario.Default()
	scenario.Shutdowns = 8
	plan := sweep.Plan{
		Plan: run.Plan{Scenario: scenario, Seed: 1, Path: "/", Subjects: []subject.Subject{subject.Strategy{
			Label: "signal-notify", Path: lastcall, Lifeline: targets.EnvLifeline, Health: "/health",
			Args: []string{"serve", "signal-notify", "--addr", "127.0.0.1:0", "--request-log=false"},
		}}},
		Grid:    sweep.Grid{From: -time.Millisecond, To: 2 * time.Millisecond, Step: 100 * time.Microsecond},
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
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dropped according to the sweep (-) and to the capture (+), id: port\n%s", diff)
	}
	if len(want) < 10 {
		t.Errorf("only %d requests were dropped: the comparison proves little", len(want))
	}
	t.Logf("%d dropped according to the sweep, %d unanswered in the capture", len(want), len(got))
}

// coarser is by how much the grid of each try is coarser than the finest. Lastcall
// discards what it sends late, and advises a wider step where that is nearly all.
var coarser = [...]int{1, 1, 2, 4, 8}

// swept sweeps a grid in steps of 100 us, or a wider one of a server that is slower by
// as much, until as many shutdowns count as
// are needed, and show what they must: wrong says what is wrong with them, or "". What is
// not there is not found by chance in five tries. On a machine that is too busy for any
// the test is skipped.
func swept(t *testing.T, least int, from, to, delay time.Duration, wrong func(s result.Sweep, scale float64) string, args ...string) {
	t.Helper()
	var seen, busy []string
	for _, scale := range coarser {
		wider := time.Duration(scale)
		s := sweepOnce(t, append(args, "--from", (from*wider).String(), "--to", (to*wider).String(),
			"--step", (100*time.Microsecond*wider).String(), "--delay", (delay*wider).String())...)
		counts := s.Measured >= least && s.Status == result.SuitePass
		for _, lane := range s.Lanes {
			counts = counts && lane.Measured > 0
		}
		if !counts {
			busy = append(busy, s.Warnings...)
			continue
		}
		what := wrong(s, float64(scale))
		if what == "" {
			return
		}
		seen = append(seen, what)
	}
	why := fmt.Sprintf("the machine is too busy: in %d sweeps never did %d shutdowns count: %q", len(coarser), least, busy)
	if len(seen) > 0 {
		t.Errorf("in %d sweeps that count: %q", len(seen), seen)
	} else if !testrun.Again(t, len(coarser)) {
		t.Fatal(why)
	}
}

func sweepOnce(t *testing.T, args ...string) (s result.Sweep) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), lastcall, append([]string{"sweep", "--report", "json", "--quiet"}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // 0, or 3 where the machine is too busy to tell
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		t.Fatalf("%v\nstdout:\n%s\nstderr:\n%s", err, &stdout, &stderr)
	}
	return s
}

// TestASweepFindsTheRaceOfTheTextbook: net/http closes idle connections as
// Shutdown begins, while requests are on their way to them. A sweep meets that in
// nearly every shutdown, finds its window, and its figures add up.
func TestASweepFindsTheRaceOfTheTextbook(t *testing.T) {
	onlySlow(t)
	const shutdowns, bins = 20, 40 // ten for each kind of connections, or more to fill the bins
	swept(t, 4, -2*time.Millisecond, 2*time.Millisecond, 0, func(s result.Sweep, scale float64) string {
		if s.Schema != result.SweepSchema || s.Shutdowns < shutdowns || s.Shutdowns > 6*shutdowns {
			t.Errorf("schema %q, %d shutdowns", s.Schema, s.Shutdowns)
		}
		for _, lane := range s.Lanes {
			addsUp(t, lane, bins)
		}
		// Idle connections are closed as the signal has come, and not before it. How
		// long that takes is the machine's affair.
		reused := s.Lanes[0]
		if reused.Connections != "reused" || reused.Widest == nil || reused.EarliestUS == nil {
			return "nothing was lost on kept-alive connections"
		}
		from, width := reused.Widest.FromUS, reused.Widest.ToUS-reused.Widest.FromUS
		if from < -200*scale || from > 1000*scale || width < s.StepUS || *reused.EarliestUS < -500*scale {
			return fmt.Sprintf("the window begins at %g us and is %g us wide, the first loss is at %g us", from, width, *reused.EarliestUS)
		}
		return ""
	}, "signal-notify", "--shutdowns", "10")
}

// addsUp asks that every request is in one column, and every column in its sum.
func addsUp(t *testing.T, lane result.SweepLane, bins int) {
	t.Helper()
	c, sent, unproved := lane.Sum, 0, 0
	for _, b := range lane.Bins {
		sent += b.Sent
		if b.ProvesNothing {
			unproved++
		}
	}
	if c.Sent != sent || lane.Unproved != unproved || len(lane.Bins) != bins {
		t.Errorf("%s: %d requests, %d in %d bins; %d of these prove nothing, %d are said to", lane.Connections, c.Sent, sent, len(lane.Bins), unproved, lane.Unproved)
	}
	if c.AtRisk != c.Completed+c.Rejected+c.Failed+c.Lost || c.Sent != c.AtRisk+c.Refused+c.Closed+c.Unsent ||
		c.Lost != c.Executed+c.Received+c.NeverRead+c.Unknown || c.Failed+c.Unsent > 0 {
		t.Errorf("%s: the figures do not add up: %+v", lane.Connections, c)
	}
}

// TestASweepShowsTheStepOfNaive: SIGTERM kills it, so what is lost is exactly what
// it was working on, which had come within one delay before the signal.
func TestASweepShowsTheStepOfNaive(t *testing.T) {
	swept(t, 2, -3*time.Millisecond, time.Millisecond, time.Millisecond, func(s result.Sweep, scale float64) string {
		delay := 1000 * scale // microseconds
		var answered, killed result.SweepCount
		for _, b := range s.Lanes[0].Bins {
			switch {
			case b.ToUS <= -1.5*delay:
				answered.Lost, answered.AtRisk = answered.Lost+b.Lost, answered.AtRisk+b.AtRisk
			case b.FromUS >= -0.75*delay && b.ToUS <= 0:
				killed.Lost, killed.AtRisk = killed.Lost+b.Lost, killed.AtRisk+b.AtRisk
			}
		}
		if answered.AtRisk >= 20 && 5*answered.Lost <= answered.AtRisk && killed.AtRisk >= 8 && 5*killed.Lost >= 4*killed.AtRisk {
			return ""
		}
		return fmt.Sprintf("no step: lost were %d of %d that it must have answered, and %d of %d that it was working on",
			answered.Lost, answered.AtRisk, killed.Lost, killed.AtRisk)
	}, "naive", "--shutdowns", "4", "--connections", "reused")
}

// TestASweepOfDrainIsFlat: it goes on serving for longer than a sweep lasts, so that
// there is nothing that a busy machine could blur.
func TestASweepOfDrainIsFlat(t *testing.T) {
	swept(t, 2, -2*time.Millisecond, 2*time.Millisecond, 0, func(s result.Sweep, _ float64) string {
		lane := s.Lanes[0]
		if lane.Sum.Lost > 0 || lane.EarliestUS != nil || lane.Widest != nil {
			t.Errorf("it lost requests: %+v", lane.Sum)
		}
		if lane.Sum.AtRisk < 60 || lane.Sum.Completed != lane.Sum.AtRisk {
			t.Errorf("of %d at risk %d were completed", lane.Sum.AtRisk, lane.Sum.Completed)
		}
		for _, b := range lane.Bins {
			if b.Rate != nil && *b.Rate != 0 {
				t.Errorf("at %g us the rate is %g", b.FromUS, *b.Rate)
			}
		}
		return ""
	}, "drain", "--shutdowns", "4", "--connections", "reused")
}
