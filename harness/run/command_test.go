package run_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/process"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/testrun"
)

// command is the server of this test binary as a command of a user's.
func command(behaviour string) subject.Command {
	return subject.Command{
		Spec: scenario.Subject{
			Command: []string{os.Args[0]}, Env: map[string]string{envServer: behaviour},
			ReadyTimeout: scenario.Seconds(5),
		},
		Supervisor: []string{os.Args[0], "supervise"},
	}
}

// judge runs one quick shutdown and judges it by the default policy.
func judge(t *testing.T, s scenario.Scenario, subject subject.Subject) (*history.History, result.Subject) {
	t.Helper()
	return judgeAs(t, result.Inconclusive, s, subject)
}

// judgeAs is judge for a subject that deserves a verdict: a run that comes to none is
// begun again, because a busy machine can keep any verdict open.
func judgeAs(t *testing.T, want result.Verdict, s scenario.Scenario, subject subject.Subject) (*history.History, result.Subject) {
	t.Helper()
	s.Policy = "default"
	s.Overrides.MinAtRisk = 1 // its shutdowns are short
	s.Load.Rate *= 2          // and must not find the server idle on a busy machine
	policy, s, err := check.Resolve(s)
	if err != nil {
		t.Fatal(err)
	}
	for try := 1; ; try++ {
		h := executed(t, s, subject)[0]
		judged := check.Judge([]*history.History{h}, policy).Subjects[0]
		if judged.Verdict != result.Inconclusive || want == result.Inconclusive || h.Error != "" || !testrun.Again(t, try) {
			return h, judged
		}
		t.Logf("inconclusive, once more: %q", judged.Story)
	}
}

func statusOf(s result.Subject, rule string) result.Status {
	for _, f := range s.Findings {
		if f.Rule == rule {
			return f.Status
		}
	}
	return result.NotExercised
}

// TestCommandIsTested: a command gets its port, its ledger and its environment,
// with and without a supervisor.
func TestCommandIsTested(t *testing.T) {
	for name, supervised := range map[string]bool{"supervised": true, "on its own": false} {
		t.Run(name, func(t *testing.T) {
			c := command("drains")
			c.Spec.Ready = "/health"
			if !supervised {
				c.Supervisor = nil
			}
			h, s := judgeAs(t, result.Pass, quick(), c)
			if h.Error != "" || s.Verdict != result.Pass || s.Kind != "command" || s.Name != filepath.Base(os.Args[0]) {
				t.Errorf("%s %q: %s, error %q: %v", s.Kind, s.Name, s.Verdict, h.Error, s.Story)
			}
			if len(h.Delivery.To) != 1 || h.Delivery.To[0].PID != h.PID || len(h.Delivery.Holders) != 1 || h.Delivery.Holders[0].PID != h.PID {
				t.Errorf("delivery %+v, want the signal to go to the holder %d", h.Delivery, h.PID)
			}
			if !h.Left.Looked || len(h.Left.Processes) > 0 || h.Left.PortTaken {
				t.Errorf("left %+v", h.Left)
			}
			for _, rule := range []string{check.SignalDelivered, check.NoSurvivors, check.ExitStatus, check.ExitsInGrace} {
				if status := statusOf(s, rule); status != result.Satisfied {
					t.Errorf("rule %s: %s", rule, status)
				}
			}
		})
	}
}

// TestPortMarks: the port stands wherever it is asked for.
func TestPortMarks(t *testing.T) {
	c := command("drains")
	c.Spec.Env["PORT"], c.Spec.Env["ALSO"] = "{port}", "a{port}b{port}"
	c.Spec.Command = append(c.Spec.Command, "--port={port}")
	c.Spec.URL, c.Spec.Ready = "http://localhost:{port}/some/where", "http://localhost:{port}/health"
	h, _ := judge(t, quick(), c)
	if h.Error != "" {
		t.Fatal(h.Error)
	}
	_, port, err := net.SplitHostPort(h.Addr)
	if err != nil || !strings.HasSuffix(h.Delivery.To[0].Name, "--port="+port) {
		t.Errorf("address %s, command line %q", h.Addr, h.Delivery.To[0].Name)
	}
}

// TestCommandThatCannotBeStartedIsRefused before anything starts.
func TestCommandThatCannotBeStartedIsRefused(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, field, says string
		spoil             func(*scenario.Subject)
	}{
		{"no command", "subject.command", "is empty", func(s *scenario.Subject) { s.Command = nil }},
		{"not found", "subject.command", "is not found in PATH", func(s *scenario.Subject) { s.Command = []string{"no-such-program-here"} }},
		{"no such file", "subject.command", "does not exist", func(s *scenario.Subject) { s.Command = []string{"./no-such-file"} }},
		{"not executable", "subject.command", "chmod +x", func(s *scenario.Subject) { s.Command = []string{plain} }},
		{"a directory", "subject.command", "cannot be", func(s *scenario.Subject) { s.Command = []string{t.TempDir()} }},
		{"no such directory", "subject.dir", "is not a directory", func(s *scenario.Subject) { s.Dir = plain }},
		{"another machine", "subject.url", "--allow-remote", func(s *scenario.Subject) { s.URL = "http://192.0.2.1:{port}/" }},
		{"readiness on another machine", "subject.ready", "--allow-remote", func(s *scenario.Subject) { s.Ready = "http://192.0.2.1/" }},
		{"a ca that is none", "subject.url", "no certificate", func(s *scenario.Subject) { s.URL, s.CA = "https://127.0.0.1:{port}/", plain }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tested := command("drains")
			c.spoil(&tested.Spec)
			booted := false
			_, err := run.Run(t.Context(), run.Plan{
				Scenario: quick(), Subjects: []subject.Subject{tested}, Progress: func(run.Step) { booted = true },
			})
			invalid, ok := errors.AsType[*scenario.Invalid](err)
			if !ok || invalid.Field != c.field || !strings.Contains(invalid.Problem, c.says) || booted {
				t.Errorf("error %v, booted %t; want one about %s that says %q", err, booted, c.field, c.says)
			}
		})
	}
}

// TestItsOwnProgramIsGone: a build that removes lastcall while it runs is no mistake in
// the command under test.
func TestItsOwnProgramIsGone(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "lastcall")
	supervised := command("drains")
	supervised.Supervisor = []string{gone, "supervise"}
	for _, subject := range []subject.Subject{subject.Strategy{Label: "sample", Path: gone}, supervised} {
		_, err := subject.Boot(t.Context(), filepath.Join(t.TempDir(), "ledger"))
		if err == nil || !strings.Contains(err.Error(), "lastcall's own program "+gone+" was removed while it ran") {
			t.Errorf("%s: %v", subject.Kind(), err)
		}
	}
}

// TestCommandThatDoesNotGetReadySaysWhy.
func TestCommandThatDoesNotGetReadySaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		behaviour, says, words string
		change                 func(*scenario.Subject)
	}{
		{"dies before it is ready", "it ended with exit status 4", "cannot open the store", nil},
		{"says nothing", "it does not listen yet", "", func(s *scenario.Subject) { s.ReadyTimeout = scenario.Millis(300) }},
		{"drains", "instead; tell it its port ({port} in its arguments, or PORT", "", func(s *scenario.Subject) {
			s.Env, s.ReadyTimeout = map[string]string{envServer: "drains", "PORT": "0"}, scenario.Millis(300)
		}},
		{"is never healthy", "readiness check /health answers 503", "", func(s *scenario.Subject) {
			s.Ready, s.ReadyTimeout = "/health", scenario.Millis(300)
		}},
		{"daemonises", "in the background: start the server in the foreground", "", nil},
		{"drains", "is already in use by", "", func(s *scenario.Subject) { s.URL = fmt.Sprintf("http://%s/", taken.Addr()) }},
	} {
		t.Run(c.behaviour+", "+c.says, func(t *testing.T) {
			subject := command(c.behaviour)
			if c.change != nil {
				c.change(&subject.Spec)
			}
			h, s := judge(t, quick(), subject)
			if !strings.Contains(h.Error, c.says) {
				t.Errorf("error %q does not say %q", h.Error, c.says)
			}
			if c.words != "" && !slices.Contains(h.Stderr, c.words) {
				t.Errorf("its last words are %q, want %q", h.Stderr, c.words)
			}
			// One that puts itself into the background may be found out only when its
			// first process ends, a moment after it was ready.
			if s.Verdict != result.Inconclusive || len(h.Requests) > 0 && c.behaviour != "daemonises" {
				t.Errorf("%s after %d requests", s.Verdict, len(h.Requests))
			}
			nobodyLeft(t)
		})
	}
}

// nobodyLeft asks that no server of this test binary is there any more.
func nobodyLeft(t *testing.T) {
	t.Helper()
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range entries {
		if target, err := os.Readlink(filepath.Join(dir, "exe")); err == nil && target == me && filepath.Base(dir) != fmt.Sprint(os.Getpid()) {
			t.Errorf("process %s is left", filepath.Base(dir))
		}
	}
}

// TestSickCommands gets the verdicts of servers that are ill in ways of their
// own.
func TestSickCommands(t *testing.T) {
	for _, c := range []struct {
		behaviour string
		verdict   result.Verdict
		rule      string // "" for none
		says      string // in the story
		change    func(*scenario.Scenario)
	}{
		{"ignores the signal", result.Fail, check.ExitsInGrace, "was killed", func(s *scenario.Scenario) { s.Disruption.Grace = scenario.Millis(400) }},
		{"waits for every connection", result.Fail, check.ExitsInGrace, "3 idle kept-alive connections", func(s *scenario.Scenario) {
			s.Load.Parked, s.Disruption.Grace = []scenario.Park{{Kind: scenario.Idle, Count: 3}}, scenario.Seconds(1)
		}},
		{"hangs", result.Fail, check.InFlightCompletes, "in flight", func(s *scenario.Scenario) {
			s.Load.MaxOpen, s.Disruption.Grace, s.Load.Timeout = 50, scenario.Millis(400), scenario.Seconds(2)
		}},
		{"crashes under load", result.Inconclusive, "", "the subject was gone before the signal: it ended with exit status 7", nil},
		{"answers 500", result.Inconclusive, "", "every request was answered 500; test a path", nil},
		{"answers without an end", result.Fail, check.InFlightCompletes, "in flight", func(s *scenario.Scenario) {
			s.Load.Rate, s.Disruption.Grace, s.Load.Timeout = 50, scenario.Millis(400), scenario.Seconds(2)
		}},
		{"sends 10 MB of headers", result.Inconclusive, "", "went wrong before the signal", func(s *scenario.Scenario) { s.Load.Rate = 20 }},
		{"leaves a worker", result.Fail, check.NoSurvivors, "still ran", nil},
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			s := quick()
			if c.change != nil {
				c.change(&s)
			}
			began := time.Now()
			h, subject := judgeAs(t, c.verdict, s, command(c.behaviour))
			if subject.Verdict != c.verdict || c.rule != "" && statusOf(subject, c.rule) != result.Violated {
				t.Errorf("%s, %s %s: %q; error %q", subject.Verdict, c.rule, statusOf(subject, c.rule), subject.Story, h.Error)
			}
			if !strings.Contains(strings.Join(subject.Story, " "), c.says) {
				t.Errorf("story %q does not say %q", subject.Story, c.says)
			}
			if took := time.Since(began); took > 45*time.Second {
				t.Errorf("it took %s", took)
			}
			nobodyLeft(t)
		})
	}
}

// TestHeldExit: Go's Server.Shutdown gives a connection on which nothing was ever sent
// five seconds, and closes an idle one at once.
func TestHeldExit(t *testing.T) {
	for _, c := range []struct {
		kind   string
		status result.Status
		says   string // in the story; "" if there is none
	}{
		{scenario.Silent, result.Warned, "2 silent connections probably delayed the exit"},
		{scenario.Idle, result.Satisfied, ""},
	} {
		t.Run(c.kind, func(t *testing.T) {
			s := quick()
			s.Load.Parked, s.Disruption.Grace = []scenario.Park{{Kind: c.kind, Count: 2}}, scenario.Seconds(10)
			h, subject := judgeAs(t, result.Pass, s, command("drains"))
			if got := statusOf(subject, check.ExitsInGrace); subject.Verdict != result.Pass || got != c.status {
				t.Errorf("%s, %s: %q; error %q", subject.Verdict, got, subject.Story, h.Error)
			}
			if story := strings.Join(subject.Story, " "); !strings.Contains(story, c.says) || c.says == "" && strings.Contains(story, "delayed") {
				t.Errorf("story %q, want %q", subject.Story, c.says)
			}
			if parked := subject.Details[0].Parked; len(parked) != 1 || parked[0] != (result.Parked{Kind: c.kind, Asked: 2, Held: 2, Clean: 2}) {
				t.Errorf("parked: %+v", parked)
			}
			nobodyLeft(t)
		})
	}
}

// TestRedirectsAreNotFollowed: they could lead to another server. One that answers at
// once may be met at work by the signal, or not.
func TestRedirectsAreNotFollowed(t *testing.T) {
	h, subject := judge(t, quick(), command("redirects elsewhere"))
	if subject.Verdict == result.Fail || h.Error != "" || len(h.Requests) == 0 {
		t.Errorf("%s, %d requests, error %q", subject.Verdict, len(h.Requests), h.Error)
	}
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Outcome == history.Completed && r.Status/100 != 3 {
			t.Fatalf("request %d was answered %d", r.Seq, r.Status)
		}
	}
	nobodyLeft(t)
}

// TestTargets: the same server is told to stop in three ways, through a wrapper
// that passes nothing on.
func TestTargets(t *testing.T) {
	for _, c := range []struct {
		target  string
		verdict result.Verdict
		status  result.Status
	}{
		{scenario.Leader, result.Fail, result.Violated},
		{scenario.Group, result.Pass, result.Satisfied},
		{scenario.Owner, result.Fail, result.Satisfied}, // the shell reports what became of its child: 0, and lives
	} {
		t.Run(c.target, func(t *testing.T) {
			s := quick()
			s.Disruption.Target = c.target
			subject := command("drains")
			subject.Spec.Command = []string{"/bin/sh", "-c", os.Args[0] + "; exit 0"}
			h, judged := judge(t, s, subject)
			if got := statusOf(judged, check.SignalDelivered); got != c.status {
				t.Errorf("signal-delivered %s, want %s: %+v", got, c.status, h.Delivery)
			}
			if c.target == scenario.Leader && (len(h.Delivery.Deaf) != 1 || len(h.Left.Processes) != 1 || !h.Left.PortTaken) {
				t.Errorf("deaf %+v, left %+v", h.Delivery.Deaf, h.Left)
			}
			nobodyLeft(t)
		})
	}
}

func TestSequence(t *testing.T) {
	s := quick()
	s.Disruption.Signal = "SIGUSR1,50ms,SIGTERM"
	c := command("drains")
	h, _ := judge(t, s, c)
	if h.Signal.Name != "SIGUSR1" || !h.Signal.Sent {
		t.Errorf("signal %+v", h.Signal)
	}
	// Go does nothing about SIGUSR1 unless it is told to.
	if len(h.Signal.Again) != 1 || h.Signal.Again[0].Number != 15 || h.Exit.Code != 0 || !h.Exit.Seen {
		t.Errorf("exit %+v, again %+v", h.Exit, h.Signal.Again)
	}
	s.Disruption.Signal, s.Disruption.Grace = "SIGTERM,50ms,SIGQUIT", scenario.Seconds(2)
	h, _ = judge(t, s, command("ignores the signal"))
	if len(h.Signal.Again) != 1 || h.Signal.Again[0].Name != "SIGQUIT" || h.Signal.Again[0].At-h.Signal.Before < 50*time.Millisecond {
		t.Errorf("again %+v after %s", h.Signal.Again, h.Signal.Before)
	}
	if h.Exit.Killed {
		t.Error("SIGQUIT did not end it")
	}
	// Whoever is gone before the second one has not been asked about it.
	s.Disruption.Signal = "SIGTERM,1900ms,SIGTERM"
	h, subject := judge(t, s, command("drains"))
	if story := strings.Join(subject.Story, " "); len(h.Signal.Again) > 0 || subject.Verdict != result.Inconclusive || !strings.Contains(story, "SIGTERM, was never sent") {
		t.Errorf("again %+v, %s: %s", h.Signal.Again, subject.Verdict, story)
	}
}

// TestOperation: a command that does nothing harms nobody, and one that ends the
// server does.
func TestOperation(t *testing.T) {
	for _, c := range []struct {
		name    string
		while   []string
		verdict result.Verdict
		rule    string
		status  result.Status
	}{
		{"nothing", []string{"true"}, result.Pass, check.StaysUp, result.Satisfied},
		{"the end of the server", []string{"/bin/sh", "-c", "kill -TERM {pid}"}, result.Fail, check.StaysUp, result.Violated},
		{"a command that fails", []string{"/bin/sh", "-c", "echo no such host >&2; exit 3"}, result.Inconclusive, "", 0},
		{"a command that hangs", []string{"sleep", "60"}, result.Inconclusive, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := quick()
			s.Disruption.While, s.Disruption.Settle, s.Disruption.Grace = c.while, scenario.Millis(200), scenario.Millis(700)
			h, subject := judgeAs(t, c.verdict, s, command("drains"))
			if h.Operation == nil || h.Error != "" {
				t.Fatalf("operation %+v, error %q", h.Operation, h.Error)
			}
			if subject.Verdict != c.verdict || c.rule != "" && statusOf(subject, c.rule) != c.status {
				t.Errorf("%s: %q", subject.Verdict, subject.Story)
			}
			if _, ok := h.At(history.EventLoadPaused); ok {
				t.Error("the load paused")
			}
			nobodyLeft(t)
		})
	}
}

// TestRunningServerIsMeasuredAcrossACommand, and is not stopped.
func TestRunningServerIsMeasuredAcrossACommand(t *testing.T) {
	server, err := command("drains").Boot(t.Context(), filepath.Join(t.TempDir(), "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := quick()
	s.Disruption.While, s.Disruption.Settle = []string{"true"}, scenario.Millis(200)
	tested := subject.Running{Spec: scenario.Subject{URL: server.Endpoint().URL.String()}}
	h, judged := judgeAs(t, result.Pass, s, tested)
	if h.Error != "" || judged.Verdict != result.Pass || judged.Kind != "running" {
		t.Errorf("%s, error %q: %q", judged.Verdict, h.Error, judged.Story)
	}
	if !process.PortTaken(server.Endpoint().Address) {
		t.Error("the server is gone")
	}
	s.Disruption.While = nil
	if _, err := run.Run(t.Context(), run.Plan{Scenario: s, Subjects: []subject.Subject{tested}}); err == nil {
		t.Error("it could be told to stop")
	}
}

// TestLagEndsTheLoad: new requests stop when the balancer has learned.
func TestLagEndsTheLoad(t *testing.T) {
	s := quick()
	s.Disruption.Lag, s.Disruption.Grace = scenario.Millis(200), scenario.Millis(900)
	h, _ := judge(t, s, command("ignores the signal"))
	ended, ok := h.At(history.EventLoadEnded)
	if !ok {
		t.Fatal("no event says that the load ended")
	}
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Started > ended+50*time.Millisecond {
			t.Fatalf("request %d began at %s, the load ended at %s", i, r.Started, ended)
		}
	}
}

// TestReadinessIsPolled across the signal.
func TestReadinessIsPolled(t *testing.T) {
	c := command("drains")
	c.Spec.Ready = "/health"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	histories, err := run.Run(ctx, run.Plan{Scenario: quick(), Subjects: []subject.Subject{c}, PollReady: true})
	if err != nil {
		t.Fatal(err)
	}
	r := histories[0].Readiness
	if r.Polls < 10 || r.Refused == 0 || r.Red != 0 {
		t.Errorf("readiness %+v, want polls that end in a refusal, and none red", r)
	}
}

// TestHTTPS: over TLS the same is seen, and what is not trusted is explained.
func TestHTTPS(t *testing.T) {
	trusted := httptest.NewTLSServer(http.NotFoundHandler())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: trusted.Certificate().Raw})
	trusted.Close()
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, behaviour, says string
		change                func(*scenario.Subject)
	}{
		{"a certificate that is trusted", "drains over https", "", func(s *scenario.Subject) { s.CA = ca }},
		{"any certificate", "drains over https", "", func(s *scenario.Subject) { s.Insecure = true }},
		{"a certificate that is not trusted", "drains over https", "--ca", func(*scenario.Subject) {}},
		{"a certificate that is not trusted, as the check finds", "drains over https", "--ca", func(s *scenario.Subject) { s.Ready = "/health" }},
		{"a server that speaks plain HTTP", "drains", "TLS", func(s *scenario.Subject) { s.Insecure = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			subject := command(c.behaviour)
			subject.Spec.URL = "https://127.0.0.1:{port}/"
			c.change(&subject.Spec)
			sc := quick() // few handshakes: under the race detector each takes its time
			sc.Load.Rate, sc.Load.Connections = 150, scenario.Reused
			h, s := judge(t, sc, subject)
			if c.says == "" {
				// Where the race detector slows the handshakes down, too few may be in
				// flight for a pass; nothing may be lost, but on a busy machine, where that
				// proves nothing.
				for try := 1; s.Verdict == result.Inconclusive && s.InFlight.Dropped > 0 && testrun.Again(t, try); try++ {
					t.Logf("inconclusive, once more: %q", s.Story)
					h, s = judge(t, sc, subject)
				}
				if h.Error != "" || s.Verdict == result.Fail || h.Counts().Completed == 0 || s.InFlight.Dropped > 0 {
					t.Errorf("%s, error %q: %q", s.Verdict, h.Error, s.Story)
				}
				return
			}
			if !strings.Contains(h.Error, c.says) || s.Verdict != result.Inconclusive {
				t.Errorf("%s, error %q, want one that says %q", s.Verdict, h.Error, c.says)
			}
		})
	}
}

// TestDeploymentsSuccessorIsLeftAlone: what a command starts beside a server that
// is not ours goes on after us, and may be the server from then on.
func TestDeploymentsSuccessorIsLeftAlone(t *testing.T) {
	server, err := command("drains").Boot(t.Context(), filepath.Join(t.TempDir(), "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	pidFile := filepath.Join(t.TempDir(), "pid")
	s := quick()
	s.Disruption.While = []string{"/bin/sh", "-c", "sleep 60 & echo $! >" + pidFile}
	s.Disruption.Settle = scenario.Millis(200)
	h, judged := judgeAs(t, result.Pass, s, subject.Running{Spec: scenario.Subject{URL: server.Endpoint().URL.String()}})
	if h.Error != "" || judged.Verdict != result.Pass {
		t.Errorf("%s, error %q: %q", judged.Verdict, h.Error, judged.Story)
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Errorf("what the command has started is gone: %v", err)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // it is ours to end: the test has started it
}

// TestSecretsAreNotKept in what is recorded and reported.
func TestSecretsAreNotKept(t *testing.T) {
	s := quick()
	c := command("drains")
	s.Subject.Env = map[string]string{"DATABASE_PASSWORD": "hunter2"}
	s.Load.Requests = []scenario.Target{{
		Method: "POST", URL: "/", Header: map[string]string{"Authorization": "Bearer topsecret"}, Body: "pin=1234",
	}}
	h, _ := judge(t, s, c)
	if h.Error != "" || h.Counts().Completed == 0 {
		t.Fatalf("error %q, %+v", h.Error, h.Counts())
	}
	text := fmt.Sprintf("%+v", h.Header)
	for _, secret := range []string{"hunter2", "topsecret", "1234"} {
		if strings.Contains(text, secret) {
			t.Errorf("the history keeps %q", secret)
		}
	}
	if !strings.Contains(text, "DATABASE_PASSWORD") || !strings.Contains(text, "Authorization") {
		t.Error("the history does not even keep the names")
	}
}

// TestWhatCannotBeMeantIsRefused before anything starts.
func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, field, says string
		subject           subject.Subject
		change            func(*scenario.Scenario)
	}{
		{"a PID that nobody knows", "disruption.while", "{pid}", subject.Running{Spec: scenario.Subject{URL: "http://127.0.0.1:1/"}}, func(s *scenario.Scenario) {
			s.Disruption.While = []string{"kill", "-HUP", "{pid}"}
		}},
		{"a last signal after SIGKILL", "disruption.signal", "raise the grace", command("drains"), func(s *scenario.Scenario) {
			s.Disruption.Signal, s.Disruption.Grace = "SIGTERM,3s,SIGTERM", scenario.Seconds(3)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := quick()
			c.change(&s)
			_, err := run.Run(t.Context(), run.Plan{Scenario: s, Subjects: []subject.Subject{c.subject}})
			invalid, ok := errors.AsType[*scenario.Invalid](err)
			if !ok || invalid.Field != c.field || !strings.Contains(invalid.Problem, c.says) {
				t.Errorf("error %v, want one about %s that says %q", err, c.field, c.says)
			}
		})
	}
}
