package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// orderTaker is a server that takes orders, and is asked for them afterwards. Its
// store has the port in its name.
func orderTaker(t *testing.T, behaviour string) subject.Command {
	t.Helper()
	c := command(behaviour)
	store := filepath.Join(t.TempDir(), "orders-{port}")
	c.Spec.Env[envStore] = store
	c.Spec.Applied = []string{"cat", store}
	return c
}

// ordering is a quick scenario whose orders carry their ids in their bodies.
func ordering() scenario.Scenario {
	s := quick()
	s.Load.Requests = []scenario.Target{{Method: "POST", URL: "/orders", Body: "{id}"}}
	return s
}

// TestWhatWasAcknowledgedIsLookedFor: by the store, and by the ledger alone.
func TestWhatWasAcknowledgedIsLookedFor(t *testing.T) {
	for _, c := range []struct {
		behaviour string
		byLedger  bool
		verdict   result.Verdict
		lost      result.Status
		twice     result.Status
	}{
		{"orders", false, result.Pass, result.Satisfied, result.Satisfied},
		{"orders", true, result.Pass, result.Satisfied, result.Satisfied},
		{"orders, done later, and lost", false, result.Fail, result.Violated, result.Satisfied},
		{"orders, done later, and lost", true, result.Fail, result.Violated, result.Satisfied},
		{"orders, done later, and flushed", false, result.Pass, result.Satisfied, result.Satisfied},
		{"orders, done later, and flushed", true, result.Pass, result.Satisfied, result.Satisfied},
		{"orders, every tenth twice", false, result.Fail, result.Satisfied, result.Violated},
		{"orders, every tenth twice", true, result.Fail, result.Satisfied, result.Violated},
		{"orders, never saying executed", false, result.Pass, result.Satisfied, result.Satisfied},
		{"orders, never saying executed", true, result.Pass, result.NotExercised, result.NotExercised},
	} {
		name := c.behaviour + ", by its store"
		if c.byLedger {
			name = c.behaviour + ", by its ledger"
		}
		t.Run(name, func(t *testing.T) {
			subject := orderTaker(t, c.behaviour)
			if c.byLedger {
				subject.Spec.Applied = nil
			}
			h, s := judgeAs(t, c.verdict, ordering(), subject)
			if h.Error != "" || s.Verdict != c.verdict || statusOf(s, check.NoLostAck) != c.lost || statusOf(s, check.NoDuplicate) != c.twice {
				t.Fatalf("%s, error %q, %s and %s: %q", s.Verdict, h.Error, statusOf(s, check.NoLostAck), statusOf(s, check.NoDuplicate), s.Story)
			}
			wantCounted(t, c.behaviour, c.byLedger, h, s)
			nobodyLeft(t)
		})
	}
}

// wantCounted holds the counts to what the server did.
func wantCounted(t *testing.T, behaviour string, byLedger bool, h *history.History, s result.Subject) {
	t.Helper()
	done := h.Counts().Completed
	if a := h.Applied; a.Looked == byLedger || a.Asked() == byLedger || a.Foreign+a.Strange != 0 {
		t.Errorf("looked %t, foreign %d, strange %d", a.Looked, a.Foreign, a.Strange)
	}
	switch behaviour {
	case "orders, done later, and lost":
		// What came as the writer had gone, and not all the rest.
		if s.Ledger.LostAcks == 0 || s.Ledger.LostAcks > done/2 {
			t.Errorf("%d of %d are lost", s.Ledger.LostAcks, done)
		}
	case "orders, every tenth twice":
		if s.Ledger.Duplicates < done/12 || s.Ledger.Duplicates > done/8 {
			t.Errorf("%d of %d are done twice", s.Ledger.Duplicates, done)
		}
	default:
		if s.Ledger.LostAcks+s.Ledger.Duplicates != 0 {
			t.Errorf("%+v", s.Ledger)
		}
	}
}

// TestStrategyIsAskedForItsStore, which it finds by the environment.
func TestStrategyIsAskedForItsStore(t *testing.T) {
	for behaviour, want := range map[string]result.Verdict{"orders": result.Pass, "orders, done later, and lost": result.Fail} {
		subject := newSubject(t, behaviour)
		subject.Store, subject.Applied = envStore, []string{"cat", "{store}"}
		subject.Supervisor = []string{os.Args[0], "supervise"}
		s := ordering()
		s.Shutdowns = 2 // each with a store of its own
		for _, h := range executed(t, s, subject) {
			if a := h.Applied; !a.Looked || a.Foreign != 0 || len(a.Lines) == 0 {
				t.Errorf("%s: %+v, error %q", behaviour, a, h.Error)
			}
		}
		if _, judged := judgeAs(t, want, ordering(), subject); judged.Verdict != want {
			t.Errorf("%s: %s, %q", behaviour, judged.Verdict, judged.Story)
		}
	}
}

// TestLookupThatFails makes the shutdown inconclusive, and says why with the
// command's own words.
func TestLookupThatFails(t *testing.T) {
	late := filepath.Join(t.TempDir(), "late")
	for _, c := range []struct {
		name    string
		applied []string
		says    string
	}{
		{"an exit code", []string{"sh", "-c", "echo one >&2; echo no such table >&2; exit 3"}, `ended with exit code 3: one; no such table`},
		{"a signal", []string{"sh", "-c", "kill -9 $$"}, "was ended by SIGKILL"},
		{"it hangs", []string{"sh", "-c", "echo waiting for the lock >&2; sleep 60"}, "was still running after 900 ms, the grace period: waiting for the lock"},
		{"it hangs, deaf, and prints", []string{"sh", "-c", "trap '' TERM; while :; do echo x; sleep 0.01; done"}, "was still running after 900 ms"},
		{"nonsense", []string{"echo", "(0 rows)"}, `printed 1 line, and no id among them: it must print ids only, one a line; the first is "(0 rows)"`},
		{"nonsense that is no text", []string{"printf", `\377\033[2J`}, `the first is "?\x1b[2J"`},
		{"more than it may", []string{"yes", "0a1b2c3d-1-1"}, "printed more than 64 MiB"},
		{"more than it may, in one line", []string{"sh", "-c", "yes | tr -d '\\n'"}, "printed more than 64 MiB"},
		{"it can be started no more", []string{late}, "cannot be started: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(late, []byte("#!/no/such/interpreter\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			s := ordering()
			s.Disruption.Grace = scenario.Millis(900)
			if strings.HasPrefix(c.name, "more than it may") { // under the race detector that takes its time to read
				s.Disruption.Grace = scenario.Seconds(30)
			}
			subject := orderTaker(t, "orders")
			subject.Spec.Applied = c.applied
			h, judged := judge(t, s, subject)
			if h.Error != "" || judged.Verdict != result.Inconclusive || judged.ShutdownsIntact != 1 {
				t.Errorf("%s, %d intact, error %q: %q", judged.Verdict, judged.ShutdownsIntact, h.Error, judged.Story)
			}
			if said := strings.Join(judged.Story, " "); !strings.Contains(said, c.says) {
				t.Errorf("it is said that %q, want %q", said, c.says)
			}
			if statusOf(judged, check.NoLostAck) != result.NotExercised || len(h.Applied.Lines) > 0 {
				t.Errorf("no-lost-ack is %s, by %d ids", statusOf(judged, check.NoLostAck), len(h.Applied.Lines))
			}
			nobodyLeft(t)
		})
	}
}

// TestLookupSortsWhatItReads: ids of others are counted, nonsense is counted,
// and so is what was never sent. Blank lines and spaces mean nothing, and the
// last line need not end. Sixty megabytes are not too much.
func TestLookupSortsWhatItReads(t *testing.T) {
	subject := orderTaker(t, "orders")
	store := subject.Spec.Applied[1]
	script := `printf ' id\n-----\n\n'; sed 's/^/ /; s/$/ /' "$0"; first=$(grep -v -e -0- "$0" | head -1)
echo "$first" | sed 's/[0-9]*$/4000000000/'; yes 0123abcd-1-7 | head -c 59999992; printf "%s" "$first"`
	subject.Spec.Applied = []string{"sh", "-c", script, store}
	sc := ordering()
	sc.Disruption.Grace = scenario.Seconds(30) // under the race detector so much takes its time to read
	h, s := judgeAs(t, result.Fail, sc, subject)
	// The first is there twice by now.
	if h.Error != "" || !h.Applied.Looked || s.Verdict != result.Fail || statusOf(s, check.NoDuplicate) != result.Violated || statusOf(s, check.NoLostAck) != result.Satisfied {
		t.Fatalf("%s, error %q: %q", s.Verdict, h.Error, s.Story)
	}
	a := h.Applied
	if foreign := 59_999_992/len("0123abcd-1-7\n") + 1; a.Foreign != foreign || a.Strange != 2 || a.Sample != "id" {
		t.Errorf("%d foreign, %d strange, the first %q", a.Foreign, a.Strange, a.Sample)
	}
	if n := len(a.Lines); n != h.Counts().Completed+1 || a.Lines[0] != a.Lines[n-1] {
		t.Errorf("%d ids, the first %d and the last %d, of %d completed", n, a.Lines[0], a.Lines[n-1], h.Counts().Completed)
	}
}

// TestLookupSeesTheSubjectsSurroundings: where it was, who it was, and what it
// was told.
func TestLookupSeesTheSubjectsSurroundings(t *testing.T) {
	dir := t.TempDir()
	subject := orderTaker(t, "orders")
	subject.Spec.Dir, subject.Spec.Env["DATABASE"] = dir, "shop-{port}"
	subject.Spec.Applied = []string{
		"sh", "-c", `printf '%s\n' "$PORT" "$LASTCALL_LEDGER" "$DATABASE" "$1" "$2" > said; pwd -P >> said; test -s "$LASTCALL_LEDGER" && cat "$0"`,
		subject.Spec.Applied[1], "{port}", "{pid}",
	}
	h, s := judgeAs(t, result.Pass, ordering(), subject)
	if s.Verdict != result.Pass {
		t.Fatalf("%s: %q", s.Verdict, s.Story)
	}
	text, err := os.ReadFile(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Split(strings.TrimSpace(string(text)), "\n")
	_, port, _ := strings.Cut(h.Addr, ":")
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{port, said[1], "shop-" + port, port, fmt.Sprint(h.PID), real}; !slices.Equal(said, want) || filepath.Base(said[1]) != "ledger" {
		t.Errorf("it saw %q, want %q", said, want)
	}
}

// TestLookupEndsWithItsOwnChildren: a child that holds its output is no reason to
// wait.
func TestLookupEndsWithItsOwnChildren(t *testing.T) {
	subject := orderTaker(t, "orders")
	subject.Spec.Applied = []string{"sh", "-c", `sleep 60 & cat "$0"`, subject.Spec.Applied[1]}
	began := time.Now()
	if _, s := judgeAs(t, result.Pass, ordering(), subject); s.Verdict != result.Pass {
		t.Errorf("%s: %q", s.Verdict, s.Story)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	nobodyLeft(t)
}

// TestLookupDuringAnOperation comes while the server lives, for it may be who is
// asked; else when nobody of it does.
func TestLookupDuringAnOperation(t *testing.T) {
	for _, c := range []struct {
		name  string
		while []string
		lives string // what the lookup demands of the server's process
	}{
		{"an operation", []string{"true"}, `kill -0 "$1"`},
		{"a stop", nil, `! kill -0 "$1" 2>/dev/null`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := ordering()
			s.Disruption.While, s.Disruption.Settle = c.while, scenario.Millis(150)
			subject := orderTaker(t, "orders")
			subject.Spec.Applied = []string{"sh", "-c", c.lives + ` && cat "$0"`, subject.Spec.Applied[1], "{pid}"}
			h, judged := judgeAs(t, result.Pass, s, subject)
			if judged.Verdict != result.Pass || statusOf(judged, check.NoLostAck) != result.Satisfied {
				t.Errorf("%s, %q: %q", judged.Verdict, h.Applied.Error, judged.Story)
			}
		})
	}
}

// TestLookupThatCannotBeRunIsRefused before anything starts.
func TestLookupThatCannotBeRunIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, says string
		spoil      func(*subject.Command)
	}{
		{"not found", "is not found in PATH", func(c *subject.Command) { c.Spec.Applied = []string{"no-such-program-here", "x"} }},
		{"no such file", "does not exist", func(c *subject.Command) { c.Spec.Applied = []string{"./no-such-file"} }},
		{"no supervisor", "subject.Supervise", func(c *subject.Command) { c.Supervisor = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tested := orderTaker(t, "orders")
			c.spoil(&tested)
			for _, s := range []subject.Subject{
				tested,
				subject.Running(tested),
				subject.Strategy{Label: "x", Applied: tested.Spec.Applied, Supervisor: tested.Supervisor},
			} {
				s, booted := s, false
				sc := quick()
				if running, ok := s.(subject.Running); ok {
					running.Spec.URL = "http://127.0.0.1:1/"
					s, sc.Disruption.While = running, []string{"true"}
				}
				_, err := run.Run(t.Context(), run.Plan{
					Scenario: sc, Subjects: []subject.Subject{s}, Progress: func(run.Step) { booted = true },
				})
				invalid, ok := errors.AsType[*scenario.Invalid](err)
				if !ok || invalid.Field != "subject.applied" || !strings.Contains(invalid.Problem, c.says) || booted {
					t.Errorf("%T: error %v, booted %t; want one about subject.applied that says %q", s, err, booted, c.says)
				}
			}
		})
	}
}

// TestInterruptEndsALookup, and nobody is left.
func TestInterruptEndsALookup(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	tested := orderTaker(t, "orders")
	tested.Spec.Applied = []string{"sleep", "60"}
	plan := run.Plan{Scenario: ordering(), Subjects: []subject.Subject{tested}}
	plan.Progress = func(s run.Step) {
		if s.Doing == "looking up" { // a moment into it
			time.AfterFunc(30*time.Millisecond, func() { cancel(errors.New("enough")) })
		}
	}
	histories, err := run.Run(ctx, plan)
	if !errors.Is(err, subject.ErrInterrupted) || len(histories) != 1 || !histories[0].Interrupted || histories[0].Applied.Looked {
		t.Errorf("error %v, %d histories", err, len(histories))
	}
	nobodyLeft(t)
}

// TestIDsAreTheLedgers: what a history says an id is, is what was sent.
func TestIDsAreTheLedgers(t *testing.T) {
	h := history.History{Header: history.Header{Run: "0a1b2c3d", Ordinal: 7}}
	if got, want := h.ID(12), ledger.ID("0a1b2c3d", 7, 12); got != want {
		t.Errorf("%q, the ledger says %q", got, want)
	}
}

// TestIDStandsInEveryKindOfRequest: a path, a header, a body, a body's file, and
// a file of requests; and the braces survive the reading of a URL.
func TestIDStandsInEveryKindOfRequest(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"body.txt": "{id}", "more.txt": "POST http://127.0.0.1:{port}/a/{id}/%7Bid%7D?b={id}\nX-Order: {id}\n@body.txt\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := quick()
	s.Load.Requests = []scenario.Target{
		{Method: "POST", URL: "/orders/{id}?again={id}", Header: map[string]string{"X-Order": "{id}"}, Body: "{id}\n"},
		{Method: "POST", URL: "http://127.0.0.1:{port}/orders", BodyFile: filepath.Join(dir, "body.txt")},
	}
	s.Load.RequestsFile = filepath.Join(dir, "more.txt")
	subject := orderTaker(t, "orders, checking where the id stands")
	h, judged := judgeAs(t, result.Pass, s, subject)
	if h.Error != "" || judged.Verdict != result.Pass || statusOf(judged, check.NoLostAck) != result.Satisfied {
		t.Errorf("%s, error %q, stderr %q: %q", judged.Verdict, h.Error, h.Stderr, judged.Story)
	}
	if want := []string{"POST", "POST", "POST"}; !slices.Equal(h.Methods, want) {
		t.Errorf("methods %q", h.Methods)
	}
}
