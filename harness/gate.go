// Package harness tells, in a test in Go, whether a server loses requests when it is told
// to stop:
//
//	func TestShutdown(t *testing.T) {
//		harness.Gate(t, harness.Server{
//			Command: []string{"./server", "--port", "{port}"},
//			URL:     "/work",
//			Ready:   "/health",
//		})
//	}
//
// It does what the command lastcall test does. The packages below it are the parts:
// scenario (what an experiment is), subject (who is tested), run (boots, loads, signals,
// collects), history (what was observed), check (judges) and result (the verdicts).
package harness

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/reports"
)

// Server is what Gate tests. Only Command must be given.
type Server struct {
	Command []string          // the program and its arguments; {port} is replaced by a free port, which the variable PORT has too
	Dir     string            // its working directory; "": the test's
	Env     map[string]string // added to its environment; {port} is replaced
	URL     string            // what is requested: a path, or a URL with {port}; "": /
	Ready   string            // the readiness check: a path or a URL that answers 2xx; "": the port accepts connections

	Signal string        // "": SIGTERM
	Policy string        // the rules: default, strict, k8s, docker or systemd; "": default
	Grace  time.Duration // how long after the signal SIGKILL comes; 0: the policy's

	Rate      int // requests per second; 0: what suits the server, which is measured first
	Shutdowns int // how often it is stopped; 0: three times, or more if few requests are open at a time

	// Change, if it is set, changes all else of the experiment.
	Change func(*scenario.Scenario)
}

// T is what Gate needs of a *testing.T.
type T interface {
	Helper()
	Context() context.Context
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Gate starts the server, loads it, tells it to stop while requests are in flight, and
// accounts for every request. The test fails, with the table of lastcall test, unless the
// verdict is a pass: also if it is inconclusive, and if nothing could be measured. The
// server and all that it has started are ended before Gate returns.
func Gate(t T, s Server) {
	t.Helper()
	suite, err := s.Test(t.Context())
	if err != nil {
		t.Fatalf("lastcall could not test %s: %v", strings.Join(s.Command, " "), err)
		return
	}
	var table strings.Builder
	if err := (reports.Style{}).Table(&table, suite); err != nil {
		t.Fatalf("lastcall could not write its table: %v", err)
		return
	}
	if suite.Status != result.SuitePass {
		t.Fatalf("%s\n%s", suite.Status, &table)
		return
	}
	t.Logf("%s\n%s", suite.Status, &table)
}

// Test does the same and returns what was measured and judged. The error says why nothing
// was.
func (s Server) Test(ctx context.Context) (result.Suite, error) {
	wanted, fixed := s.scenario()
	policy, wanted, err := check.Resolve(wanted)
	if err != nil {
		return result.Suite{}, err
	}
	plan := run.Plan{
		Scenario: wanted, Seed: 1, PollReady: policy.Uses(check.ReadyFlipsFirst),
		Subjects: []subject.Subject{subject.Command{Spec: wanted.Subject}},
	}
	plan.Blurred = func(h *history.History) bool { return check.Blurred(h, policy) }
	if s.Rate == 0 && !wanted.Disruption.Unloaded() {
		plan.Scenario.Load.Rate = run.GentleRate
		if found, err := run.Calibrate(ctx, plan); err == nil { // else the run meets the same, and its verdict says so
			found.Suit(&plan.Scenario, fixed)
		}
	}
	histories, err := run.Run(ctx, plan)
	if err != nil {
		return result.Suite{}, fmt.Errorf("run: %w", err)
	}
	return check.Judge(histories, policy), nil
}

// scenario is the experiment, and whether the number of its shutdowns is fixed.
func (s Server) scenario() (wanted scenario.Scenario, fixed bool) {
	wanted = scenario.Default()
	wanted.Name, wanted.Policy = "gate", cmp.Or(s.Policy, wanted.Policy)
	wanted.Subject = scenario.Subject{Command: s.Command, Dir: s.Dir, Env: s.Env, Ready: s.Ready}
	if s.URL != "" {
		wanted.Load.Requests = []scenario.Target{{URL: s.URL}}
	}
	wanted.Disruption.Signal = cmp.Or(s.Signal, wanted.Disruption.Signal)
	wanted.Disruption.Grace.Duration = s.Grace
	wanted.Load.Rate = cmp.Or(s.Rate, wanted.Load.Rate)
	wanted.Shutdowns = cmp.Or(s.Shutdowns, wanted.Shutdowns)
	if s.Change != nil {
		s.Change(&wanted)
	}
	return wanted, s.Shutdowns > 0
}
