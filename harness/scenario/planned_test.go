package scenario_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/scenario"
)

func TestPlanned(t *testing.T) {
	const ms = time.Millisecond
	for sequence, want := range map[string][]scenario.Planned{
		"SIGTERM":                      {{Name: "SIGTERM"}},
		"SIGTERM,SIGINT":               {{Name: "SIGTERM"}, {Name: "SIGINT"}},
		"SIGTERM, 300ms, SIGTERM":      {{Name: "SIGTERM"}, {Name: "SIGTERM", Pause: 300 * ms, After: 300 * ms}},
		"SIGTERM,2s,SIGINT,1s,SIGKILL": {{Name: "SIGTERM"}, {Name: "SIGINT", Pause: 2000 * ms, After: 2000 * ms}, {Name: "SIGKILL", Pause: 1000 * ms, After: 3000 * ms}},
		"SIGTERM,10ms,SIGINT,SIGWINCH": {{Name: "SIGTERM"}, {Name: "SIGINT", Pause: 10 * ms, After: 10 * ms}, {Name: "SIGWINCH", After: 10 * ms}},
	} {
		if d := cmp.Diff(want, scenario.Disruption{Signal: sequence}.Planned()); d != "" {
			t.Errorf("%s (-want +got):\n%s", sequence, d)
		}
	}
}
