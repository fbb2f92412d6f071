package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/internal/testrun"
)

// storeFault is what happens to a server's store while it drains, and what must
// come of it.
type storeFault struct {
	name     string
	strategy string
	url      string // where orders go, and how long they take
	strike   func(t *testing.T, store string)
	verdict  result.Verdict
	rule     string // the one that the case is about
	status   result.Status
	exit     int      // the code with which the server ends, or killed
	says     []string // in the story, or the server's last words
	readable bool     // the table can be read in the end, by somebody else too
	flags    []string
}

// Orders that are written before the answer, and orders that are queued. These
// take so long that every drain does, and the fault comes before the flush.
const (
	writtenOrders = "POST /orders?delay=100ms"
	queuedOrders  = "POST /async?delay=500ms"
)

// killed is the exit code of a process that a signal ended.
const killed = -1

// handlersFail is what a store that cannot be written does to whoever waits for it.
const handlersFail = "Close the store, and everything else that handlers use, only after the last handler has returned"

func storeFaults() []storeFault {
	return []storeFault{
		{
			name: "removed", strategy: "drain", url: writtenOrders, strike: removeStore,
			verdict: result.Inconclusive, rule: check.NoLostAck, status: result.NotExercised,
			says: []string{"it is not known what was applied", "read store: ", "no such file or directory"},
		},
		{
			name: "replaced by an empty one", strategy: "drain", url: writtenOrders, strike: replaceStore, readable: true,
			verdict: result.Fail, rule: check.NoLostAck, status: result.Violated,
			says: []string{"acknowledged writes were not applied", "Their clients were told that it was done", "None was found"},
		},
		{
			name: "overwritten", strategy: "drain", url: writtenOrders, strike: overwriteStore,
			verdict: result.Fail, rule: check.InFlightCompletes, status: result.Violated,
			says: []string{handlersFail, "order not stored", "it is not known what was applied", "file is not a database"},
		},
		{
			name: "locked for a moment", strategy: "drain", url: writtenOrders, strike: lockFor(500 * time.Millisecond), readable: true,
			verdict: result.Pass, rule: check.NoLostAck, status: result.Satisfied,
		},
		{
			name: "locked for ever, and orders wait for it", strategy: "drain", url: writtenOrders, strike: lockFor(time.Hour), readable: true,
			verdict: result.Fail, rule: check.InFlightCompletes, status: result.Violated,
			says: []string{handlersFail, "order not stored", "neither its turn nor its lock came in time"},
		},
		{
			name: "locked for ever, and orders are queued", strategy: "with-timeout", url: queuedOrders, strike: lockFor(time.Hour), exit: 1, readable: true,
			verdict: result.Fail, rule: check.NoLostAck, status: result.Violated,
			says: []string{"acknowledged orders are lost: store: neither its turn nor its lock came in time"},
		},
		{
			name: "locked for ever, and the flush takes longer than the grace period", strategy: "signal-notify", url: queuedOrders, strike: lockFor(time.Hour),
			exit: killed, readable: true, flags: []string{"--grace", "6s"},
			verdict: result.Fail, rule: check.ExitsInGrace, status: result.Violated,
			says: []string{"did not end by itself", "the batch is tried again", "database is locked"},
		},
		{
			name: "locked against readers, and lastcall is one", strategy: "drain", url: writtenOrders, strike: lockReaders,
			verdict: result.Inconclusive, rule: check.NoLostAck, status: result.NotExercised,
			says: []string{"it is not known what was applied", "database is locked"},
		},
	}
}

// TestFaultsOfTheStore strikes between the signal and the end of the drain. The
// server must not crash, lastcall must not hang, and what was promised and not
// kept is named.
func TestFaultsOfTheStore(t *testing.T) {
	for _, c := range storeFaults() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // they wait for locks, most of the time
			c.run(t, t.TempDir)
		})
	}
}

// run does one shutdown with its store in a directory of its own. On a busy
// machine lastcall repeats it, which the fault is not for, or has no verdict: then it is
// done anew.
func (c storeFault) run(t *testing.T, newDir func() string) {
	t.Helper()
	for try := 1; ; try++ {
		store := filepath.Join(newDir(), "store", "orders.db")
		args, records := sampleOrders(t, c.strategy, store, append([]string{
			"--report", "json", "--rate", "250", "--shutdowns", "1",
			"--lag", "300ms", "--url", c.url, "--ledger", filepath.Join(t.TempDir(), "ledger"),
		}, c.flags...)...)
		s := c.strikeAt(t, args, store)
		all := histories(t, records)
		unproved := s.Subjects[0].Verdict == result.Inconclusive && c.verdict != result.Inconclusive
		if all[0].Header.Repeats > 0 || unproved {
			if !testrun.Again(t, try) {
				t.Fatalf("without a verdict in try %d: %q", try, s.Subjects[0].Story)
			}
			t.Logf("once more, after %q", s.Subjects[0].Story)
			continue
		}
		c.wants(t, s.Subjects[0])
		if c.readable {
			wantSameLost(t, s.Subjects[0], all, storedRows(t, store))
		}
		return
	}
}

// strikeAt runs lastcall, and strikes as soon as it has marked the signal in the
// ledger.
func (c storeFault) strikeAt(t *testing.T, args []string, store string) (s result.Suite) {
	t.Helper()
	book := args[slices.Index(args, "--ledger")+1]
	if err := os.MkdirAll(filepath.Dir(store), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a hang is what must not be
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, lastcall, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	signalled := func() bool {
		text, _ := os.ReadFile(book)
		return bytes.Contains(text, []byte("- signal\n"))
	}
	if eventually(30*time.Second, signalled) {
		c.strike(t, store)
	}
	_ = cmd.Wait() // the exit code tells
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		t.Fatalf("read the JSON report: %v\n%s\n%s", err, &stdout, &stderr)
	}
	if code := cmd.ProcessState.ExitCode(); code != exitFor(s.Subjects[0].Verdict) {
		t.Errorf("exit code %d for the verdict %s", code, s.Subjects[0].Verdict)
	}
	return s
}

func (c storeFault) wants(t *testing.T, s result.Subject) {
	t.Helper()
	if s.Verdict != c.verdict {
		t.Errorf("verdict %s, want %s", s.Verdict, c.verdict)
	}
	wantStatus(t, s, c.rule, c.status)
	d := s.Details[0]
	said := strings.Join(slices.Concat(s.Story, d.Stderr), "\n")
	for _, phrase := range c.says {
		if !strings.Contains(said, phrase) {
			t.Errorf("nobody says %q", phrase)
		}
	}
	if d.Exit.Code != c.exit || d.Exit.Killed != (c.exit == killed) || strings.Contains(said, "panic") {
		t.Errorf("the server ended with %+v, want exit code %d", d.Exit, c.exit)
	}
	if t.Failed() {
		t.Log(said)
	}
}

func removeStore(t *testing.T, store string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Dir(store)); err != nil {
		t.Error(err)
	}
}

func replaceStore(t *testing.T, store string) {
	t.Helper()
	removeStore(t, store)
	if err := os.Mkdir(filepath.Dir(store), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(t, store).ExecContext(t.Context(), "CREATE TABLE orders (id TEXT, item TEXT, pid INTEGER)"); err != nil {
		t.Error(err)
	}
}

func overwriteStore(t *testing.T, store string) {
	t.Helper()
	err := os.WriteFile(store, bytes.Repeat([]byte("no database "), 5000), 0o600)
	for _, name := range []string{store + "-wal", store + "-shm"} {
		if e := os.Truncate(name, 0); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// lockFor takes the writers' lock, as another process that uses the database.
func lockFor(d time.Duration) func(t *testing.T, store string) {
	return func(t *testing.T, store string) {
		t.Helper()
		db := openStore(t, store)
		db.SetMaxOpenConns(1)
		if _, err := db.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
			t.Error(err)
		}
		release := time.AfterFunc(d, func() { db.Close() }) // rolls back
		t.Cleanup(func() { release.Stop() })
	}
}

// lockReaders keeps whoever opens the database from now on out of it: this is
// the byte that SQLite calls PENDING_BYTE (the file format, section 2.3).
func lockReaders(t *testing.T, store string) {
	t.Helper()
	file, err := os.OpenFile(store, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	pending := unix.Flock_t{Type: unix.F_WRLCK, Start: 0x40000000, Len: 1}
	if err := unix.FcntlFlock(file.Fd(), unix.F_SETLK, &pending); err != nil {
		t.Error(err)
	}
}
