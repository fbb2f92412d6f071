package run_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// TestWithoutLoad: the signal finds a server that is just ready, or that is not,
// and the exit alone decides.
func TestWithoutLoad(t *testing.T) {
	for _, c := range []struct {
		behaviour, when string
		shutdowns       int // the first is looked at: of one alone the signal comes, by its seed, at the end of the span, long after it is ready
		verdict         result.Verdict
		rule            string
		status          result.Status
		says            string // in the story, "" if there is none
		ready           bool   // before the signal
	}{
		{"drains", scenario.Ready, 1, result.Pass, check.ExitStatus, result.Satisfied, "", true},
		{"handles no signal", scenario.Ready, 1, result.Pass, check.ExitStatus, result.Warned, "nothing in the process handles SIGTERM", true},
		{"ignores the signal", scenario.Ready, 1, result.Fail, check.ExitsInGrace, result.Violated, "was killed", true},
		{"leaves a worker", scenario.Ready, 1, result.Fail, check.NoSurvivors, result.Violated, "still ran", true},
		{"is slow to start", scenario.Started, 1, result.Pass, check.ExitStatus, result.Satisfied, "", true},
		{"is slow to start", scenario.Started, 4, result.Inconclusive, check.ExitStatus, result.Warned, "In every shutdown SIGTERM ended the process before it was ready", false},
		// The signal was taken, and forgotten (golang/go #20239 was of that kind).
		{"forgets an early signal", scenario.Started, 4, result.Fail, check.ExitsInGrace, result.Violated, "started all the same", false},
	} {
		t.Run(fmt.Sprintf("%s, %s, %d", c.behaviour, c.when, c.shutdowns), func(t *testing.T) {
			s := quick()
			s.Disruption.When, s.Shutdowns, s.Disruption.Grace = c.when, c.shutdowns, scenario.Millis(600)
			h, subject := judgeAs(t, c.verdict, s, command(c.behaviour))
			if subject.Verdict != c.verdict || statusOf(subject, c.rule) != c.status || h.Error != "" {
				t.Errorf("%s, %s %s: %q; error %q", subject.Verdict, c.rule, statusOf(subject, c.rule), subject.Story, h.Error)
			}
			story := strings.Join(subject.Story, " ")
			if !strings.Contains(story, c.says) || (story == "") != (c.says == "") {
				t.Errorf("story %q does not say %q", story, c.says)
			}
			if len(h.Requests) > 0 || h.Scheduled > 0 || !h.Exit.Seen {
				t.Errorf("%d requests of %d, exit %+v", len(h.Requests), h.Scheduled, h.Exit)
			}
			if at, ok := h.At(history.EventReady); (ok && at < h.Signal.Before) != c.ready {
				t.Errorf("ready at %s, %t, and the signal came at %s", at, ok, h.Signal.Before)
			}
			for _, rule := range []string{check.InFlightCompletes, check.LateRequestsAnswered, check.ClosesCleanly} {
				if status := statusOf(subject, rule); status != result.NotExercised {
					t.Errorf("rule %s: %s", rule, status)
				}
			}
			nobodyLeft(t)
		})
	}
}

// TestDeathBeforeTheSignal is no shutdown.
func TestDeathBeforeTheSignal(t *testing.T) {
	once := command("starts only once")
	once.Spec.Env[envOnce] = filepath.Join(t.TempDir(), "once")
	stuck := command("is ready only once")
	stuck.Spec.Env[envOnce], stuck.Spec.ReadyTimeout = filepath.Join(t.TempDir(), "once"), scenario.Millis(600)
	never := command("idles")
	never.Spec.ReadyTimeout = scenario.Millis(300)
	for _, c := range []struct {
		name, says, words string
		subject           subject.Command
		histories         int
	}{
		{"every time", "boot shop: it ended with exit status 4", "cannot open the store", command("dies before it is ready"), 1},
		{"but the first time", "gone before the signal: it ended with exit status 4", "cannot open the store again", once, 2},
		{"it is never ready again", "boot shop: it was not ready after 600ms", "", stuck, 2},
		{"it is never ready", "boot shop: it was not ready after 300ms", "", never, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := quick()
			s.Disruption.When, s.Shutdowns = scenario.Started, 2
			c.subject.Spec.Name = "shop"
			all := executed(t, s, c.subject)
			last := all[len(all)-1]
			if len(all) != c.histories || !strings.Contains(last.Error, c.says) || last.Signal.Sent {
				t.Errorf("%d histories, error %q, signal %+v", len(all), last.Error, last.Signal)
			}
			if c.words != "" && !slices.Contains(last.Stderr, c.words) {
				t.Errorf("its last words are %q", last.Stderr)
			}
			policy, _ := check.PolicyByName("default")
			if got := check.Judge(all, policy).Status; got != result.SuiteInconclusive {
				t.Errorf("it is %s", got)
			}
			nobodyLeft(t)
		})
	}
}

// TestTheInstantsCoverTheStart: how long a start takes is measured once, each
// shutdown has a part of twice that time to itself, and the seed decides where in
// it.
func TestTheInstantsCoverTheStart(t *testing.T) {
	s := quick()
	s.Disruption.When, s.Shutdowns = scenario.Started, 4
	slow, quicker := newSubject(t, "is slow to start"), newSubject(t, "drains")
	histories, err := run.Run(t.Context(), run.Plan{Scenario: s, Subjects: []subject.Subject{slow, quicker}, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	spans := make(map[string]time.Duration)
	for _, h := range histories {
		wantGone(t, h)
		name, span := h.Header.Subject, h.Header.Scenario.Load.Jitter.Duration
		if spans[name] == 0 {
			spans[name] = span
		}
		if span != spans[name] || span == 0 {
			t.Errorf("%s, shutdown %d: the span is %s, and was %s", name, h.Header.Shutdown, span, spans[name])
		}
		started, ok := h.At(history.EventStarted)
		// It comes no earlier than planned; how much later is up to the machine.
		if after := h.Signal.Before - started; !ok || after < time.Duration(h.Header.Shutdown-1)*span/4 {
			t.Errorf("%s, shutdown %d: the signal came %s after the start, %t", name, h.Header.Shutdown, after, ok)
		}
		if at, ok := h.At(history.EventReady); h.Header.Shutdown == s.Shutdowns && (!ok || at > h.Signal.Before) {
			t.Errorf("%s: it was ready at %s, %t, and the last signal came at %s", name, at, ok, h.Signal.Before)
		}
	}
	if len(histories) != 8 || spans["is-slow-to-start"] < 2*slowStart || spans["drains"] >= spans["is-slow-to-start"] {
		t.Errorf("%d histories, spans %v", len(histories), spans)
	}
}

// TestARehearsalCanBeInterrupted.
func TestARehearsalCanBeInterrupted(t *testing.T) {
	s := quick()
	s.Disruption.When = scenario.Started
	ctx, cancel := context.WithCancel(t.Context())
	plan := run.Plan{Scenario: s, Subjects: []subject.Subject{command("idles")}, Progress: func(run.Step) { cancel() }}
	histories, err := run.Run(ctx, plan)
	if !errors.Is(err, subject.ErrInterrupted) || len(histories) != 1 || !histories[0].Interrupted {
		t.Errorf("%d histories, error %v", len(histories), err)
	}
	nobodyLeft(t)
}

// TestWhenDoesNotGoWithEverything.
func TestWhenDoesNotGoWithEverything(t *testing.T) {
	running := subject.Running{Spec: scenario.Subject{URL: "http://127.0.0.1:9/", Name: "shop"}}
	for _, c := range []struct {
		name, when, says string
		change           func(*scenario.Scenario)
		subjects         []subject.Subject
	}{
		{"no such state", "booting", "must be one of loaded, ready, started", nil, nil},
		{"a command", scenario.Ready, "disruption.while has no effect", func(s *scenario.Scenario) { s.Disruption.While = []string{"true"} }, nil},
		{"a lag", scenario.Started, "disruption.lag has no effect", func(s *scenario.Scenario) { s.Disruption.Lag = scenario.Millis(100) }, nil},
		{"parked connections", scenario.Started, "load.parked has no effect", func(s *scenario.Scenario) {
			s.Load.Parked = []scenario.Park{{Kind: scenario.Silent, Count: 1}}
		}, nil},
		{"a budget for losses", scenario.Ready, "overrides.max-loss has no effect", func(s *scenario.Scenario) { s.Overrides.MaxLoss = 0.1 }, nil},
		{"whoever listens", scenario.Started, "no process may listen yet", func(s *scenario.Scenario) { s.Disruption.Target = scenario.Owner }, nil},
		{"a server that runs already", scenario.Started, "lastcall does not start shop, which runs already", nil, []subject.Subject{running}},
		{"a server that runs already and is ready", scenario.Ready, "lastcall does not start shop, which runs already", nil, []subject.Subject{running}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := quick()
			s.Disruption.When = c.when
			if c.change != nil {
				c.change(&s)
			}
			_, err := run.Run(t.Context(), run.Plan{Scenario: s, Subjects: c.subjects, Path: "/"})
			invalid, ok := errors.AsType[*scenario.Invalid](err)
			if !ok || invalid.Field != "disruption.when" || !strings.Contains(invalid.Problem, c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
	s := quick()
	s.Disruption.When = scenario.Loaded
	if err := scenario.Validate(scenario.Complete(s)); err != nil {
		t.Error(err)
	}
}

// TestParkedIsValidated.
func TestParkedIsValidated(t *testing.T) {
	socket := scenario.Park{Kind: scenario.WebSocket, URL: "/ws", Count: 1}
	with := func(change func(*scenario.Park)) []scenario.Park {
		changed := socket
		change(&changed)
		return []scenario.Park{socket, changed}
	}
	for _, c := range []struct {
		name, field, says string
		parked            []scenario.Park
	}{
		{"no such kind", "load.parked[1].kind", "must be one of silent, idle, websocket, events", with(func(p *scenario.Park) { p.Kind = "ws" })},
		{"none of them", "load.parked[1].count", "must be from 1 to 100", with(func(p *scenario.Park) { p.Count = 0 })},
		{"too many", "load.parked[1].count", "must be from 1 to 100", with(func(p *scenario.Park) { p.Count = 101 })},
		{"no url", "load.parked[1].url", "is missing", with(func(p *scenario.Park) { p.URL = "" })},
		{"another scheme", "load.parked[1].url", "must be as in http://", with(func(p *scenario.Park) { p.URL = "ws://127.0.0.1/ws" })},
		{"a silent one with a url", "load.parked[1].url", "leave it out", with(func(p *scenario.Park) { p.Kind = scenario.Silent })},
		{"another server", "load.parked[1]", "all requests go to one server", with(func(p *scenario.Park) { p.URL = "http://192.0.2.1/ws" })},
		{"too many entries", "load.parked", "must be at most 10", slices.Repeat([]scenario.Park{socket}, scenario.MaxParks+1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := quick()
			s.Load.Parked = c.parked
			_, err := run.Run(t.Context(), run.Plan{Scenario: s, Subjects: []subject.Subject{command("drains")}, Path: "/"})
			invalid, ok := errors.AsType[*scenario.Invalid](err)
			if !ok || invalid.Field != c.field || !strings.Contains(invalid.Problem, c.says) {
				t.Errorf("error %v, want one about %s that says %q", err, c.field, c.says)
			}
		})
	}
}
