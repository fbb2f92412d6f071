package targets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"lastcall/harness/ledger"
)

func TestABadLifelineIsRefused(t *testing.T) {
	for _, text := range []string{"x", "-1", "0", "2"} {
		t.Setenv(EnvLifeline, text)
		if _, err := lifeline(); err == nil {
			t.Errorf("%q is taken for a descriptor of our own", text)
		}
	}
	t.Setenv(EnvLifeline, "")
	if pipe, err := lifeline(); pipe != nil || err != nil {
		t.Errorf("without a lifeline: %v, %v", pipe, err)
	}
	if watch(nil) != nil {
		t.Error("without a lifeline somebody watches it")
	}
}

func TestServeSaysWhyItCannot(t *testing.T) {
	taken := start(t, http.NotFoundHandler())
	for _, name := range []string{EnvLifeline, EnvStore, EnvLag, ledger.EnvPath} {
		t.Setenv(name, "")
	}
	addr := taken.Listener.Addr().String()
	s, _ := ByName("naive")
	var out bytes.Buffer
	err := Serve(s, Options{Addr: addr}, &out, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "serve naive: ") || !strings.Contains(err.Error(), addr) {
		t.Errorf("error %v; want the strategy and the address %s", err, addr)
	}
	if out.Len() > 0 {
		t.Errorf("it says that it is ready: %s", out.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestServeThatCannotAnnounceItselfEnds: nobody would ever come.
func TestServeThatCannotAnnounceItselfEnds(t *testing.T) {
	for _, name := range []string{EnvLifeline, EnvStore, EnvLag, ledger.EnvPath} {
		t.Setenv(name, "")
	}
	s, _ := ByName("naive")
	if err := Serve(s, Options{Addr: "127.0.0.1:0"}, broken{}, io.Discard); err == nil || !strings.Contains(err.Error(), "announce: broken pipe") {
		t.Errorf("error %v", err)
	}
}

// TestServeAnnouncesWhoAccepts asks that nobody is told that a server is ready
// before its strategy is: a signal could come before it is caught.
func TestServeAnnouncesWhoAccepts(t *testing.T) {
	for _, name := range []string{EnvLifeline, EnvStore, EnvLag, ledger.EnvPath} {
		t.Setenv(name, "")
	}
	var out bytes.Buffer
	slow := Strategy{Name: "slow", Run: func(ln net.Listener, _ *App) error {
		if out.Len() > 0 {
			return fmt.Errorf("announced before it accepts: %s", out.String())
		}
		for range 2 {
			conn, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				return err
			}
			defer conn.Close()
			accepted, err := ln.Accept()
			if err != nil {
				return err
			}
			defer accepted.Close()
		}
		return nil
	}}
	if err := Serve(slow, Options{Addr: "127.0.0.1:0"}, &out, io.Discard); err != nil {
		t.Error(err)
	}
	if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), `"strategy":"slow"`) {
		t.Errorf("announced %q, want one line", out.String())
	}
}

func TestLag(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 2500 * time.Millisecond, "0s": 500 * time.Millisecond, "1s": 1500 * time.Millisecond, "10m": 10*time.Minute + 500*time.Millisecond,
	} {
		if got, err := lag(text); got != want || err != nil {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"2", "soon", "-1s", "11m"} {
		if got, err := lag(text); err == nil || !strings.Contains(err.Error(), `LASTCALL_LAG="`+text+`" must be a duration from 0s to 10m0s`) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

// TestServeDoesNotBeginWithoutWhatItNeeds asks for exit code 1, one line that
// says why, and no ready line.
func TestServeDoesNotBeginWithoutWhatItNeeds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text, held := dir+"/text", dir+"/held.db"
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	store := &Store{path: held}
	if err := errors.Join(store.open(), store.Close()); err != nil {
		t.Fatal(err)
	}
	lockStore(t, held)
	for name, c := range map[string]struct{ env, want string }{
		"a store in no directory":     {EnvStore + "=" + dir + "/none/orders.db", "no such file or directory"},
		"a store below a file":        {EnvStore + "=" + text + "/orders.db", "not a directory"},
		"a store that is a directory": {EnvStore + "=" + dir, "not a regular file"},
		"a store that is text":        {EnvStore + "=" + text, "file is not a database"},
		"a store that is locked":      {EnvStore + "=" + held, "database is locked"},
		"a ledger in no directory":    {ledger.EnvPath + "=" + dir + "/none/ledger", "open ledger: open " + dir + "/none/ledger: no such file or directory"},
		"a ledger that is one":        {ledger.EnvPath + "=" + dir, "is a directory"},
		"a lag that is none":          {EnvLag + "=soon", `LASTCALL_LAG="soon" must be a duration`},
		"a lifeline that is none":     {EnvLifeline + "=soon", `LASTCALL_LIFELINE="soon" is not the number`},
	} {
		for _, strategy := range []string{"naive", "handoff"} {
			t.Run(name+"/"+strategy, func(t *testing.T) {
				t.Parallel()
				s := launch(t, strategy, c.env)
				exit, said := s.exit(), s.read("stderr")
				if exit != "1" || strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "serve "+strategy+": ") || !strings.Contains(said, c.want) {
					t.Errorf("exit %s, says %q; want 1, and one line with %q", exit, said, c.want)
				}
				if out := s.read("stdout"); out != "" {
					t.Errorf("it says that it is ready: %s", out)
				}
			})
		}
	}
}

// TestAnOrphanEnds asks that no server outlives whoever started it.
func TestAnOrphanEnds(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{"naive", "ignores-term", "handoff"} {
		s := boot(t, strategy)
		s.lifeline.Close()
		if exit := s.exit(); exit != "1" || !strings.Contains(s.read("stderr"), "parent is gone") {
			t.Errorf("%s: exit %s", strategy, exit)
		}
	}
}
