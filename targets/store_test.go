package targets

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// storedRows reads the ids of a store by a query of its own.
func storedRows(t *testing.T, path string) (ids []string) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("select id from orders order by rowid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// lockStore holds the store's exclusive lock, as another process would, until
// unlock or the end of the test.
func lockStore(t *testing.T, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", dataSource(path, nil)+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	done := false
	unlock = func() {
		if !done {
			done = true
			conn.Close() // rolls back
			db.Close()
		}
	}
	t.Cleanup(unlock)
	return unlock
}

// newStore returns a store in a directory of its own.
func newStore(t *testing.T, name string) *Store {
	t.Helper()
	s := &Store{path: filepath.Join(t.TempDir(), name), pid: 1}
	t.Cleanup(func() { s.Close() })
	return s
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come within %s", what, patience)
		}
	}
}

// writing waits until a write has begun, which holds the store's lock shared.
func writing(t *testing.T, s *Store) {
	t.Helper()
	eventually(t, "the write", func() bool {
		free := s.mu.TryLock()
		if free {
			s.mu.Unlock()
		}
		return !free
	})
}

func TestTheStoreKeepsWhatItIsGiven(t *testing.T) {
	s := newStore(t, "orders.db")
	for _, batch := range [][]order{{{"a", "stout"}}, {{"b", "cider"}, {"a", "stout"}}, {{"it's", "\"; DROP TABLE orders"}}} {
		if err := s.Insert(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"a", "b", "a", "it's"} // a repeated id is a second row
	if got := storedRows(t, s.path); !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
	got, err := StoredIDs(t.Context(), s.path)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("StoredIDs: %q, %v; want %q", got, err, want)
	}
}

func TestAStoresPathMayHaveAnyLetter(t *testing.T) {
	for _, name := range []string{"a b.db", "q?mode=memory", "h#1", "p%20q", "ö.db", "file:x"} {
		s := newStore(t, name)
		if err := s.Insert(t.Context(), order{"a", "stout"}); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if _, err := os.Stat(s.path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if ids, err := StoredIDs(t.Context(), s.path); err != nil || len(ids) != 1 {
			t.Errorf("%q: StoredIDs %q, %v", name, ids, err)
		}
	}
}

func TestAClosedStoreRefuses(t *testing.T) {
	used, unused := newStore(t, "used.db"), newStore(t, "unused.db")
	if err := used.Insert(t.Context(), order{"a", "stout"}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{used, unused} {
		for range 2 { // a second time does nothing
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		if err := s.Insert(t.Context(), order{"b", "stout"}); !errors.Is(err, errStoreClosed) {
			t.Errorf("insert after close: %v", err)
		}
	}
	if _, err := os.Stat(unused.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a store that nobody used has a file: %v", err)
	}
}

// TestCloseWaitsForAWrite has a write that waits for a lock as Close comes.
func TestCloseWaitsForAWrite(t *testing.T) {
	s := newStore(t, "orders.db")
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	unlock := lockStore(t, s.path)
	written, closed := make(chan error, 1), make(chan error, 1)
	go func() { written <- s.Insert(context.Background(), order{"a", "stout"}) }()
	writing(t, s)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		t.Fatalf("closed during a write: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	unlock()
	if err := errors.Join(<-written, <-closed); err != nil {
		t.Error(err)
	}
	if rows := storedRows(t, s.path); len(rows) != 1 {
		t.Errorf("%d rows, want the one that was begun", len(rows))
	}
}

// TestAWriteThatIsGivenUpLeavesNothing cancels one that waits for the lock.
func TestAWriteThatIsGivenUpLeavesNothing(t *testing.T) {
	s := newStore(t, "orders.db")
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	unlock := lockStore(t, s.path)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := s.Insert(ctx, order{"a", "stout"}, order{"b", "stout"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
	if took := time.Since(began); took > busyTimeout {
		t.Errorf("it gave up after %s", took)
	}
	unlock()
	if rows := storedRows(t, s.path); len(rows) > 0 {
		t.Errorf("rows %q", rows)
	}
}

// TestFlushOutlastsALock has a lock that is held for longer than SQLite waits:
// as long as there is time left, what was acknowledged is not given up.
func TestFlushOutlastsALock(t *testing.T) {
	t.Parallel()
	s := newStore(t, "orders.db")
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	q := newApp(quiet(), nil, 0).Queue
	q.write = s.Insert
	unlock := lockStore(t, s.path)
	add(t, q, "a", "b")
	flushed := make(chan error, 1)
	go func() { flushed <- q.Flush(context.Background()) }()
	select {
	case err := <-flushed:
		t.Fatalf("it gave up: %v", err)
	case <-time.After(busyTimeout + 200*time.Millisecond): // real time: it is SQLite that waits
	}
	unlock()
	if err := <-flushed; err != nil {
		t.Error(err)
	}
	if rows := storedRows(t, s.path); !slices.Equal(rows, []string{"a", "b"}) {
		t.Errorf("rows %q", rows)
	}
}

func TestStoredIDsSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	text, other := filepath.Join(dir, "text"), filepath.Join(dir, "other.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE things (x)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for path, want := range map[string]string{
		filepath.Join(dir, "missing"): "no such file",
		dir:                           "not a regular file",
		text:                          "not a database",
		other:                         "no such table",
	} {
		ids, err := StoredIDs(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "read store") {
			t.Errorf("%s: %q, %v; want an error with %q", path, ids, err, want)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := StoredIDs(gone, other); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestStoredIDsReadsTheStoreOfAKilledProcess has rows that are in the
// write-ahead log only.
func TestStoredIDsReadsTheStoreOfAKilledProcess(t *testing.T) {
	t.Parallel()
	s := boot(t, "signal-notify")
	const orders = 30
	for range orders {
		if got := s.ask(http.MethodPost, "/orders", "twice", `{"item":"stout"}`); got.status != http.StatusCreated {
			t.Fatal(got)
		}
	}
	s.signal(os.Kill)
	s.exit()
	before := s.read("orders.db")
	if len(s.read("orders.db-wal")) == 0 || strings.Contains(before, "twice") {
		t.Fatal("the rows are not in the log: this would show nothing")
	}
	for range 2 { // it only reads: a second time finds the same
		ids, err := StoredIDs(t.Context(), s.path("orders.db"))
		if err != nil || len(ids) != orders || slices.ContainsFunc(ids, func(id string) bool { return id != "twice" }) {
			t.Errorf("%d ids %q, %v; want %d of the same", len(ids), ids, err, orders)
		}
	}
	if s.read("orders.db") != before {
		t.Error("it has written to the database")
	}
	if rows := storedRows(t, s.path("orders.db")); len(rows) != orders {
		t.Errorf("%d rows, want %d", len(rows), orders)
	}
}

// TestTheTemporaryStore is made when it is needed, and removed at the end.
func TestTheTemporaryStore(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	made := func() []string {
		names, err := filepath.Glob(filepath.Join(temp, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	s := boot(t, "signal-notify", EnvStore+"=", "TMPDIR="+temp)
	if got := s.ask(http.MethodGet, "/work", "", ""); got.String() != "200" || len(made()) > 0 {
		t.Errorf("/work: %s, and made %v", got, made())
	}
	if got := s.ask(http.MethodPost, "/orders", "", `{"item":"stout"}`); got.String() != "201" || len(made()) != 1 {
		t.Errorf("/orders: %s (%s), and made %v, want one directory", got, got.body, made())
	}
	s.signal(syscall.SIGTERM)
	if got := s.exit(); got != "0" || len(made()) > 0 {
		t.Errorf("exit %s, left %v behind", got, made())
	}
}
