package reports

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// TestTheColumnsInFlightAddUp: an answer that stood in no column would make a row
// look clean.
func TestTheColumnsInFlightAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		suite := drawSuite(t)
		for i := range suite.Subjects {
			c := &suite.Subjects[i].InFlight
			c.Total, c.Refused, c.Unsent = c.Total-c.Refused-c.Unsent, 0, 0 // neither was in flight
		}
		all := Style{}.columnsOf(suite)
		for _, s := range suite.Subjects {
			sum := 0
			r := room{name: 10, exit: 10, number: func(n int) string { sum += n; return "" }}
			for _, c := range all {
				if c.group == "in flight" {
					c.cell(s, r)
				}
			}
			if sum != s.InFlight.Total {
				t.Fatalf("the columns hold %d of %+v", sum, s.InFlight)
			}
		}
	})
}

func TestColumnsAreThereWhereTheyAreNeeded(t *testing.T) {
	acks := passing()
	acks.Subjects[0].Findings = []result.Finding{{Rule: "no-lost-ack", Status: result.Violated, Count: 4}}
	told := passing()
	told.Subjects[0].Details = []result.Detail{{Intact: true, Parked: []result.Parked{{Kind: "websocket", Held: 5, Clean: 5}}}}
	reloaded := passing()
	reloaded.Scenario.Disruption.While = []string{"reload"}
	reloaded.Subjects[0].Details = []result.Detail{
		{Intact: true, Parked: []result.Parked{{Kind: "websocket", Held: 5, Clean: 4, Cut: 1, Ended: 5}, {Kind: "silent", Held: 3, Clean: 3}}},
		{Parked: []result.Parked{{Kind: "websocket", Held: 5, Clean: 5, Ended: 5}}},
	}
	ready := unloaded()
	ready.Scenario.Disruption.When = scenario.Ready
	usual := []string{"strategy", "in flight completed", "rejected", "dropped", "late dropped", "at risk", "refused", "exit", "verdict"}
	with := func(at int, title string) []string { return slices.Insert(slices.Clone(usual), at, title) }
	failed := passing()
	failed.Subjects[0].InFlight.Failed = 1
	for name, c := range map[string]struct {
		suite result.Suite
		want  []string
		cells string // some of the first row
	}{
		"as ever":             {passing(), usual, "150 0 0 0 6 34"},
		"nobody":              {suiteOf(), usual, ""},
		"a wrong answer":      {failed, with(3, "failed"), "150 0 1 0 0 6 34"},
		"an ack that is lost": {acks, with(7, "lost acks"), "34 4 0, 103 ms"},
		"parked and told":     {told, with(7, "parked cut"), "34 0 0, 103 ms"},
		"ended by a command":  {reloaded, slices.Insert(with(7, "cut"), 7, "parked ended"), "34 5 1 0, 103 ms"},
		"no load":             {ready, []string{"strategy", "exit", "verdict"}, "signal-notify 0/SIGTERM, 103 ms PASS"},
	} {
		t.Run(name, func(t *testing.T) {
			all := Style{}.columnsOf(c.suite)
			var got []string
			before := column{}
			for _, one := range all {
				got, before = append(got, one.title(before)), one
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("columns %q, want %q", got, c.want)
			}
			if len(c.suite.Subjects) == 0 {
				return
			}
			if row := strings.Join(rowOf(all, c.suite.Subjects[0], rooms[0]), " "); !strings.Contains(row, c.cells) {
				t.Errorf("row %q, want %q in it", row, c.cells)
			}
		})
	}
}
