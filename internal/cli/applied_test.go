package cli

import (
	"bytes"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// TestAppliedPrintsWhatTheStoreHolds: with the store of the sample service.
func TestAppliedPrintsWhatTheStoreHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE orders (id TEXT); INSERT INTO orders VALUES ('a-1-0'), ('a-1-1'), ('a-1-1')`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want string
		says string // of the error
	}{
		{"a store", []string{path}, "a-1-0\na-1-1\na-1-1\n", ""},
		{"no such file", []string{path + "x"}, "", "no such file"},
		{"no file", nil, "", "needs the file of a store"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := newApplied(streams{out: &out})
			cmd.SetArgs(c.args)
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			err := cmd.ExecuteContext(t.Context())
			if out.String() != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("printed %q, error %v; want %q, and an error that says %q", out.String(), err, c.want, c.says)
			}
		})
	}
	full := newApplied(streams{out: failing{}})
	full.SetArgs([]string{path})
	full.SilenceErrors, full.SilenceUsage = true, true
	if err := full.ExecuteContext(t.Context()); !errors.Is(err, errDiskFull) {
		t.Errorf("error %v, want %v", err, errDiskFull)
	}
}

var errDiskFull = errors.New("disk full")

// failing is where nothing can be written.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errDiskFull }
