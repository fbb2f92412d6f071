package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

func newTestBoard(t *testing.T, panels ...string) *Board {
	t.Helper()
	texts, err := LoadTexts(DefaultLanguage)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBoard(texts)
	settings := Opening()
	settings.Panels = panels
	b.Reset(settings)
	return b
}

// TestSlowViewer asks that somebody who does not read holds up nobody, and is told
// so by the end of the stream.
func TestSlowViewer(t *testing.T) {
	b := newTestBoard(t, "naive")
	slow, err := b.Watch()
	if err != nil {
		t.Fatal(err)
	}
	quick, err := b.Watch()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 * backlog { // it returns, whoever reads
		b.flush()
		for len(quick.messages) > 0 {
			<-quick.messages
		}
	}
	n := 0
	for range slow.messages { // which ends: it was dismissed
		n++
	}
	if n != backlog || len(b.hub.viewers) != 1 {
		t.Errorf("the slow one got %d messages of %d, and %d viewers are left", n, backlog, len(b.hub.viewers))
	}
	b.Leave(slow) // as its handler does: a second time does no harm
	b.Leave(quick)
	if len(b.hub.viewers) != 0 {
		t.Errorf("%d viewers are left", len(b.hub.viewers))
	}
}

func TestViewersAreBounded(t *testing.T) {
	s := newSite(t)
	for range maxViewers {
		if _, err := s.board.Watch(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.board.Watch(); !errors.Is(err, ErrFull) {
		t.Errorf("one too many: %v", err)
	}
	if answer := s.ask(t, "GET", "/events", "", s.key()); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one too many got %d", answer.StatusCode)
	}
}

// TestBusyFrame asks that a frame is bounded, whatever the rate, and says what it
// leaves out.
func TestBusyFrame(t *testing.T) {
	b := newTestBoard(t, "naive")
	base := time.Now()
	const n = 3 * mostSeen
	for i := range uint32(n) {
		b.Request(0, base, history.Request{Seq: i})
	}
	b.SetMissed(0, 5)
	f := b.panels[0].flush()
	if len(f.Begun) != 2*mostSeen || f.Missed != n-mostSeen+5 || f.Counts.Open != n {
		t.Errorf("%d of %d are in the frame, %d missed, %d open", len(f.Begun)/2, n, f.Missed, f.Counts.Open)
	}
	b.Request(0, base.Add(time.Second), history.Request{Seq: 0}) // of another process
	if f := b.panels[0].flush(); f.Run != 2 || f.Counts.Open != 1 || len(f.Begun) != 2 {
		t.Errorf("the frame of the next process is %+v", f)
	}
}

// lost is a deployment of two requests: one that was hung up on, one long before.
func lost() (*history.History, result.Subject) {
	h := &history.History{
		Signal: history.Signal{Sent: true, Before: time.Second, After: time.Second},
		Exit:   history.Exit{Seen: true, At: time.Second + time.Millisecond},
		Events: []history.Event{{Name: history.EventSignal, At: time.Second}},
		Requests: []history.Request{
			{Seq: 0, End: time.Millisecond, Outcome: history.Completed},
			{Seq: 1, Started: 950 * time.Millisecond, Sent: 950 * time.Millisecond, Written: true, End: 1001 * time.Millisecond, Outcome: history.Dropped, Cause: history.Closed},
		},
	}
	h.Header.Scenario.Subject.Delay = scenario.Millis(100)
	s := result.Subject{
		Name: "naive", Verdict: result.Fail, ShutdownsIntact: 1, AtRisk: 1,
		InFlight: history.Counts{Total: 1, Dropped: 1}, Story: []string{"<script>"},
		Findings: []result.Finding{{Rule: "in-flight-completes", Status: result.Violated}, {Rule: "exit-status", Status: result.Satisfied}},
		Exits:    []result.Exit{{Code: -1, Signal: "SIGTERM", Count: 1}},
	}
	return h, s
}

// TestDeployment asks that what came of it is announced once all are judged, and
// that whoever comes later finds it, and its picture.
func TestDeployment(t *testing.T) {
	b := newTestBoard(t, "naive", "drain")
	for i := range b.panels {
		if b.Ready() {
			t.Errorf("ready with %d servers", i)
		}
		b.SetPhase(i, Serving)
	}
	if !b.Ready() || len(b.Stopping()) != 0 {
		t.Fatalf("not ready, or stopping already: %v", b.Stopping())
	}
	b.Deploying()
	if b.Ready() || len(b.Stopping()) != 2 {
		t.Errorf("ready %t, stopping %v", b.Ready(), b.Stopping())
	}
	h, s := lost()
	b.Deployed(0, h, s)
	if b.announced != "" {
		t.Errorf("announced %q before all were judged", b.announced)
	}
	s.Name, s.InFlight = "drain", history.Counts{Total: 2, Completed: 2}
	b.Deployed(1, h, s)
	if want := "1 person was waiting. naive dropped that request. 2 people were waiting. drain completed all of them."; b.announced != want {
		t.Errorf("announced %q, want %q", b.announced, want)
	}
	v, err := b.Watch()
	if err != nil {
		t.Fatal(err)
	}
	state, picture := <-v.messages, <-v.messages
	if !bytes.Contains(state, []byte(`"broken":["in-flight-completes"]`)) || bytes.Contains(state, []byte("<script>")) {
		t.Errorf("state %s", state)
	}
	var p struct{ Rows [][4]float64 }
	text := strings.TrimPrefix(string(picture), "event: picture\ndata: ")
	if err := json.Unmarshal([]byte(text), &p); err != nil || len(p.Rows) != 1 || p.Rows[0] != [4]float64{-50, 1, 5, 1} {
		t.Errorf("picture %s: %v", picture, err)
	}
	if want := "So far, in 1 deployment: 1 of 1 waiting or late requests were not completed (1 dropped, 0 rejected)."; b.tallies[0].Sentence != want {
		t.Errorf("tallies %+v", b.tallies)
	}
	b.Deploying()
	if b.panels[0].Result != nil || b.panels[0].picture != nil {
		t.Error("the next deployment begins with the result of the last")
	}
}

func TestSentences(t *testing.T) {
	texts, err := LoadTexts(DefaultLanguage)
	if err != nil {
		t.Fatal(err)
	}
	count := func(completed, rejected, dropped int) history.Counts {
		return history.Counts{Total: completed + rejected + dropped, Completed: completed, Rejected: rejected, Dropped: dropped}
	}
	for _, c := range []struct {
		want string
		s    result.Subject
		lag  int
	}{
		{"No request was waiting.", result.Subject{}, 0},
		{"47 people were waiting. naive dropped all of them.", result.Subject{InFlight: count(0, 0, 47)}, 0},
		{"1 person was waiting. naive completed that request.", result.Subject{InFlight: count(1, 0, 0)}, 0},
		{"2 people were waiting. naive rejected all of them.", result.Subject{InFlight: count(0, 2, 0)}, 0},
		{
			"4 people were waiting. naive completed 1, rejected 1 and dropped 2. 3 late requests were dropped.",
			result.Subject{InFlight: count(1, 1, 2), Late: count(9, 0, 3)},
			0,
		},
		{"1 person was waiting. naive completed that request. 5 later requests were refused.", result.Subject{InFlight: count(1, 0, 0), Late: history.Counts{Refused: 5}}, 2000},
		{"1 person was waiting. naive completed that request.", result.Subject{InFlight: count(1, 0, 0), Late: history.Counts{Refused: 5}}, 0},
		{"2 people were waiting. naive completed all of their requests, and 1,200 late ones.", result.Subject{InFlight: count(2, 0, 0), Late: count(1200, 0, 0)}, 2000},
		{"2 people were waiting. naive completed all of them.", result.Subject{InFlight: count(2, 0, 0), Late: count(9, 0, 0)}, 0},
		{"2 people were waiting. naive dropped all of them. 1 late request was completed.", result.Subject{InFlight: count(0, 0, 2), Late: count(1, 0, 0)}, 500},
		{"1 person was waiting. naive completed that request. 2 orders that were confirmed do not exist.", result.Subject{InFlight: count(1, 0, 0), Ledger: result.Ledger{LostAcks: 2}}, 0},
		{"1 person was waiting. naive completed that request. At the end of its grace period it was killed.", result.Subject{InFlight: count(1, 0, 0), Exits: []result.Exit{{Killed: true}}}, 0},
	} {
		c.s.Name, c.s.ShutdownsIntact = "naive", 1
		if got := texts.tell(c.s, Settings{Lag: c.lag}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := texts.tell(result.Subject{Name: "naive"}, Settings{}); got != texts.Say("told.unjudged") {
		t.Errorf("of what was not judged it says %q", got)
	}
}
