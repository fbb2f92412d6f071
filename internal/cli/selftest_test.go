package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/reports"
	"lastcall/scenarios"
	"lastcall/targets"
)

// TestEveryScenarioExpectsSomethingOfEveryStrategy keeps compare --all and explain
// from having holes.
func TestEveryScenarioExpectsSomethingOfEveryStrategy(t *testing.T) {
	for _, name := range scenarios.Names() {
		s, err := loadScenario(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, strategy := range targets.All() {
			if check.Expected(s.Expect, strategy.Name) == nil {
				t.Errorf("%s expects nothing of %s", name, strategy.Name)
			}
		}
	}
}

// TestTheTrackRecordIsComplete asks that every fault shows in the scenario that is
// said to show it, by the rule that is said to be broken, and that every right
// strategy passes there: or selftest would prove nothing.
func TestTheTrackRecordIsComplete(t *testing.T) {
	shown := showing()
	for _, strategy := range targets.All() {
		if !strategy.Faulty {
			for _, name := range shown {
				if got := expected(t, name, strategy.Name); !slices.Equal(got, []string{check.ExpectPass}) {
					t.Errorf("%s is expected to break %v of %s, and is right", strategy.Name, got, name)
				}
			}
			continue
		}
		if !slices.Contains(shown, strategy.Shows) {
			t.Errorf("%s is shown by %q, which is no scenario", strategy.Name, strategy.Shows)
			continue
		}
		if got := expected(t, strategy.Shows, strategy.Name); !slices.Contains(got, strategy.Breaks) {
			t.Errorf("%s is expected to break %v in %s, and is said to break %s", strategy.Name, got, strategy.Shows, strategy.Breaks)
		}
	}
}

func expected(t *testing.T, scenario, strategy string) []string {
	t.Helper()
	s, err := loadScenario(scenario)
	if err != nil {
		t.Fatal(err)
	}
	return check.Expected(s.Expect, strategy)
}

func TestWhatIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		cell result.Cell
		want bool
	}{
		{"as expected", result.Cell{Verdict: result.Fail}, false},
		{"a miss", result.Cell{Verdict: result.Pass, Surprise: "missed"}, true},
		{"not judged", result.Cell{Verdict: result.Inconclusive}, true},
		{"a false alarm", result.Cell{Verdict: result.Fail, Surprise: "false alarm"}, false},
	} {
		if got := worthAnother(c.cell); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestColumnsBeginWithTheOrdinaryScenario(t *testing.T) {
	got := columns()
	if got[0] != scenarios.Default || len(got) != len(scenarios.Names()) {
		t.Errorf("columns %v of %v", got, scenarios.Names())
	}
}

// TestReadmeTrackRecord keeps the README's table what selftest would print if all is
// as expected.
func TestReadmeTrackRecord(t *testing.T) {
	var m result.Matrix
	for _, s := range targets.All() {
		if s.Faulty {
			m.Rows = append(m.Rows, result.Row{
				Subject: s.Name, Bug: s.Bug, Title: s.BugTitle(), Breaks: s.Breaks,
				Cells: []result.Cell{{Scenario: s.Shows, Expected: expected(t, s.Shows, s.Name)}},
			})
		}
	}
	var want strings.Builder
	if err := reports.TrackMarkdown(&want, m); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), want.String()) {
		t.Errorf("the README's track record is not\n%s", want.String())
	}
}
