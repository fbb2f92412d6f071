package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/internal/highlight"
)

// patience bounds every wait on a condition.
const patience = 20 * time.Second

// script is a stage that does what a test says, and remembers what it was told.
type script struct {
	mu   sync.Mutex // the server's handlers write, the test reads
	told []string
	err  error // that it answers with
}

func (s *script) Strategies() []Strategy {
	return []Strategy{
		{Name: "naive", Summary: "does nothing", Faulty: true, Source: []highlight.Piece{{Kind: "comment", Text: "// <b>"}, {Text: "code"}}},
		{Name: "signal-notify"},
		{Name: "drain"},
		{Name: "early-exit"},
	}
}

func (s *script) note(what string) error {
	s.mu.Lock() // handlers run side by side
	defer s.mu.Unlock()
	s.told = append(s.told, what)
	return s.err
}

func (s *script) Apply(settings Settings) error { return s.note("apply " + settings.Panels[0]) }
func (s *script) Deploy() error                 { return s.note("deploy") }
func (s *script) Send(signal string) error      { return s.note("send " + signal) }

func (s *script) takeTold() []string {
	s.mu.Lock() // handlers run side by side
	defer s.mu.Unlock()
	told := s.told
	s.told = nil
	return told
}

// site is a page that is served.
type site struct {
	stage  *script
	board  *Board
	server *Server
	base   string // its URL, without the key
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteAt(t, "127.0.0.1:0")
}

func newSiteAt(t *testing.T, addr string) *site {
	t.Helper()
	texts, err := LoadTexts(DefaultLanguage)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{stage: &script{}, board: NewBoard(texts), base: "http://" + ln.Addr().String()}
	s.board.Reset(Opening())
	s.server = NewServer(s.stage, s.board, texts, ln)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s
}

// ask sends a request. Headers are "Name: value"; Host is one of them.
func (s *site) ask(t *testing.T, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, s.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func (s *site) key() string { return keyHeader + ": " + s.server.key }

// TestOnlyTheMenuIsServed asks that nothing is started that was not on it.
func TestOnlyTheMenuIsServed(t *testing.T) {
	s := newSite(t)
	change := func(edit func(*Settings)) string {
		settings := Opening()
		edit(&settings)
		text, _ := json.Marshal(settings)
		return string(text)
	}
	for _, c := range []struct {
		name, path, body string
		want             int
		says             string
	}{
		{"a strategy that is none", "/settings", change(func(x *Settings) { x.Panels = []string{"/bin/sh"} }), 422, "not a strategy"},
		{"one twice", "/settings", change(func(x *Settings) { x.Panels = []string{"naive", "naive"} }), 422, "twice"},
		{"too many", "/settings", change(func(x *Settings) { x.Panels = []string{"naive", "drain", "signal-notify", "early-exit"} }), 422, "1 to 3"},
		{"none", "/settings", change(func(x *Settings) { x.Panels = nil }), 422, "1 to 3"},
		{"a rate that is not listed", "/settings", change(func(x *Settings) { x.Rate = 1_000_000 }), 422, "rate"},
		{"a negative delay", "/settings", change(func(x *Settings) { x.Delay = -1 }), 422, "delay"},
		{"more waiting than there is room for", "/settings", change(func(x *Settings) { x.Rate, x.Delay = 1000, 1000 }), 422, "at most 600"},
		{"an unknown lane", "/settings", change(func(x *Settings) { x.Connections = "none" }), 422, "connections"},
		{"an unknown request", "/settings", change(func(x *Settings) { x.Request = "http://evil.example" }), 422, "request"},
		{"a grace for ever", "/settings", change(func(x *Settings) { x.Grace = 1 << 30 }), 422, "grace"},
		{"a lag beyond the grace", "/settings", change(func(x *Settings) { x.Lag, x.Grace = 2000, 1000 }), 422, "less than grace"},
		{"a signal that is not offered", "/settings", change(func(x *Settings) { x.Signal = "SIGSTOP" }), 422, "signal"},
		{"a step that is none", "/settings", change(func(x *Settings) { x.Step = 8 }), 422, "step"},
		{"an unknown field", "/settings", `{"command":"rm"}`, 400, "unknown field"},
		{"two objects", "/settings", change(func(*Settings) {}) + "{}", 400, "something after"},
		{"no JSON", "/settings", "rate=1", 400, "invalid"},
		{"far too much", "/settings", `{"panels":["` + strings.Repeat("x", maxBody) + `"]}`, 400, "too large"},
		{"an extra signal that is not offered", "/signal", `{"signal":"SIGSTOP"}`, 422, "one of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := s.ask(t, "POST", c.path, c.body, s.key())
			text, _ := io.ReadAll(answer.Body)
			if answer.StatusCode != c.want || !strings.Contains(string(text), c.says) {
				t.Errorf("%d %s, want %d and %q", answer.StatusCode, text, c.want, c.says)
			}
			if told := s.stage.takeTold(); len(told) > 0 {
				t.Errorf("the stage was told %v", told)
			}
		})
	}
	for i, step := range Tour() {
		if err := step.Validate(s.stage.Strategies()); err != nil && !strings.Contains(err.Error(), "not a strategy") {
			t.Errorf("step %d: %v", i+1, err)
		}
	}
	s.stage.err = fmt.Errorf("%w: it is too early", ErrNotNow)
	if answer := s.ask(t, "POST", "/signal", `{"signal":"SIGKILL"}`, s.key()); answer.StatusCode != http.StatusConflict {
		t.Errorf("too early is %d", answer.StatusCode)
	}
	if told := s.stage.takeTold(); !slices.Equal(told, []string{"send SIGKILL"}) {
		t.Errorf("the stage was told %v", told)
	}
}

// TestPage asks that the page and all its parts are there, and that nothing in
// them leads elsewhere.
func TestPage(t *testing.T) {
	s := newSite(t)
	for _, path := range append([]string{"", "source/naive"}, assets()...) {
		answer := s.ask(t, "GET", "/"+path, "", s.key())
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK || len(text) == 0 {
			t.Errorf("/%s: %d, %d bytes, %v", path, answer.StatusCode, len(text), err)
		}
		elsewhere := strings.ReplaceAll(string(text), "http://www.w3.org/2000/svg", "") // a name, not an address
		if strings.Contains(elsewhere, "://") || strings.Contains(elsewhere, "style=") {
			t.Errorf("/%s leads elsewhere, or has a style in it", path)
		}
	}
	if answer := s.ask(t, "GET", "/source/none", "", s.key()); answer.StatusCode != http.StatusNotFound {
		t.Errorf("the source of nothing: %d", answer.StatusCode)
	}
}

// event is one server-sent event.
type event struct{ name, data string }

// listen returns the events that the server sends.
func (s *site) listen(t *testing.T) func() event {
	t.Helper()
	answer := s.ask(t, "GET", "/events", "", s.key())
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%d, %s", answer.StatusCode, kind)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	return func() (e event) {
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch {
			case name == "event":
				e.name = value
			case name == "data":
				e.data = value
			case lines.Text() == "" && e.name != "":
				return e
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return e
	}
}

// TestEvents asks that a viewer gets the state first, and then what happens.
func TestEvents(t *testing.T) {
	s := newSite(t)
	base := time.Now()
	s.board.SetPhase(0, Serving)
	next := s.listen(t)
	first := next()
	var now struct {
		Ready  bool
		Panels []struct{ Strategy, Phase string }
	}
	if err := json.Unmarshal([]byte(first.data), &now); err != nil || first.name != "state" || !now.Ready || now.Panels[0].Phase != "serving" {
		t.Fatalf("%+v: %v", first, err)
	}
	s.board.Request(0, base, history.Request{Seq: 7, Started: time.Millisecond})
	s.board.Request(0, base, history.Request{Seq: 7, Started: time.Millisecond, End: 3 * time.Millisecond, Outcome: history.Dropped})
	s.board.Event(0, base, history.Event{Name: history.EventSignal, At: 2 * time.Millisecond})
	for {
		e := next()
		var f frame
		if err := json.Unmarshal([]byte(e.data), &f); err != nil || e.name != "frame" {
			t.Fatalf("%+v: %v", e, err)
		}
		p := f.Panels[0]
		if len(p.Begun) == 0 {
			continue
		}
		if len(p.Begun) != 2 || p.Begun[0] != 7 || len(p.Ended) != 4 || p.Ended[2]-p.Ended[1] < 1.9 || p.Ended[3] != 5 {
			t.Errorf("begun %v, ended %v", p.Begun, p.Ended)
		}
		if p.Counts.Lost != 1 || p.Counts.Open != 0 || len(p.Marks) != 1 || p.Marks[0].Name != history.EventSignal {
			t.Errorf("counts %+v, marks %v", p.Counts, p.Marks)
		}
		return
	}
}
