package sweep

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/harness"
	"lastcall/harness/history"
)

// quick is a sweep of one shutdown, with twenty requests of each kind.
func quick(t *testing.T, behaviour string) Plan {
	t.Helper()
	s := harness.DefaultScenario()
	s.Shutdowns = 1
	s.Disruption.Grace = history.Seconds(3)
	return Plan{
		Plan:    harness.Plan{Scenario: s, Subjects: []harness.Subject{newSubject(t, behaviour)}, Path: "/", Seed: 1},
		Grid:    history.Grid{From: -time.Millisecond, To: time.Millisecond, Step: 200 * time.Microsecond},
		PerStep: 2,
	}
}

// sweepOnce runs a plan of one shutdown, which must come about.
func sweepOnce(t *testing.T, p Plan) *history.History {
	t.Helper()
	histories, err := Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	h := histories[0]
	if len(histories) != 1 || h.Error != "" || !h.Signal.Sent {
		t.Fatalf("%d histories, error %q, signal %+v", len(histories), h.Error, h.Signal)
	}
	if !errors.Is(syscall.Kill(h.PID, 0), syscall.ESRCH) {
		t.Errorf("process %d is still there", h.PID)
	}
	return h
}

// TestEveryRequestIsAccountedFor: of a server that serves on, every request is
// answered, and stands in its ledger, on whichever side of the signal it was sent.
func TestEveryRequestIsAccountedFor(t *testing.T) {
	p := quick(t, "serves on")
	h := sweepOnce(t, p)
	if c := h.Counts(); c.Total != 40 || c.Completed != 40 || h.Scheduled != 40 || h.Results != 40 {
		t.Errorf("%+v of %d scheduled", c, h.Scheduled)
	}
	entries := h.Ledger.Entries()
	var before, reused int
	last := time.Duration(0)
	for _, r := range h.Requests {
		if e := entries[r.Seq]; e.Received != 1 || e.Executed != 1 {
			t.Errorf("request %d: the ledger has %+v", r.Seq, e)
		}
		if r.Scheduled < last || r.Started < r.Scheduled || r.Sent < r.Started || r.End < r.Sent || r.Connected == 0 {
			t.Errorf("request %d has times that cannot be: %+v", r.Seq, r)
		}
		last = r.Scheduled
		if r.Sent < h.Signal.Before {
			before++
		} else if r.Sent < h.Signal.After {
			t.Errorf("request %d was sent while the signal was", r.Seq)
		}
		if r.Reused != r.Pooled || r.Reused && r.Connected > h.Requests[0].Started || !r.Reused && r.Connected < r.Started {
			t.Errorf("request %d is on the wrong kind of connection: %+v", r.Seq, r)
		}
		if r.Reused {
			reused++
		}
		if r.Port == 0 || !r.Written || r.BytesIn == 0 || r.Status != 200 {
			t.Errorf("request %d: %+v", r.Seq, r)
		}
	}
	if before != 20 || reused != 20 {
		t.Errorf("%d of 40 were sent before the signal, %d on kept-alive connections; want 20 of both", before, reused)
	}
}

// TestADeadServerIsMetInEveryWay: whoever comes after the end of a server is
// refused, or finds the connection closed.
func TestADeadServerIsMetInEveryWay(t *testing.T) {
	p := quick(t, "dies")
	p.Grid = history.Grid{From: -time.Millisecond, To: 100 * time.Millisecond, Step: 5 * time.Millisecond}
	h := sweepOnce(t, p)
	var closed, refused int
	for _, r := range h.Requests {
		switch {
		case r.Outcome == history.Pending:
			t.Errorf("request %d has no outcome", r.Seq)
		case r.Outcome != history.Refused:
		case r.Reused && r.Reason == history.DeadConnections && r.Stale == 1 && r.BytesOut == 0:
			closed++
		case !r.Reused && r.Reason == history.ConnectionRefused && r.BytesOut == 0:
			refused++
		}
	}
	if closed == 0 || refused == 0 {
		t.Errorf("%d found their connection closed, %d were refused: %+v", closed, refused, h.Counts())
	}
	if !h.Exit.Seen && h.Counts().Dropped > 0 {
		t.Error("the exit was not waited for")
	}
}

func TestAHandlerThatHangsIsCutOffByTheGrace(t *testing.T) {
	p := quick(t, "hangs")
	p.Scenario.Disruption.Grace = history.Millis(200)
	h := sweepOnce(t, p)
	for _, r := range h.Requests {
		if r.Outcome != history.Dropped || r.Cause != history.Closed && r.Cause != history.Reset {
			t.Errorf("request %d: %s, %s", r.Seq, r.Outcome, r.Cause)
		}
	}
}

func TestWhatCannotBeSweptIsSaid(t *testing.T) {
	for behaviour, want := range map[string]string{
		"answers 404":   "it was answered 404 Not Found: ask for something that is answered 2xx",
		"keeps nothing": "the server keeps no connection open: sweep --connections fresh only",
	} {
		t.Run(behaviour, func(t *testing.T) {
			histories, err := Run(t.Context(), quick(t, behaviour))
			if err != nil || len(histories) != 1 || !strings.Contains(histories[0].Error, want) {
				t.Fatalf("%v, %d histories; want one with %q", err, len(histories), want)
			}
		})
	}
	t.Run("fresh only", func(t *testing.T) {
		p := quick(t, "keeps nothing")
		p.Scenario.Load.Connections = history.Fresh
		if h := sweepOnce(t, p); h.Counts().Completed != 20 {
			t.Errorf("%+v", h.Counts())
		}
	})
}

func TestInterrupted(t *testing.T) {
	p := quick(t, "hangs")
	p.Scenario.Shutdowns = 5
	ctx, cancel := context.WithCancel(t.Context())
	p.Progress = func(s harness.Step) {
		if s.Doing == "reading" {
			cancel()
		}
	}
	histories, err := Run(ctx, p)
	if !errors.Is(err, harness.ErrInterrupted) || len(histories) != 1 || !histories[0].Interrupted {
		t.Fatalf("%v, %d histories", err, len(histories))
	}
	if !errors.Is(syscall.Kill(histories[0].PID, 0), syscall.ESRCH) {
		t.Error("the server is still there")
	}
}

func TestMistakesAreFoundBeforeAnythingStarts(t *testing.T) {
	for want, change := range map[string]func(*Plan){
		"sweep.step":        func(p *Plan) { p.Grid.Step = 0 },
		"sweep.from":        func(p *Plan) { p.Grid.From = p.Grid.To },
		"sweep.per-step":    func(p *Plan) { p.PerStep = 0 },
		"connections at":    func(p *Plan) { p.Grid.Step, p.PerStep = 10*time.Microsecond, 100 },
		"one subject":       func(p *Plan) { p.Subjects = nil },
		"disruption.signal": func(p *Plan) { p.Scenario.Disruption.Signal = "SIGTERM,1s,SIGTERM" },
		"disruption.while":  func(p *Plan) { p.Scenario.Disruption.While = []string{"true"} },
		"plain HTTP only":   func(p *Plan) { p.Scenario.Subject.URL = "https://127.0.0.1:{port}/" },
		"shutdowns":         func(p *Plan) { p.Scenario.Shutdowns = 0 },
	} {
		p := quick(t, "serves on")
		change(&p)
		if histories, err := Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), want) || histories != nil {
			t.Errorf("%v, want one that names %s", err, want)
		}
	}
}
