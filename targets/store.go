package targets

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// EnvStore names the environment variable that names the file of the store, an
// SQLite database. Without it the store is a file in a temporary directory.
const EnvStore = "LASTCALL_STORE"

const (
	// busyTimeout is how long SQLite waits for a lock that another process holds.
	busyTimeout = 2 * time.Second
	// openTimeout bounds the opening of the store: a little more, so that it is
	// SQLite that says what is wrong.
	openTimeout = busyTimeout + time.Second
)

var (
	errStoreClosed = errors.New("the store is closed")
	errNoFile      = errors.New("not a regular file")
)

// order is one row of the store.
type order struct{ id, item string }

// Store keeps the orders in an SQLite database. The id of an order is not
// unique on purpose: one that was executed twice is two rows, and can be found.
type Store struct {
	path string // "": in a temporary directory, made at the first use
	pid  int    // of the writer: after a hand-over two processes write

	mu     sync.RWMutex // a write holds it shared, so that Close waits for it
	db     *sql.DB      // nil before the first use, and after Close
	closed bool

	// dir is the temporary directory, if there is one. It is apart from the
	// lock: Serve removes it and must not wait for a write to end, which would
	// be a kindness that no strategy has asked for.
	dir atomic.Pointer[string]
}

// open opens the database if it is not open yet. Most strategies are compared
// under a load that never needs it: those should not pay for it as they start.
func (s *Store) open() error {
	s.mu.Lock() // two requests must not open it at once
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errStoreClosed
	case s.db != nil:
		return nil
	}
	path := s.path
	if path == "" {
		dir, err := os.MkdirTemp("", "lastcall-store-")
		if err != nil {
			return fmt.Errorf("open store: %w", err)
		}
		s.dir.Store(&dir)
		path = filepath.Join(dir, "orders.db")
	}
	db, err := openDatabase(path)
	if err != nil {
		return fmt.Errorf("open store %s: %w", path, err)
	}
	s.db = db
	return nil
}

// openDatabase opens the file and makes the table if need be. The preparation
// of the insert is the proof that the file is a database, that it can be
// written, and that its table is ours.
func openDatabase(path string) (*sql.DB, error) {
	// SQLite calls a missing directory, and one in the file's place, "out of
	// memory" or "disk I/O error".
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, err
	}
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return nil, errNoFile
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	db, err := sql.Open("sqlite", dataSource(path, url.Values{
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
			"journal_mode(WAL)",
			// A commit is in the kernel's hands, which the death of a process
			// does not touch. Only a power cut could lose it.
			"synchronous(NORMAL)",
		},
		"_txlock": {"immediate"}, // waits for the lock where it can be waited for: at BEGIN
	}))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite has one writer; database/sql queues fairly, SQLite would poll
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if err := createTable(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

const insertOrder = `INSERT INTO orders (id, item, pid) VALUES (?, ?, ?)`

func createTable(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	const table = `CREATE TABLE IF NOT EXISTS orders (id TEXT NOT NULL, item TEXT NOT NULL, pid INTEGER NOT NULL)`
	if _, err := tx.ExecContext(ctx, table); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, insertOrder)
	if err != nil {
		return err
	}
	if err := insert.Close(); err != nil {
		return err
	}
	return tx.Commit()
}

// dataSource writes the path as a URI, in which no letter of it has a meaning.
func dataSource(path string, query url.Values) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// Insert writes orders in one transaction: all of them, or none and an error.
// It waits for the lock as long as SQLite does, or until the context ends.
func (s *Store) Insert(ctx context.Context, orders ...order) error {
	s.mu.RLock() // Close waits for this write
	for s.db == nil && !s.closed {
		s.mu.RUnlock()
		if err := s.open(); err != nil {
			return err
		}
		s.mu.RLock()
	}
	defer s.mu.RUnlock()
	if s.closed {
		return errStoreClosed
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if ctx.Err() != nil && err != nil { // the driver only says that the time is up
		return fmt.Errorf("store: neither its turn nor its lock came in time: %w", err)
	}
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	for _, o := range orders {
		if _, err := tx.ExecContext(ctx, insertOrder, o.id, o.item, s.pid); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Close waits for the writes that have begun and closes the database. A later call
// gets an error. To close a store that was never used is fine.
func (s *Store) Close() error {
	s.mu.Lock() // after the last write
	defer s.mu.Unlock()
	if s.closed || s.db == nil {
		s.closed = true
		return nil
	}
	s.closed = true
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// discard removes the temporary directory. A process that is killed leaves it
// behind.
func (s *Store) discard() {
	if dir := s.dir.Load(); dir != nil {
		_ = os.RemoveAll(*dir) // what is left lies where the system cleans up
	}
}

// StoredIDs returns the ids of the orders in the store at path, in the order in
// which they were written. An id that was written twice is there twice. It only
// reads, and is meant for the store of a process that has ended, however it
// ended: what was committed and is still in the write-ahead log counts.
func StoredIDs(ctx context.Context, path string) (ids []string, err error) {
	if info, err := os.Stat(path); err != nil { // SQLite would call it "out of memory"
		return nil, fmt.Errorf("read store: %w", err)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read store %s: %w", path, errNoFile)
	}
	db, err := sql.Open("sqlite", dataSource(path, url.Values{
		"mode":    {"ro"},
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())},
	}))
	if err != nil {
		return nil, fmt.Errorf("read store %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SELECT id FROM orders ORDER BY rowid`)
	if err != nil {
		return nil, fmt.Errorf("read store %s: %w", path, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read store %s: %w", path, err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read store %s: %w", path, err)
	}
	return ids, nil
}
