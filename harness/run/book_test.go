package run_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// marks counts lastcall's own marks in a ledger.
func marks(h *history.History) (n int) {
	for _, line := range h.Ledger.Lines {
		if line.Fact == history.SignalMarked {
			n++
		}
	}
	return n
}

// TestLedgerElsewhere: the mark stands in the file that the server writes, and in
// its order. The file is made if need be, and stays.
func TestLedgerElsewhere(t *testing.T) {
	dir := t.TempDir()
	subject := command("orders")
	subject.Spec.Ledger = filepath.Join(dir, "orders-{port}.ledger")
	subject.Spec.Env[ledger.EnvPath] = subject.Spec.Ledger // it does not take what lastcall proposes
	h, s := judgeAs(t, result.Pass, ordering(), subject)
	_, port, _ := strings.Cut(h.Addr, ":")
	path := filepath.Join(dir, "orders-"+port+".ledger")
	if h.Error != "" || s.Verdict != result.Pass || statusOf(s, check.NoLostAck) != result.Satisfied || h.Ledger.Path != path {
		t.Fatalf("%s, error %q, ledger %s: %q", s.Verdict, h.Error, h.Ledger.Path, s.Story)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(text), "\n- signal\n")
	if !ok || !strings.Contains(before, "received") || !strings.Contains(after, "answered") || strings.Contains(after, "- signal") {
		t.Errorf("the file holds %d bytes before the mark and %d after it", len(before), len(after))
	}
}

// TestWhatStoodInTheLedgerBefore does not count, not even a mark, and nothing of
// it is taken away. The second shutdown finds what the first has written.
func TestWhatStoodInTheLedgerBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	old := "0a1b2c3d-1-7 received\n0a1b2c3d-1-7 executed\n- signal\n0a1b2c3d-1-8 rece" // and its last line is torn
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	subject := command("orders")
	subject.Spec.Ledger = path
	s := ordering()
	s.Shutdowns = 2
	sent := 1 // the old mark, and one for each signal, those of every try included
	for _, h := range executed(t, s, subject) {
		l := h.Ledger
		sent++
		if h.Error != "" || l.Truncated || l.Foreign != 0 || l.Torn != 0 || marks(h) != 1 || len(l.Entries()) < 10 {
			t.Errorf("shutdown %d: error %q, %d marks, %d foreign, %d torn, truncated %t", h.Header.Shutdown, h.Error, marks(h), l.Foreign, l.Torn, l.Truncated)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), old) || strings.Count(string(text), "- signal\n") != sent {
		t.Errorf("%d marks, want %d: %v", strings.Count(string(text), "- signal\n"), sent, err)
	}
}

// TestSpoiltLedgers: what a server can do to its ledger, and what is said of it.
func TestSpoiltLedgers(t *testing.T) {
	for _, c := range []struct {
		name, behaviour string
		named           bool   // by the user: then it holds what others have written
		env             string // LASTCALL_LEDGER, if the server's own idea of it
		verdict         result.Verdict
		says            string // in the story, the warnings or the error
	}{
		{"a torn last line", "orders, and a torn line", false, "", result.Pass, "1 line of the ledger could not be read"},
		{"a torn last line, elsewhere", "orders, and a torn line", true, "", result.Pass, "1 line of the ledger could not be read"},
		{"begun anew by the server", "orders, beginning its ledger anew", true, "", result.Pass, ""},
		{"truncated", "orders, truncating its ledger", false, "", result.Inconclusive, "do not truncate it"},
		{"truncated, elsewhere", "orders, truncating its ledger", true, "", result.Inconclusive, "do not truncate it"},
		{"truncated, and gone on with", "orders, truncating its ledger and going on", false, "", result.Inconclusive, "do not truncate it"},
		{"truncated, and gone on with, elsewhere", "orders, truncating its ledger and going on", true, "", result.Inconclusive, "do not truncate it"},
		{"truncated under load", "orders, rotating its ledger", false, "", result.Inconclusive, "never received according to the server's ledger"},
		{"truncated under load, elsewhere", "orders, rotating its ledger", true, "", result.Inconclusive, "do not truncate it"},
		{"removed", "orders, removing its ledger", false, "", result.Inconclusive, "read ledger: "},
		{"a FIFO in its place", "orders, and a FIFO for a ledger", false, "", result.Inconclusive, "it is not a regular file; a server must append to its ledger"},
		{"a FIFO in its place, elsewhere", "orders, and a FIFO for a ledger", true, "", result.Inconclusive, "it is not a regular file"},
		{"an endless device in its place", "orders, and a device for a ledger", false, "", result.Inconclusive, "it is not a regular file"},
		{"a sparse file of 200 GB", "orders, and 200 GB of a ledger", false, "", result.Inconclusive, "it is longer than 128 MiB"},
		{"no room for a line", "orders", false, "/dev/full", result.Pass, "no space left on device"},
		{"no room for a line, and it was named", "orders", true, "/dev/full", result.Inconclusive, "the server wrote nothing to the ledger "},
		{"it cannot be opened", "orders", false, os.TempDir(), result.Pass, "is a directory"},
		{"it cannot be opened, and it was named", "orders", true, os.TempDir(), result.Inconclusive, "the server wrote nothing to the ledger "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.env == "/dev/full" {
				if _, err := os.Stat(c.env); err != nil {
					t.Skip("this system has no /dev/full")
				}
			}
			subject := command(c.behaviour)
			if c.named {
				subject.Spec.Ledger = filepath.Join(t.TempDir(), "ledger")
				if err := os.WriteFile(subject.Spec.Ledger, []byte(strings.Repeat("0a1b2c3d-1-7 received\n", 10)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.env != "" {
				subject.Spec.Env[ledger.EnvPath] = c.env
			}
			h, s := judgeAs(t, c.verdict, ordering(), subject)
			said := strings.Join(slices.Concat(s.Story, s.Details[0].Warnings, h.Stderr, []string{h.Error}), "\n")
			if s.Verdict != c.verdict || !strings.Contains(said, c.says) {
				t.Errorf("%s, want %s: it says %q, want %q", s.Verdict, c.verdict, said, c.says)
			}
			if c.env != "" && statusOf(s, check.NoLostAck) != result.NotExercised {
				t.Errorf("no-lost-ack is %s without a witness", statusOf(s, check.NoLostAck))
			}
		})
	}
}

// TestLedgerThatCannotBeIsRefused before anything starts.
func TestLedgerThatCannotBeIsRefused(t *testing.T) {
	dir := t.TempDir()
	locked := filepath.Join(dir, "locked")
	if err := errors.Join(os.Mkdir(locked, 0o500), os.WriteFile(filepath.Join(dir, "readonly"), nil, 0o400)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path, says string
		mode             bool // it is a matter of permissions, which root has
	}{
		{"a directory", dir, "which is a directory: name a file in it", false},
		{"in no directory", filepath.Join(dir, "a", "b"), "in a directory that does not exist", false},
		{"in no directory, with a port", filepath.Join(dir, "a", "{port}"), "in a directory that does not exist", false},
		{"in a file", filepath.Join(dir, "readonly", "b"), "in a directory that does not exist", false},
		{"a device", os.DevNull, "which is not a regular file", false},
		{"a file that is for reading", filepath.Join(dir, "readonly"), "cannot be read and written to", true},
		{"in a directory that is for reading", filepath.Join(locked, "{port}"), "in a directory that cannot be written to", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.mode && os.Geteuid() == 0 {
				t.Skip("root may write anywhere")
			}
			spec := command("orders").Spec
			spec.Ledger = c.path
			running := subject.Running{Spec: spec}
			running.Spec.URL = "http://127.0.0.1:1/"
			for _, subject := range []subject.Subject{subject.Command{Spec: spec}, running} {
				err := subject.Check(t.Context())
				invalid, ok := errors.AsType[*scenario.Invalid](err)
				if !ok || invalid.Field != "subject.ledger" || !strings.Contains(invalid.Problem, c.says) {
					t.Errorf("%T: error %v, want one about subject.ledger that says %q", subject, err, c.says)
				}
			}
		})
	}
	for _, path := range []string{"", filepath.Join(dir, "new"), filepath.Join(dir, "{port}"), filepath.Join(dir, "{port}", "x")} {
		spec := command("orders").Spec
		spec.Ledger = path
		if err := (subject.Command{Spec: spec}).Check(t.Context()); err != nil {
			t.Errorf("%q is refused: %v", path, err)
		}
	}
}

// TestRunningServerKeepsALedger: it is not ours, but its ledger can be named, and
// its store be asked.
func TestRunningServerKeepsALedger(t *testing.T) {
	dir := t.TempDir()
	store, kept := filepath.Join(dir, "store"), filepath.Join(dir, "kept")
	c := command("orders")
	c.Spec.Env[envStore], c.Spec.Env[ledger.EnvPath] = store, kept
	server, err := c.Boot(t.Context(), filepath.Join(dir, "own"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := ordering()
	s.Disruption.While, s.Disruption.Settle = []string{"true"}, scenario.Millis(100)
	subject := subject.Running{
		Spec:       scenario.Subject{URL: server.Endpoint().URL.String(), Ledger: kept, Applied: []string{"cat", store}},
		Supervisor: []string{os.Args[0], "supervise"},
	}
	h, judged := judgeAs(t, result.Pass, s, subject)
	if h.Error != "" || judged.Verdict != result.Pass || marks(h) != 1 || !h.Ledger.Present() || !h.Applied.Looked {
		t.Errorf("%s, error %q, %d marks, %+v: %q", judged.Verdict, h.Error, marks(h), h.Applied.Command, judged.Story)
	}
}
