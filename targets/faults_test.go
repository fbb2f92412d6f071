package targets

import (
	"errors"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestALockedStoreDuringTheDrain has an order in flight, and another process
// that takes the store's lock and keeps it.
func TestALockedStoreDuringTheDrain(t *testing.T) {
	t.Parallel()
	s := boot(t, "with-timeout")
	answered := s.inFlight(http.MethodPost, "/orders?delay=200ms", "r-1-1", `{"item":"stout"}`)
	unlock := lockStore(t, s.path("orders.db"))
	s.acknowledge(4)
	signalled := time.Now()
	s.signal(syscall.SIGTERM)
	if got := <-answered; got.String() != "500" || got.body != "{\"error\":\"the order was not stored\"}\n" {
		t.Errorf("the order in flight: %s with %q (%v), want 500 without details", got, got.body, got.err)
	}
	if got := s.exit(); got != "1" || !strings.Contains(s.read("stderr"), "4 acknowledged orders are lost: ") {
		t.Errorf("exit %s; want 1, and how many orders are lost", got)
	}
	// The order's patience with the store, and the allowance of the flush.
	if took := time.Since(signalled); took > storePatience+5*time.Second {
		t.Errorf("it took %s to exit", took)
	}
	unlock()
	if rows := storedRows(t, s.path("orders.db")); len(rows) > 0 {
		t.Errorf("rows %q: the answers said that there are none", rows)
	}
}

// TestAStoreThatIsLostDuringTheDrain has its files removed and replaced by
// somebody else's.
func TestAStoreThatIsLostDuringTheDrain(t *testing.T) {
	t.Parallel()
	s := boot(t, "signal-notify")
	answered := s.inFlight(http.MethodPost, "/orders?delay=300ms", "r-1-1", `{"item":"stout"}`)
	s.signal(syscall.SIGTERM)
	file, err := os.OpenFile(s.path("orders.db"), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(strings.Repeat("no database ", 1000)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"orders.db-wal", "orders.db-shm"} {
		if err := os.Truncate(s.path(name), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	got := <-answered
	if got.String() != "500" && got.String() != "201" {
		t.Errorf("the order in flight: %s (%v), want a whole answer", got, got.err)
	}
	if exit := s.exit(); exit != "0" && exit != "1" {
		t.Errorf("exit %s: it crashed", exit)
	}
}

// TestADiskThatIsFullWhileFlushing asks that the loss is said, and soon: a full
// disk does not get better by waiting.
func TestADiskThatIsFullWhileFlushing(t *testing.T) {
	t.Parallel()
	item := `{"item":"` + strings.Repeat("x", 3000) + `"}`
	for _, c := range []struct {
		name string
		boot func(*testing.T) (*server, string)
	}{
		{"file size limit", func(t *testing.T) (*server, string) {
			s := boot(t, "signal-notify", envFileSize+"=100000")
			return s, s.path("orders.db")
		}},
		{"tiny tmpfs", func(t *testing.T) (*server, string) {
			path := mountTiny(t) + "/orders.db"
			return boot(t, "signal-notify", EnvStore+"="+path), path
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, store := c.boot(t)
			var stored []string
			for n := 0; ; n++ { // until the disk is full
				id := "r-1-" + strings.Repeat("i", n+1)
				got := s.ask(http.MethodPost, "/orders", id, item)
				if got.String() == "500" {
					break
				}
				if got.String() != "201" || n > 180 {
					t.Fatalf("order %d: %s (%v)", n, got, got.err)
				}
				stored = append(stored, id)
			}
			const queued = 20
			for n := range queued {
				if got := s.ask(http.MethodPost, "/async", "", item); got.String() != "202" {
					t.Fatalf("order %d: %s (%v)", n, got, got.err)
				}
			}
			s.until("a batch that fails", func() bool { return strings.Contains(s.read("stderr"), "the batch is tried again") })
			signalled := time.Now()
			s.signal(syscall.SIGTERM)
			exit, said := s.exit(), s.read("stderr")
			if exit != "1" || !strings.Contains(said, "flush queue: 20 acknowledged orders are lost: ") {
				t.Errorf("exit %s; want 1, and how many orders are lost", exit)
			}
			if took := time.Since(signalled); took > 5*time.Second {
				t.Errorf("it took %s to exit", took)
			}
			ids, err := StoredIDs(t.Context(), store)
			if err != nil || !slices.Equal(ids, stored) || len(ids) == 0 {
				t.Errorf("%d orders stored, %d acknowledged with 201 (%v)", len(ids), len(stored), err)
			}
		})
	}
}

// TestALedgerThatCannotBeWritten asks that it is nothing to a client.
func TestALedgerThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is of Linux")
	}
	s := boot(t, "signal-notify", "LASTCALL_LEDGER=/dev/full")
	for path, want := range map[string]string{"/work": "200", "/orders": "201", "/async": "202"} {
		if got := s.ask(http.MethodPost, path, "r-1-1", `{"item":"stout"}`); got.String() != want {
			t.Errorf("%s: %s (%v), want %s", path, got, got.err, want)
		}
	}
	s.signal(syscall.SIGTERM)
	if got := s.exit(); got != "0" {
		t.Errorf("exit %s, want 0", got)
	}
	if said := s.read("stderr"); !strings.Contains(said, "append to ledger: write /dev/full: no space left on device") {
		t.Errorf("the log does not say so: %s", said)
	}
	if rows := storedRows(t, s.path("orders.db")); len(rows) != 2 {
		t.Errorf("%d rows, want 2", len(rows))
	}
}
