package run_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/testrun"
)

// quick returns a scenario whose shutdowns take half a second.
func quick() scenario.Scenario {
	s := scenario.Default()
	s.Shutdowns = 1
	s.Subject.Delay = scenario.Millis(60) // longer than a busy machine delays an answer
	s.Load.Rate, s.Load.WarmUp, s.Load.Jitter = 200, scenario.Millis(100), scenario.Millis(50)
	s.Disruption.Grace = scenario.Seconds(3)
	return s
}

func executed(t *testing.T, s scenario.Scenario, subjects ...subject.Subject) []*history.History {
	t.Helper()
	testrun.NotShort(t)
	histories, err := run.Run(t.Context(), run.Plan{Scenario: s, Subjects: subjects, Path: "/", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range histories {
		wantGone(t, h)
	}
	return histories
}

// wantGone asks that the subject's process does not exist any more.
func wantGone(t *testing.T, h *history.History) {
	t.Helper()
	if h.PID != 0 && !errors.Is(syscall.Kill(h.PID, 0), syscall.ESRCH) {
		t.Errorf("%s: process %d is still there", h.Header.Subject, h.PID)
	}
}

func TestShutdownIsSeenWhole(t *testing.T) {
	h := executed(t, quick(), newSubject(t, "drains"))[0]
	if h.Error != "" || h.Interrupted {
		t.Fatalf("error %q, interrupted %t", h.Error, h.Interrupted)
	}
	if !h.Signal.Sent || h.Signal.Name != "SIGTERM" || h.Signal.Number != 15 || h.Signal.After < h.Signal.Before {
		t.Errorf("signal %+v", h.Signal)
	}
	if !h.Exit.Seen || h.Exit.Code != 0 || h.Exit.Killed || h.Exit.At < h.Signal.After {
		t.Errorf("exit %+v after the signal at %s", h.Exit, h.Signal.After)
	}
	if n := h.Counts().Total; n != h.Scheduled || n != h.Results || n != len(h.Requests) || n == 0 {
		t.Errorf("%d scheduled, %d results, %d records, %d outcomes", h.Scheduled, h.Results, len(h.Requests), n)
	}
	if h.Counts().Refused == 0 {
		t.Error("no request met the dead server: the load ended too early")
	}
	var names []history.EventName
	for _, e := range h.Events {
		names = append(names, e.Name)
	}
	if !slices.IsSortedFunc(h.Events, func(a, b history.Event) int { return int(a.At - b.At) }) {
		t.Errorf("events are out of order: %v", h.Events)
	}
	for _, want := range []history.EventName{
		history.EventReady, history.EventLoad, history.EventSignal,
		history.EventFirstRefused, history.EventLastAnswer, history.EventExit,
	} {
		if !slices.Contains(names, want) {
			t.Errorf("no event %s among %v", want, names)
		}
	}
}

func TestSubjectsAreInterleavedAndPaired(t *testing.T) {
	s := quick()
	s.Shutdowns = 2
	histories := executed(t, s, newSubject(t, "drains"), newSubject(t, "drains too"))
	var order []string
	ids := make(map[string]bool)
	for _, h := range histories {
		order = append(order, fmt.Sprintf("%s %d", h.Header.Subject, h.Header.Shutdown))
		ids[fmt.Sprint(h.Header.Run, h.Header.Ordinal)] = true
	}
	order = slices.Compact(order) // on a busy machine one is tried again, at once
	if want := []string{"drains 1", "drains-too 1", "drains 2", "drains-too 2"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	if len(ids) != len(histories) {
		t.Errorf("%d shutdowns share %d prefixes of ids", len(histories), len(ids))
	}
}

func TestSubjectThatIgnoresTheSignalIsKilled(t *testing.T) {
	s := quick()
	s.Disruption.Grace = scenario.Millis(400)
	h := executed(t, s, newSubject(t, "ignores the signal"))[0]
	if !h.Exit.Killed || h.Exit.Signal != "SIGKILL" {
		t.Errorf("exit %+v, want killed", h.Exit)
	}
	if took := h.Exit.At - h.Signal.Before; took < s.Disruption.Grace.Duration {
		t.Errorf("it was killed after %s, before its grace of %s was over", took, s.Disruption.Grace)
	}
	if _, ok := h.At(history.EventKilled); !ok {
		t.Error("no event says that it was killed")
	}
	if !slices.Contains(h.Stderr, "never mind") {
		t.Errorf("its last words are %q", h.Stderr)
	}
}

// TestLoadOutlivesTheDrain: a server that serves on beyond the load's tail and then
// leaves by the clock is caught in the act.
func TestLoadOutlivesTheDrain(t *testing.T) {
	s := quick()
	s.Load.Tail = scenario.Millis(200)
	h := executed(t, s, newSubject(t, "leaves by the clock"))[0]
	lost, began := 0, map[bool]int{} // after the signal: within the tail or not
	for _, r := range h.Requests {
		after := r.Started - h.Signal.Before
		if after <= 0 || r.Started >= h.Exit.At {
			continue
		}
		began[after <= s.Load.Tail.Duration]++
		if r.Outcome == history.Dropped {
			lost++
		}
	}
	if began[true] < 20 || began[false] < 20 || began[false] > 150 {
		t.Errorf("%d requests began within the tail, and %d within the second after it", began[true], began[false])
	}
	if lost == 0 || h.Exit.Code != 0 || h.Exit.Killed {
		t.Errorf("%d were lost, exit %+v", lost, h.Exit)
	}
	if _, ok := h.At(history.EventLoadPaused); ok {
		t.Error("the load paused")
	}
}

// TestServerThatHangsPausesTheLoad asks that a server which answers nothing
// meets the caps, with nothing unsent.
func TestServerThatHangsPausesTheLoad(t *testing.T) {
	s := quick()
	s.Load.MaxOpen = 50
	s.Disruption.Grace, s.Load.Timeout = scenario.Millis(300), scenario.Seconds(2)
	h := executed(t, s, newSubject(t, "hangs"))[0]
	if _, ok := h.At(history.EventLoadPaused); !ok {
		t.Error("the load did not pause")
	}
	if c := h.Counts(); c.Unsent != 0 || c.Dropped == 0 || c.Total != h.Scheduled {
		t.Errorf("%+v of %d scheduled", c, h.Scheduled)
	}
}

func TestWhatCannotBeCarriedOutSaysWhy(t *testing.T) {
	for _, c := range []struct {
		behaviour string
		want      string // in the history's error
		words     string // among the last on stderr
	}{
		{"dies before it is ready", "exit status 4", "cannot open the store"},
		{"says nonsense", `"listening on somewhere" is not a ready line`, ""},
		{"crashes under load", "the subject was gone before the signal: it ended with exit status 7", "out of cheese"},
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			h := executed(t, quick(), newSubject(t, c.behaviour))[0]
			if !strings.Contains(h.Error, c.want) {
				t.Errorf("error %q does not say %q", h.Error, c.want)
			}
			if c.words != "" && !slices.Contains(h.Stderr, c.words) {
				t.Errorf("its last words are %q, want %q", h.Stderr, c.words)
			}
			if h.Signal.Sent {
				t.Error("a signal was sent")
			}
		})
	}
}

// TestInterruptEndsEverything interrupts at every stage of a shutdown.
func TestInterruptEndsEverything(t *testing.T) {
	for _, c := range []struct{ behaviour, stage string }{
		{"says nothing", "booting"},
		{"is never healthy", "booting"},
		{"drains", "loading"},
		{"ignores the signal", "draining"},
	} {
		t.Run(c.behaviour+", "+c.stage, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("enough")
			plan := run.Plan{Scenario: quick(), Subjects: []subject.Subject{newSubject(t, c.behaviour)}, Path: "/"}
			plan.Progress = func(s run.Step) {
				if s.Doing == c.stage { // a moment into the stage
					time.AfterFunc(30*time.Millisecond, func() { cancel(why) })
				}
			}
			histories, err := run.Run(ctx, plan)
			if !errors.Is(err, subject.ErrInterrupted) || !errors.Is(err, why) {
				t.Errorf("error %v, want an interruption and its cause", err)
			}
			if len(histories) != 1 || !histories[0].Interrupted {
				t.Fatalf("%d histories; the last must be marked as interrupted", len(histories))
			}
			h := histories[0]
			wantGone(t, h)
			if c := h.Counts(); c.Total != h.Scheduled {
				t.Errorf("%d of %d scheduled requests have an outcome", c.Total, h.Scheduled)
			}
		})
	}
}

func TestDoneCanEndTheRun(t *testing.T) {
	full := errors.New("disk full")
	s := quick()
	s.Shutdowns = 5
	histories, err := run.Run(t.Context(), run.Plan{
		Scenario: s, Subjects: []subject.Subject{newSubject(t, "drains")}, Path: "/",
		Done: func(*history.History) error { return full },
	})
	if !errors.Is(err, full) || len(histories) != 1 {
		t.Errorf("%d histories and error %v; want the first and %v", len(histories), err, full)
	}
}

func TestProgressTellsWhatIsDone(t *testing.T) {
	var steps []string
	_, err := run.Run(t.Context(), run.Plan{
		Scenario: quick(), Subjects: []subject.Subject{newSubject(t, "drains")}, Path: "/",
		Progress: func(s run.Step) {
			steps = append(steps, fmt.Sprintf("%s %d/%d %s %d/%d", s.Subject, s.Shutdown, s.Of, s.Doing, s.Finished, s.Total))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"drains 1/1 booting 0/1", "drains 1/1 loading 0/1", "drains 1/1 draining 0/1"}
	if tries := len(steps) / len(want); tries < 1 || tries > 3 || !slices.Equal(steps, slices.Repeat(want, tries)) { // on a busy machine it is tried again
		t.Errorf("steps %q, want %q", steps, want)
	}
}

func TestValidate(t *testing.T) {
	if err := scenario.Validate(scenario.Complete(scenario.Default())); err != nil {
		t.Fatalf("the default: %v", err)
	}
	for _, c := range []struct {
		name  string
		field string
		spoil func(*scenario.Scenario)
	}{
		{"no rate", "load.rate", func(s *scenario.Scenario) { s.Load.Rate = 0 }},
		{"a rate that no machine can send", "load.rate", func(s *scenario.Scenario) { s.Load.Rate = scenario.MaxRate + 1 }},
		{"more open than allowed", "load.rate", func(s *scenario.Scenario) { s.Subject.Delay = scenario.Seconds(8) }},
		{"no open requests allowed", "load.max-open", func(s *scenario.Scenario) { s.Load.MaxOpen = 0 }},
		{"no shutdown", "shutdowns", func(s *scenario.Scenario) { s.Shutdowns = 0 }},
		{"negative delay", "subject.delay", func(s *scenario.Scenario) { s.Subject.Delay = scenario.Millis(-1) }},
		{"negative tail", "load.tail", func(s *scenario.Scenario) { s.Load.Tail = scenario.Millis(-1) }},
		{"negative jitter", "load.jitter", func(s *scenario.Scenario) { s.Load.Jitter = scenario.Millis(-1) }},
		{"a negative grace", "disruption.grace", func(s *scenario.Scenario) { s.Disruption.Grace = scenario.Millis(-1) }},
		{"every request would hang", "load.timeout", func(s *scenario.Scenario) { s.Load.Timeout = s.Subject.Delay }},
		{"an unknown method", "load.method", func(s *scenario.Scenario) { s.Load.Method = "BREW" }},
		{"unknown connections", "load.connections", func(s *scenario.Scenario) { s.Load.Connections = "some" }},
		{"an unknown signal", "disruption.signal", func(s *scenario.Scenario) { s.Disruption.Signal = "SIGFOO" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scenario.Complete(scenario.Default())
			c.spoil(&s)
			err := scenario.Validate(s)
			invalid, ok := errors.AsType[*scenario.Invalid](err)
			if !ok || invalid.Field != c.field {
				t.Errorf("error %v, want one about %s", err, c.field)
			}
			if _, err := run.Run(t.Context(), run.Plan{Scenario: s}); err == nil {
				t.Error("Run accepts it")
			}
		})
	}
}

func TestCompleteNamesTheSignal(t *testing.T) {
	for given, want := range map[string]string{"term": "SIGTERM", "TERM": "SIGTERM", "SIGINT": "SIGINT", "nonsense": "nonsense"} {
		s := scenario.Default()
		s.Disruption.Signal = given
		if got := scenario.Complete(s).Disruption.Signal; got != want {
			t.Errorf("signal %q is completed to %q, want %q", given, got, want)
		}
	}
}

func TestCompleteFollowsTheGrace(t *testing.T) {
	s := scenario.Default()
	s.Disruption.Grace = scenario.Seconds(30)
	if got := scenario.Complete(s).Load.Timeout; got != scenario.Seconds(35) {
		t.Errorf("timeout %s, want grace and 5s", got)
	}
	s.Load.Timeout = scenario.Seconds(1)
	if got := scenario.Complete(s).Load.Timeout; got != scenario.Seconds(1) {
		t.Errorf("timeout %s, want the one given", got)
	}
}

// TestSickServerIsNotJudged asks that a server which fails without being told
// to stop gets no verdict about how it stops.
func TestSickServerIsNotJudged(t *testing.T) {
	policy, ok := check.PolicyByName("default")
	if !ok {
		t.Fatal("no default policy")
	}
	suite := check.Judge(executed(t, quick(), newSubject(t, "answers 500")), policy)
	if s := suite.Subjects[0]; s.Verdict != result.Inconclusive || !strings.Contains(strings.Join(s.Story, " "), "every request was answered 500") {
		t.Errorf("%s: %q", s.Verdict, s.Story)
	}
}
