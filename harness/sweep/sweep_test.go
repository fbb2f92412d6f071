package sweep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// quick is a sweep of one shutdown with twenty requests for each kind of connections.
func quick(t *testing.T, behaviour string) Plan {
	t.Helper()
	s := scenario.Default()
	s.Shutdowns = 1
	s.Disruption.Grace = scenario.Seconds(3)
	return Plan{
		Plan:    run.Plan{Scenario: s, Subjects: []subject.Subject{newSubject(t, behaviour)}, Path: "/", Seed: 1},
		Grid:    Grid{From: -time.Millisecond, To: time.Millisecond, Step: 200 * time.Microsecond},
		PerStep: 2,
	}
}

// sweepBoth runs a plan of one shutdown with each kind of connections, which must
// come about.
func sweepBoth(t *testing.T, p Plan) (onReused, onFresh *history.History) {
	t.Helper()
	histories, err := Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(histories) != 2 {
		t.Fatalf("%d histories", len(histories))
	}
	for _, h := range histories {
		wantDone(t, h)
	}
	return histories[0], histories[1]
}

func wantDone(t *testing.T, h *history.History) {
	t.Helper()
	if h.Error != "" || !h.Signal.Sent {
		t.Fatalf("error %q, signal %+v", h.Error, h.Signal)
	}
	if !errors.Is(syscall.Kill(h.PID, 0), syscall.ESRCH) {
		t.Errorf("process %d is still there", h.PID)
	}
}

// TestEveryRequestIsAccountedFor: of a server that serves on, every request is
// answered, and stands in its ledger, on whichever side of the signal it was sent.
func TestEveryRequestIsAccountedFor(t *testing.T) {
	onReused, onFresh := sweepBoth(t, quick(t, "serves on"))
	for _, h := range []*history.History{onReused, onFresh} {
		// On a busy machine some are skipped, and the others count all the same.
		if c, sent := h.Counts(), 20-h.Sweep.Skipped; c.Total != sent || c.Completed != sent || h.Scheduled != 20 || h.Results != sent {
			t.Errorf("%+v of %d scheduled, %d skipped", c, h.Scheduled, h.Sweep.Skipped)
		}
		wantTimes(t, h, h == onReused)
		entries := h.Ledger.Entries()
		for _, r := range h.Requests {
			if e := entries[r.Seq]; e.Received != 1 || e.Executed != 1 {
				t.Errorf("request %d: the ledger has %+v", r.Seq, e)
			}
			if r.Port == 0 || !r.Written || r.BytesIn == 0 || r.Status != 200 {
				t.Errorf("request %d: %+v", r.Seq, r)
			}
		}
	}
}

// TestConnectedAhead: requests on new connections can be written within a connect's time
// after the signal, because their connections are begun before it.
func TestConnectedAhead(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // the kernel connects without an accept
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	sd := &shutdown{plan: &Plan{Grid: Grid{Step: time.Hour}}, base: time.Now(), lane: fresh}
	for _, due := range []time.Duration{-300 * us, 0, 20 * us, 40 * us, 60 * us, 300 * us} {
		socket, err := openSocket(ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer socket.close()
		sd.shots = append(sd.shots, &shot{lane: fresh, due: due, socket: socket, method: "GET", request: []byte("GET")})
	}
	v := &volley{shutdown: sd, zero: time.Now().Add(10 * time.Millisecond)}
	v.connectAhead()
	begun := v.now()
	v.sendUntil(time.Second)
	for len(v.waiting) > 0 {
		v.poll()
	}
	for _, shot := range sd.shots {
		r := &shot.record
		if want := shot.due >= 0 && shot.due < connecting; shot.ahead != want {
			t.Errorf("of the request due at %s the connection was begun ahead: %t", shot.due, shot.ahead)
		}
		if !r.Written || r.Started < r.Scheduled || r.Connected < r.Started || r.Sent < r.Connected || r.Sent > begun && shot.due < 0 {
			t.Errorf("the request due at %s has times that cannot be: %+v", shot.due, r)
		}
	}
}

// wantTimes asks that the times of all requests can be, and that half of them were
// sent before the signal.
func wantTimes(t *testing.T, h *history.History, onReused bool) {
	t.Helper()
	before, last := 0, time.Duration(0)
	for _, r := range h.Requests {
		if r.Scheduled < last || r.Started < r.Scheduled || r.Sent < r.Started || r.End < r.Sent || r.Connected == 0 {
			t.Errorf("request %d has times that cannot be: %+v", r.Seq, r)
		}
		last = r.Scheduled
		if r.Sent < h.Signal.Before {
			before++
		} else if r.Sent < h.Signal.After {
			t.Errorf("request %d was sent while the signal was", r.Seq)
		}
		if h.Sweep.Written[r.Seq] < r.Sent || h.Sweep.Written[r.Seq] > r.End {
			t.Errorf("request %d was written at %s: %+v", r.Seq, h.Sweep.Written[r.Seq], r)
		}
		if n := int(r.Seq); n < len(h.Sweep.Stamped) && h.Sweep.Stamped[n] != 0 && (h.Sweep.Stamped[n] < r.Sent || h.Sweep.Stamped[n] > h.Sweep.Written[n]) {
			t.Errorf("request %d was stamped at %s, outside its call: %+v", r.Seq, h.Sweep.Stamped[n], r)
		}
		if r.Reused != onReused || r.Pooled != onReused || onReused != (r.Connected < h.Requests[0].Started) {
			t.Errorf("request %d is on the wrong kind of connection: %+v", r.Seq, r)
		}
	}
	if before > 10 || before < 10-h.Sweep.Skipped {
		t.Errorf("%d of 20 were sent before the signal, %d skipped", before, h.Sweep.Skipped)
	}
}

// TestADeadServerIsMetInEveryWay: whoever comes after the end of a server is
// refused, or finds the connection closed.
func TestADeadServerIsMetInEveryWay(t *testing.T) {
	p := quick(t, "dies")
	p.Grid = Grid{From: -time.Millisecond, To: 100 * time.Millisecond, Step: 5 * time.Millisecond}
	onReused, onFresh := sweepBoth(t, p)
	var closed, refused int
	for _, r := range slices.Concat(onReused.Requests, onFresh.Requests) {
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
		t.Errorf("%d found their connection closed, %d were refused", closed, refused)
	}
	if !onFresh.Exit.Seen && onFresh.Counts().Dropped > 0 {
		t.Error("the exit was not waited for")
	}
}

func TestAHandlerThatHangsIsCutOffByTheGrace(t *testing.T) {
	p := quick(t, "hangs")
	p.Scenario.Disruption.Grace = scenario.Millis(200)
	onReused, _ := sweepBoth(t, p)
	for _, r := range onReused.Requests {
		if r.Outcome != history.Dropped || r.Cause != history.Closed && r.Cause != history.Reset {
			t.Errorf("request %d: %s, %s", r.Seq, r.Outcome, r.Cause)
		}
	}
}

func TestWhatCannotBeSweptIsSaid(t *testing.T) {
	for behaviour, want := range map[string]string{
		"answers 404":   "it was answered 404 Not Found: use an endpoint that answers 2xx",
		"answers never": "the server was not warm within 300ms",
	} {
		t.Run(behaviour, func(t *testing.T) {
			p := quick(t, behaviour)
			p.Scenario.Load.Timeout = scenario.Millis(300)
			histories, err := Run(t.Context(), p)
			if err != nil || len(histories) == 0 || !strings.Contains(histories[0].Error, want) {
				t.Fatalf("%v, %d histories; want one with %q", err, len(histories), want)
			}
		})
	}
}

// TestWhoKeepsNoConnectionIsSweptWithFreshOnes: whoever asked for reused ones only
// learns it once, and whoever asked for both gets the others.
func TestWhoKeepsNoConnectionIsSweptWithFreshOnes(t *testing.T) {
	for connections, want := range map[scenario.Connections]struct {
		histories int
		word      string // of the first one's error, or of what was left out
	}{
		scenario.Fresh:  {2, ""},
		scenario.Mixed:  {2, "kept-alive connections are left out: the server keeps no connection open"},
		scenario.Reused: {1, "a request before the signal: the server keeps no connection open: sweep --connections fresh only"},
	} {
		p := quick(t, "keeps nothing")
		p.Scenario.Shutdowns, p.Scenario.Load.Connections = 2, connections
		var words string
		p.Warn = func(text string) { words += text }
		histories, err := Run(t.Context(), p)
		if err != nil || len(histories) != want.histories {
			t.Fatalf("%s: %d histories, %v", connections, len(histories), err)
		}
		for _, h := range histories {
			if words += h.Error; connections != scenario.Reused && h.Counts().Completed != 20-h.Sweep.Skipped {
				t.Errorf("%s: %+v, %d skipped, %s", connections, h.Counts(), h.Sweep.Skipped, h.Error)
			}
		}
		if words != want.word {
			t.Errorf("%s: %q, want %q", connections, words, want.word)
		}
	}
}

// TestTheTimeLimitEndsASweep: what was measured by then is there, and nobody is
// said to have interrupted it.
func TestTheTimeLimitEndsASweep(t *testing.T) {
	for _, done := range []int{0, 2} {
		p := quick(t, "serves on")
		p.Scenario.Shutdowns, p.Limit = 1000, time.Minute
		var words []string
		p.Warn = func(text string) { words = append(words, text) }
		r := &runner{plan: &p, id: "limit", dir: t.TempDir()}
		p.Scenario = scenario.Complete(p.Scenario)
		p.Progress = func(s run.Step) {
			if s.Shutdown > done { // the limit comes in the midst of this one
				r.end()
			}
		}
		if err := r.all(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("the time limit of 1m0s was reached (--limit): %d of 2000 shutdowns were carried out", done)
		if len(words) != 1 || words[0] != want {
			t.Errorf("%q, want %q", words, want)
		}
		if len(r.histories) != max(1, done) || r.histories[0].Interrupted || (r.histories[0].Error != "") != (done == 0) {
			t.Errorf("%d histories, the first with the error %q", len(r.histories), r.histories[0].Error)
		}
	}
}

func TestInterrupted(t *testing.T) {
	p := quick(t, "hangs")
	p.Scenario.Shutdowns = 5
	ctx, cancel := context.WithCancel(t.Context())
	p.Progress = func(s run.Step) {
		if s.Doing == "reading" {
			cancel()
		}
	}
	histories, err := Run(ctx, p)
	if !errors.Is(err, subject.ErrInterrupted) || len(histories) != 1 || !histories[0].Interrupted {
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
		"sweep.per-step":    func(p *Plan) { p.PerStep = -1 },
		"is NaN, must be":   func(p *Plan) { p.PerStep = math.NaN() },
		"sweep.limit":       func(p *Plan) { p.Limit = -1 },
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
