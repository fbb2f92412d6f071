package samples

import (
	"slices"
	"strings"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/targets"
)

// TestStoreIsAskedOnlyForWhatItHolds: if a load writes elsewhere too, the store would
// make all of that look lost.
func TestStoreIsAskedOnlyForWhatItHolds(t *testing.T) {
	post := func(urls ...string) (all []scenario.Target) {
		for _, url := range urls {
			all = append(all, scenario.Target{Method: "POST", URL: url})
		}
		return all
	}
	for _, c := range []struct {
		name string
		load scenario.Load
		want bool
	}{
		{"orders", scenario.Load{Requests: post("/orders")}, true},
		{"both, with a query", scenario.Load{Requests: post("/orders?delay=1s", "/async?x={id}")}, true},
		{"by the load's method", scenario.Load{Method: "POST", Requests: []scenario.Target{{URL: "/orders"}}}, true},
		{"orders and what changes nothing", scenario.Load{Method: "GET", Requests: append(post("/orders"), scenario.Target{URL: "/work"})}, true},
		{"orders and work", scenario.Load{Requests: post("/orders", "/work")}, false},
		{"work alone", scenario.Load{Method: "POST"}, false},
		{"nothing that changes anything", scenario.Load{Method: "GET", Requests: []scenario.Target{{URL: "/orders"}}}, false},
		{"what stands in a file", scenario.Load{Requests: post("/orders"), RequestsFile: "more.txt"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := withStore(subject.Strategy{Label: "naive"}, scenario.Scenario{Load: c.load}, "/bin/lastcall")
			want := subject.Strategy{Label: "naive"}
			if c.want {
				want.Store = targets.EnvStore
				want.Applied, want.Supervisor = []string{"/bin/lastcall", "applied", "{store}"}, []string{"/bin/lastcall", "supervise"}
			}
			if s.Store != want.Store || !slices.Equal(s.Applied, want.Applied) || !slices.Equal(s.Supervisor, want.Supervisor) {
				t.Errorf("%+v, want %+v", s, want)
			}
		})
	}
}

func TestPlanRefusesNames(t *testing.T) {
	for _, c := range []struct {
		says  string
		names []string
	}{
		{"did you mean naive", []string{"naiv"}},
		{"separate names by spaces, as in naive close", []string{"naive,close"}},
		{"named twice", []string{"naive", "close", "naive"}},
	} {
		if _, err := Plan(scenario.Default(), check.Policies()[0], c.names, nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want an error that says %q", c.names, err, c.says)
		}
	}
	plan, err := Plan(scenario.Default(), check.Policies()[0], []string{"naive", "drain"}, Lag(scenario.Default().Disruption.Lag.Duration))
	if err != nil || len(plan.Subjects) != 2 || plan.Subjects[1].Name() != "drain" {
		t.Errorf("%v, %+v", err, plan.Subjects)
	}
}
