package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// linesOf stands in for the store of the sample service.
func linesOf(_ context.Context, path string) ([]string, error) {
	text, err := os.ReadFile(path)
	return strings.Fields(string(text)), err
}

func TestAppliedPrintsWhatTheStoreHolds(t *testing.T) {
	path := t.TempDir() + "/store"
	if err := os.WriteFile(path, []byte("a-1-0\na-1-1 a-1-1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		store sampleStore
		args  []string
		want  string
		says  string // of the error
	}{
		{"a store", sampleStore{ids: linesOf}, []string{path}, "a-1-0\na-1-1\na-1-1\n", ""},
		{"no such file", sampleStore{ids: linesOf}, []string{path + "x"}, "", "no such file"},
		{"no store", sampleStore{}, []string{path}, "", "has no store"},
		{"no file", sampleStore{ids: linesOf}, nil, "", "needs the file of a store"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := newApplied(streams{out: &out}, c.store)
			cmd.SetArgs(c.args)
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			err := cmd.ExecuteContext(t.Context())
			if out.String() != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("printed %q, error %v; want %q, and an error that says %q", out.String(), err, c.want, c.says)
			}
		})
	}
	full := newApplied(streams{out: failing{}}, sampleStore{ids: linesOf})
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

// TestStoreIsAskedOnlyForWhatItHolds: whoever writes elsewhere too would be told
// that all of that is lost.
func TestStoreIsAskedOnlyForWhatItHolds(t *testing.T) {
	store := sampleStore{env: "STORE", paths: []string{"/orders", "/async"}, ids: linesOf}
	post := func(urls ...string) (all []scenario.Target) {
		for _, url := range urls {
			all = append(all, scenario.Target{Method: "POST", URL: url})
		}
		return all
	}
	for _, c := range []struct {
		name  string
		store sampleStore
		load  scenario.Load
		want  bool
	}{
		{"orders", store, scenario.Load{Requests: post("/orders")}, true},
		{"both, with a query", store, scenario.Load{Requests: post("/orders?delay=1s", "/async?x={id}")}, true},
		{"by the load's method", store, scenario.Load{Method: "POST", Requests: []scenario.Target{{URL: "/orders"}}}, true},
		{"orders and what changes nothing", store, scenario.Load{Method: "GET", Requests: append(post("/orders"), scenario.Target{URL: "/work"})}, true},
		{"orders and work", store, scenario.Load{Requests: post("/orders", "/work")}, false},
		{"work alone", store, scenario.Load{Method: "POST"}, false},
		{"nothing that changes anything", store, scenario.Load{Method: "GET", Requests: []scenario.Target{{URL: "/orders"}}}, false},
		{"whatever stands in a file", store, scenario.Load{Requests: post("/orders"), RequestsFile: "more.txt"}, false},
		{"a service without a store", sampleStore{}, scenario.Load{Requests: post("/orders")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.store.witness(subject.Strategy{Label: "naive"}, scenario.Scenario{Load: c.load}, "/bin/lastcall")
			want := subject.Strategy{Label: "naive"}
			if c.want {
				want.Store = "STORE"
				want.Applied, want.Supervisor = []string{"/bin/lastcall", "applied", "{store}"}, []string{"/bin/lastcall", "supervise"}
			}
			if s.Store != want.Store || !slices.Equal(s.Applied, want.Applied) || !slices.Equal(s.Supervisor, want.Supervisor) {
				t.Errorf("%+v, want %+v", s, want)
			}
		})
	}
}
