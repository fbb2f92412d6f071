package harness_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/harness"
	"lastcall/harness/scenario"
	"lastcall/internal/testrun"
)

// envStops makes the test binary play a server: one that "drains", or one that "drops".
const envStops = "LASTCALL_TEST_STOPS"

func TestMain(m *testing.M) {
	if how := os.Getenv(envStops); how != "" {
		serve(how)
		return
	}
	os.Exit(m.Run())
}

// serve is the server of a user's who has found out how Shutdown is used, or has not.
func serve(how string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/work", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(50 * time.Millisecond)
		fmt.Fprintln(w, "done")
	})
	server := &http.Server{Handler: mux}
	ln, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if how == "drops" {
		_ = server.Serve(ln) // until SIGTERM, which nothing handles
		return
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() { _ = server.Serve(ln) }() // it returns when Shutdown is called
	<-stop
	if err := server.Shutdown(context.Background()); err != nil {
		os.Exit(1)
	}
}

// fakeT keeps what Gate says.
type fakeT struct {
	ctx           context.Context
	logged, fatal string
}

func (f *fakeT) Helper()                           {}
func (f *fakeT) Context() context.Context          { return f.ctx }
func (f *fakeT) Logf(format string, args ...any)   { f.logged += fmt.Sprintf(format, args...) }
func (f *fakeT) Fatalf(format string, args ...any) { f.fatal += fmt.Sprintf(format, args...) }

func server(how string) harness.Server {
	return harness.Server{
		Command: []string{os.Args[0]}, Env: map[string]string{envStops: how},
		URL: "/work", Ready: "/health", Rate: 200, Shutdowns: 2, Grace: 5 * time.Second,
	}
}

// TestGate: the test of a user's fails with the table, and says why, unless the server
// drains.
func TestGate(t *testing.T) {
	missing, little, impossible := server("drains"), server("drains"), server("drains")
	missing.Command = []string{"./no-such-server"}
	little.Shutdowns, little.Rate = 1, 20
	impossible.Change = func(s *scenario.Scenario) { s.Load.Method = "BREW" }
	for name, c := range map[string]struct {
		server harness.Server
		says   []string // of the failure; none: it passes
	}{
		"drains":     {server("drains"), nil},
		"drops":      {server("drops"), []string{"fail\n", "verdict", ": FAIL", "SIGTERM"}},
		"too little": {little, []string{"inconclusive\n", ": INCONCLUSIVE", "are needed"}},
		"no program": {missing, []string{"lastcall could not test ./no-such-server: ", "subject.command"}},
		"impossible": {impossible, []string{`load.method is "BREW", must be one of GET`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			var got fakeT
			for try := 1; ; try++ {
				got = fakeT{ctx: t.Context()}
				harness.Gate(&got, c.server)
				if !strings.HasPrefix(got.fatal, "inconclusive") || name == "too little" || !testrun.Again(t, try) {
					break
				}
			}
			for _, says := range c.says {
				if !strings.Contains(got.fatal, says) {
					t.Errorf("it does not say %q:\n%s", says, got.fatal)
				}
			}
			if len(c.says) == 0 && (got.fatal != "" || !strings.HasPrefix(got.logged, "pass\n")) {
				t.Errorf("it failed: %s\n%s", got.fatal, got.logged)
			}
		})
	}
}

// A rate that is not given is found out, as lastcall test does it.
func TestGateCalibrates(t *testing.T) {
	t.Parallel()
	s := server("drains")
	s.Rate, s.Shutdowns = 0, 0
	suite, err := s.Test(t.Context())
	if err != nil || suite.Scenario.Load.Rate < 20 || suite.Scenario.Shutdowns < 3 || len(suite.Subjects) != 1 {
		t.Errorf("%+v: %v", suite.Scenario, err)
	}
}
