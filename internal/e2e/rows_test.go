package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // somebody else than lastcall who reads the sample's store

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
)

// envLong names the environment variable that asks for as many shutdowns as a
// claim needs, and not only as many as show that it can be tested.
const envLong = "LASTCALL_LONG"

// effort is how much is asked of a strategy.
type effort struct{ rate, shutdowns string }

// whole is what the claims are made of. It wants a machine that has nothing else
// to do.
var whole = effort{rate: "1000", shutdowns: "20"}

// efforts returns the whole one if somebody asks for it, and else a short one that a
// busy machine can keep up with.
func efforts(t *testing.T, shutdowns string) effort {
	t.Helper()
	if os.Getenv(envLong) == "1" {
		return whole
	}
	short := effort{rate: "200", shutdowns: shutdowns}
	t.Logf("%s shutdowns at %s requests/s; %s=1 does %s at %s", short.shutdowns, short.rate, envLong, whole.shutdowns, whole.rate)
	return short
}

// onlyLong skips what has a short sister.
func onlyLong(t *testing.T) {
	t.Helper()
	if os.Getenv(envLong) != "1" {
		t.Skipf("this takes minutes: %s=1 runs it; what it asks for is asked of fewer shutdowns always", envLong)
	}
}

// envSlow is set where the slow tests run.
const envSlow = "LASTCALL_SLOW"

// onlySlow skips what takes its time, as the walk through the README does: .ci/run has a
// step of its own for it.
func onlySlow(t *testing.T) {
	t.Helper()
	if os.Getenv(envSlow) != "1" && os.Getenv(envLong) != "1" {
		t.Skipf("it takes its time: %s=1 or %s=1 runs it", envSlow, envLong)
	}
}

// sampleOrders is the command line of a gate for lastcall's own sample with a
// store, which lastcall looks up by its own means.
func sampleOrders(t *testing.T, strategy, store string, flags ...string) (args []string, records string) {
	t.Helper()
	dir := t.TempDir()
	body := filepath.Join(dir, "order.json")
	writeFile(t, dir, "order.json", `{"item": "stout"}`)
	records = filepath.Join(dir, "histories")
	args = append([]string{
		"test", "--body", body, "--env", "LASTCALL_STORE=" + store, "--env", "LASTCALL_LAG=0s", "--record", records,
		"--applied", lastcall + " applied " + store,
	}, flags...)
	return append(args, "--", lastcall, "serve", strategy, "--request-log=false", "--addr", "127.0.0.1:{port}"), records
}

// storedRows reads the sample's table, by no code of lastcall's.
func storedRows(t *testing.T, store string) []string {
	t.Helper()
	rows, err := openStore(t, store).QueryContext(t.Context(), "SELECT id FROM orders")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var ids []string
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

func openStore(t *testing.T, store string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+store+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// wantSameLost looks in the table for every order whose client got a 2xx, and
// asks that lastcall has accused the server of exactly those that are not there.
func wantSameLost(t *testing.T, s result.Subject, all []*history.History, rows []string) (lost []string) {
	t.Helper()
	stored := make(map[string]int)
	for _, id := range rows {
		stored[id]++
	}
	acknowledged, names := 0, make(map[int]func(uint32) string)
	for _, h := range all {
		names[h.Header.Shutdown] = h.ID
		for i := range h.Requests {
			r := &h.Requests[i]
			if r.Outcome != history.Completed || r.Status/100 != 2 {
				continue
			}
			acknowledged++
			if stored[h.ID(r.Seq)] == 0 {
				lost = append(lost, h.ID(r.Seq))
			}
		}
	}
	var said []string
	for _, f := range s.Findings {
		for _, e := range f.Evidence {
			if f.Rule == check.NoLostAck && e.Seq != nil {
				said = append(said, names[e.Shutdown](*e.Seq))
			}
		}
	}
	slices.Sort(lost)
	slices.Sort(said)
	if !slices.Equal(lost, said) || len(lost) != s.Ledger.LostAcks || acknowledged < 50 {
		t.Errorf("of %d acknowledged orders %d are in no row; lastcall names %d: %q and %q", acknowledged, len(lost), len(said), lost, said)
	}
	for id, n := range stored {
		if n > 1 {
			t.Errorf("%s is in %d rows", id, n)
		}
	}
	t.Logf("%s: %d of %d acknowledged orders lost, in %d shutdowns", s.Verdict, len(lost), acknowledged, len(all))
	return lost
}

// TestAcknowledgedRows stops servers that have acknowledged orders in memory.
// Those who forget them lose rows in the real database, and the others none.
func TestAcknowledgedRows(t *testing.T) {
	t.Parallel() // it waits, most of the time
	for strategy, loses := range map[string]bool{"ack-then-lose": true, "naive": true, "drain": false, "signal-notify": false} {
		t.Run(strategy, func(t *testing.T) {
			store := filepath.Join(t.TempDir(), "orders.db") // one for all shutdowns, as a database is
			e := efforts(t, "3")
			args, records := sampleOrders(t, strategy, store, "--scenario", "background", "--rate", e.rate, "--min-at-risk", "1",
				"--shutdowns", e.shutdowns)
			verdict, status := result.Pass, result.Satisfied
			if loses {
				verdict, status = result.Fail, result.Violated
			}
			s := suite(t, exitFor(verdict), args...).Subjects[0]
			wantStatus(t, s, check.NoLostAck, status)
			wantStatus(t, s, check.NoDuplicate, result.Satisfied)
			lost := wantSameLost(t, s, judged(t, records), storedRows(t, store))
			if loses != (len(lost) > 0) {
				t.Errorf("%d acknowledged orders are in no row", len(lost))
			}
			story := strings.Join(s.Story, " ")
			if named := func(id string) bool { return strings.Contains(story, id) }; loses && !slices.ContainsFunc(lost, named) {
				t.Errorf("the story names none of them: %s", story)
			}
		})
	}
}

// TestStoreLockedAtTheStart: nobody boots while somebody else has the database,
// and that is what is said.
func TestStoreLockedAtTheStart(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	lockFor(time.Hour)(t, store)
	args, _ := sampleOrders(t, "notify-context", store, "--url", writtenOrders, "--shutdowns", "1", "--record", t.TempDir())
	s := suite(t, exitInconclusive, args...).Subjects[0]
	wantStory(t, s, "boot lastcall: it ended with exit status 1")
	if said := strings.Join(s.Details[0].Stderr, " "); !strings.Contains(said, "orders.db: database is locked (5) (SQLITE_BUSY): another process holds it") {
		t.Errorf("its last words are %q", said)
	}
}
