package targets

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// stays stands for an exit that does not come by itself.
const stays = "stays"

// fates says, for each strategy, what becomes of a request that is in flight as
// SIGTERM comes, and how the process ends.
var fates = map[string]struct{ reply, exit string }{
	"naive":                {"cut", "SIGTERM"},
	"with-cancel-detached": {"200", "0"},
	"with-cancel":          {"503", "0"},
	"with-cancel-return":   {"200", "0"}, // which is empty: TestReturningAnswersNothing
	"signal-notify":        {"200", "0"},
	"early-exit":           {"cut", "0"},
	"fatal-serve":          {"cut", "1"},
	"unbuffered-notify":    {"200", stays},
	"ignores-term":         {"200", stays},
	"notify-context":       {"200", "0"},
	"cancelled-shutdown":   {"cut", "1"},
	"second-term-kills":    {"200", "0"}, // its bug takes a second signal
	"store-first":          {"200", "0"}, // its bug takes a request that needs the store
	"ack-then-lose":        {"200", "0"}, // an acknowledged order
	"hijack-forgotten":     {"200", "0"}, // a websocket
	"silent-holds":         {"200", "0"}, // a silent connection
	"with-timeout":         {"200", "0"},
	"with-deadline":        {"200", "0"},
	"short-timeout":        {"cut", "1"},
	"close":                {"cut", "0"},
	"drain":                {"200", "0"},
	"handoff":              {"200", "0"},
}

func TestARequestInFlight(t *testing.T) {
	t.Parallel()
	for _, strategy := range All() {
		t.Run(strategy.Name, func(t *testing.T) {
			t.Parallel()
			want, ok := fates[strategy.Name]
			if !ok {
				t.Fatal("nothing is known of it: add it to fates")
			}
			if !strategy.Faulty && want != fates["signal-notify"] {
				t.Errorf("a right strategy with the fate %v", want)
			}
			s := boot(t, strategy.Name)
			answered := s.inFlight(http.MethodGet, "/work?delay=300ms", "r-1-1", "")
			s.signal(syscall.SIGTERM)
			if got := <-answered; got.String() != want.reply {
				t.Errorf("the request in flight: %s (%v), want %s", got, got.err, want.reply)
			}
			if want.exit != stays {
				if got := s.exit(); got != want.exit {
					t.Errorf("exit %s, want %s", got, want.exit)
				}
				return
			}
			if !s.stays(500*time.Millisecond) || s.ask(http.MethodGet, "/work", "", "").String() != "200" {
				t.Error("it stopped: it must not know of the signal")
			}
		})
	}
}

// TestEveryStrategyStopsOnInterrupt asks what a developer expects of Ctrl-C.
func TestEveryStrategyStopsOnInterrupt(t *testing.T) {
	t.Parallel()
	for _, strategy := range All() {
		if strategy.Name == "unbuffered-notify" {
			continue // it hears of no signal at all
		}
		t.Run(strategy.Name, func(t *testing.T) {
			t.Parallel()
			s := boot(t, strategy.Name)
			s.signal(os.Interrupt)
			want := map[string]string{"naive": "SIGINT", "fatal-serve": "1"}[strategy.Name]
			if want == "" {
				want = "0"
			}
			if strategy.Name == "cancelled-shutdown" { // with nobody in flight Shutdown may not look at its context
				want = "0 or 1"
			}
			if got := s.exit(); !strings.Contains(want, got) {
				t.Errorf("exit %s, want %s", got, want)
			}
		})
	}
}

// TestReturningAnswersNothing: a handler that returns when its context ends has
// net/http answer for it, with success and without a word.
func TestReturningAnswersNothing(t *testing.T) {
	t.Parallel()
	s := boot(t, "with-cancel-return")
	if whole := s.ask(http.MethodGet, "/work?delay=1ms", "r-1-1", ""); whole.String() != "200" || whole.body == "" {
		t.Errorf("before the signal: %s, %q", whole, whole.body)
	}
	answered := s.inFlight(http.MethodGet, "/work?delay=300ms", "r-1-2", "")
	s.signal(syscall.SIGTERM)
	if got := <-answered; got.String() != "200" || got.body != "" {
		t.Errorf("in flight: %s (%v), %q; want 200 and nothing", got, got.err, got.body)
	}
	s.exit()
}

// TestAnOrderInFlight asks that the answer is the truth about the row.
func TestAnOrderInFlight(t *testing.T) {
	t.Parallel()
	for _, strategy := range All() {
		t.Run(strategy.Name, func(t *testing.T) {
			t.Parallel()
			want := map[string]string{"200": "201", "503": "503", "cut": "cut"}[fates[strategy.Name].reply]
			switch strategy.Name {
			case "store-first":
				want = "500"
			case "with-cancel-return":
				want = "200"
			}
			s := boot(t, strategy.Name)
			answered := s.inFlight(http.MethodPost, "/orders?delay=300ms", "r-1-1", `{"item":"stout"}`)
			s.signal(syscall.SIGTERM)
			if got := <-answered; got.String() != want {
				t.Errorf("the order in flight: %s (%v), want %s", got, got.err, want)
			}
			if fates[strategy.Name].exit == stays {
				s.signal(os.Kill)
			}
			s.exit()
			rows, executed := storedRows(t, s.path("orders.db")), s.facts("r-1-1")
			if want == "201" {
				if !slices.Equal(rows, []string{"r-1-1"}) || !slices.Contains(executed, "executed") {
					t.Errorf("acknowledged; the store has %v, the ledger %v", rows, executed)
				}
			} else if len(rows) > 0 || slices.Contains(executed, "executed") {
				t.Errorf("not acknowledged; the store has %v, the ledger %v", rows, executed)
			}
		})
	}
}

// TestAcknowledgedOrders lets another process hold the store's lock, so that
// what is acknowledged cannot be written until the drain has begun.
func TestAcknowledgedOrders(t *testing.T) {
	t.Parallel()
	const orders = 20
	for _, strategy := range All() {
		lost := map[string]string{"naive": "SIGTERM", "ack-then-lose": "0", "early-exit": "0", "fatal-serve": "1"}
		wantExit, loses := lost[strategy.Name]
		if strategy.Faulty && !loses {
			continue // its bug is another one
		}
		t.Run(strategy.Name, func(t *testing.T) {
			t.Parallel()
			s := boot(t, strategy.Name)
			unlock := lockStore(t, s.path("orders.db"))
			acknowledged := s.acknowledge(orders)
			s.signal(syscall.SIGTERM)
			if loses {
				if got := s.exit(); got != wantExit {
					t.Errorf("exit %s, want %s", got, wantExit)
				}
				unlock()
				if rows := storedRows(t, s.path("orders.db")); len(rows) > 0 {
					t.Errorf("%d orders were saved: the bug is gone", len(rows))
				}
				return
			}
			s.refuses()
			if !s.stays(50 * time.Millisecond) {
				t.Error("it exits with a queue that nobody has written")
			}
			unlock()
			if got := s.exit(); got != "0" {
				t.Errorf("exit %s, want 0", got)
			}
			if rows := storedRows(t, s.path("orders.db")); !slices.Equal(rows, acknowledged) {
				t.Errorf("acknowledged %v, stored %v", acknowledged, rows)
			}
			for _, id := range acknowledged {
				if facts := s.facts(id); !slices.Contains(facts, "executed") {
					t.Errorf("%s: the ledger says %v", id, facts)
				}
			}
		})
	}
}

// acknowledge posts orders until so many were answered with 202, and returns
// their ids.
func (s *server) acknowledge(orders int) (ids []string) {
	s.t.Helper()
	for n := range orders {
		id := fmt.Sprintf("r-1-%d", n)
		if got := s.ask(http.MethodPost, "/async", id, `{"item":"stout"}`); got.status != http.StatusAccepted {
			s.t.Fatalf("/async: %s (%v), want 202", got, got.err)
		}
		ids = append(ids, id)
	}
	return ids
}

// TestStoreFirstLosesTheQueue asks that the loss is at least said.
func TestStoreFirstLosesTheQueue(t *testing.T) {
	t.Parallel()
	s := boot(t, "store-first")
	unlock := lockStore(t, s.path("orders.db"))
	s.acknowledge(3)
	s.signal(syscall.SIGTERM)
	s.refuses() // the store was closed before the listener
	unlock()
	if got := s.exit(); got != "1" || !strings.Contains(s.read("stderr"), "3 acknowledged orders are lost: the store is closed") {
		t.Errorf("exit %s; want 1, and how many orders are lost", got)
	}
	if rows := storedRows(t, s.path("orders.db")); len(rows) > 0 {
		t.Errorf("rows %q: the bug is gone", rows)
	}
}

// TestLongLived asks what becomes of a websocket and of an event stream.
func TestLongLived(t *testing.T) {
	t.Parallel()
	for _, strategy := range All() {
		if strategy.Faulty && strategy.Name != "hijack-forgotten" && strategy.Name != "naive" {
			continue // its bug is another one
		}
		t.Run(strategy.Name, func(t *testing.T) {
			t.Parallel()
			wantCode, wantEvents := websocket.StatusGoingAway, "200"
			switch strategy.Name {
			case "naive":
				wantCode, wantEvents = -1, "cut" // -1: no close frame, which a browser calls 1006
			case "hijack-forgotten":
				wantCode = -1
			}
			s := boot(t, strategy.Name)
			events := s.inFlight(http.MethodGet, "/events?every=10ms", "r-1-1", "")
			conn := s.dial()
			s.signal(syscall.SIGTERM)
			_, _, err := conn.Read(t.Context())
			if got := websocket.CloseStatus(err); got != wantCode {
				t.Errorf("the websocket ends with %v (%v), want %v", got, err, wantCode)
			}
			got := <-events
			if got.String() != wantEvents || wantEvents == "200" && !strings.HasSuffix(got.body, "event: bye\ndata: {}\n\n") {
				t.Errorf("the event stream: %s (%v), ends with %.60q", got, got.err, got.body[max(0, len(got.body)-60):])
			}
			if exit := s.exit(); exit != fates[strategy.Name].exit {
				t.Errorf("exit %s, want %s", exit, fates[strategy.Name].exit)
			}
		})
	}
}

// dial opens a websocket and sees it echo.
func (s *server) dial() *websocket.Conn {
	s.t.Helper()
	conn, resp, err := websocket.Dial(s.t.Context(), "ws://"+s.addr+"/ws", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	if resp.Header.Get("X-Lastcall-Pid") == "" {
		s.t.Error("the answer to the handshake has no PID")
	}
	if err := conn.Write(s.t.Context(), websocket.MessageText, []byte("cheers")); err != nil {
		s.t.Fatal(err)
	}
	if _, echo, err := conn.Read(s.t.Context()); err != nil || string(echo) != "cheers" {
		s.t.Fatalf("echo %q, %v", echo, err)
	}
	return conn
}

// TestASilentConnection asks how long somebody who never says a word can keep a
// server from stopping.
func TestASilentConnection(t *testing.T) {
	t.Parallel()
	for _, strategy := range All() {
		if strategy.Faulty && strategy.Name != "silent-holds" {
			continue // its bug is another one
		}
		t.Run(strategy.Name, func(t *testing.T) {
			t.Parallel()
			s := boot(t, strategy.Name)
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			// An answer to a later connection: the silent one was accepted before.
			if got := s.ask(http.MethodGet, "/", "", ""); got.status != http.StatusOK {
				t.Fatal(got.err)
			}
			signalled := time.Now()
			s.signal(syscall.SIGTERM)
			if got := s.exit(); got != "0" {
				t.Errorf("exit %s, want 0", got)
			}
			took := time.Since(signalled)
			if holds := took > 4*time.Second; holds != strategy.Faulty {
				t.Errorf("it took %s to exit", took)
			}
		})
	}
}

func TestASecondSignal(t *testing.T) {
	t.Parallel()
	for _, strategy := range All() {
		if strategy.Faulty && strategy.Name != "second-term-kills" {
			continue // its bug is another one
		}
		t.Run(strategy.Name, func(t *testing.T) {
			t.Parallel()
			wantReply, wantExit := "200", "0"
			if strategy.Faulty {
				wantReply, wantExit = "cut", "SIGTERM"
			}
			s := boot(t, strategy.Name)
			answered := s.inFlight(http.MethodGet, "/work?delay=1500ms", "r-1-1", "")
			s.signal(syscall.SIGTERM)
			s.refuses() // it has begun to drain
			s.signal(syscall.SIGTERM)
			if got := <-answered; got.String() != wantReply {
				t.Errorf("the request in flight: %s (%v), want %s", got, got.err, wantReply)
			}
			if got := s.exit(); got != wantExit {
				t.Errorf("exit %s, want %s", got, wantExit)
			}
		})
	}
}

// TestABoundedDrain has a request that takes longer than anybody waits.
func TestABoundedDrain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		least, most time.Duration
	}{
		{"with-timeout", 8 * time.Second, 10 * time.Second},
		{"with-deadline", 8 * time.Second, 10 * time.Second},
		{"short-timeout", 50 * time.Millisecond, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := boot(t, c.name)
			answered := s.inFlight(http.MethodGet, "/work?delay=1m", "r-1-1", "")
			acknowledged := s.acknowledge(5)
			signalled := time.Now()
			s.signal(syscall.SIGTERM)
			if got := <-answered; got.String() != "cut" {
				t.Errorf("the request in flight: %s, want it cut", got)
			}
			if got := s.exit(); got != "1" || !strings.Contains(s.read("stderr"), "deadline exceeded") {
				t.Errorf("exit %s, want 1 and the reason", got)
			}
			if took := time.Since(signalled); took < c.least || took > c.most {
				t.Errorf("it took %s to exit, want %s to %s", took, c.least, c.most)
			}
			if rows := storedRows(t, s.path("orders.db")); !slices.Equal(rows, acknowledged) {
				t.Errorf("acknowledged %v, stored %v", acknowledged, rows)
			}
		})
	}
}

// TestDrainServesOn looks at the time between the signal and the close of the
// listener.
func TestDrainServesOn(t *testing.T) {
	t.Parallel()
	s := boot(t, "drain", EnvLag+"=500ms")
	if got := s.ask(http.MethodGet, "/health", "", ""); got.String() != "200" {
		t.Fatalf("ready: %s", got)
	}
	signalled := time.Now()
	s.signal(syscall.SIGTERM)
	s.until("a red readiness check", func() bool { return s.ask(http.MethodGet, "/health", "", "").String() == "503" })
	for range 5 {
		if got := s.ask(http.MethodPost, "/orders", "", `{"item":"stout"}`); got.String() != "201" {
			t.Errorf("during the lag: %s (%v)", got, got.err)
		}
	}
	s.refuses()
	if lag := time.Since(signalled); lag < time.Second { // 500 ms and the margin
		t.Errorf("the listener closed %s after the signal", lag)
	}
	if got := s.exit(); got != "0" {
		t.Errorf("exit %s, want 0", got)
	}
	if rows := storedRows(t, s.path("orders.db")); len(rows) != 5 {
		t.Errorf("%d rows, want 5", len(rows))
	}
}
