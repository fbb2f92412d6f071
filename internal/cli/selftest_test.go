package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
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
		{"one bug of two", result.Cell{Verdict: result.Fail, Broken: []string{"a"}, Expected: []string{"a", "b"}, Surprise: "one is missed"}, true},
		{"a false alarm", result.Cell{Verdict: result.Fail, Broken: []string{"a"}, Expected: []string{"pass"}, Surprise: "false alarm"}, false},
		{"a false alarm beside a bug", result.Cell{Verdict: result.Fail, Broken: []string{"a", "b"}, Expected: []string{"a"}, Surprise: "false alarm"}, false},
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

// TestReadmeTrackRecord keeps the table of docs/strategies.md what selftest would print if all is
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
	want := reports.Bugs(m)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "strategies.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), want) {
		t.Errorf("the track record in docs/strategies.md is not\n%s", want)
	}
}

// TestWhatSelftestComesTo hands the survey verdicts, for there is no lastcall that
// detects less to be had.
func TestWhatSelftestComesTo(t *testing.T) {
	fails := func(rules ...string) result.Subject {
		s := result.Subject{Verdict: result.Fail, Shutdowns: 1, ShutdownsFailed: 1}
		for _, rule := range rules {
			s.Findings = append(s.Findings, result.Finding{Rule: rule, Status: result.Violated, Count: 5})
		}
		return s
	}
	passes, unjudged := result.Subject{Verdict: result.Pass, Shutdowns: 1}, result.Subject{Shutdowns: 1}
	for _, c := range []struct {
		name     string
		strategy string
		tries    []result.Subject // in each scenario
		code     int
		says     string
	}{
		{"caught", "close", []result.Subject{fails(check.InFlightCompletes)}, 0, "PASS: 1 of 1 faulty"},
		{"missed three times", "close", []result.Subject{passes, passes, passes}, exitFail, "MISSED"},
		{"missed, then caught", "close", []result.Subject{passes, fails(check.InFlightCompletes)}, 0, "1 of 2"},
		{"for another reason", "close", []result.Subject{fails(check.ExitStatus)}, exitFail, "OTHER REASON"},
		{"never judged", "close", []result.Subject{unjudged, unjudged, unjudged}, exitInconclusive, "INCONCLUSIVE: 0 of 1 faulty"},
		{"a false alarm is not tried again", "drain", []result.Subject{fails(check.InFlightCompletes), passes}, exitFail, "but PASS was expected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, log strings.Builder
			strategy, _ := targets.ByName(c.strategy)
			err := survey{
				strategies: []targets.Strategy{strategy}, scenarios: columns(), shutdowns: 1, takes: tracked, strict: true, err: &log,
				judge: func(_ context.Context, course course, _ func(run.Step)) (result.Suite, error) {
					s := c.tries[course.tries]
					s.Name = c.strategy
					return result.Suite{Subjects: []result.Subject{s}}, nil
				},
			}.conclude(t.Context(), streams{out: &out, err: &log}, &outputOptions{}, reports.TrackFormats, check.AsExpected)
			code := 0
			if exit, ok := errors.AsType[*exitError](err); ok {
				code = exit.code
			}
			if code != c.code || !strings.Contains(out.String(), c.says) {
				t.Errorf("exit %d (%v), want %d and %q in:\n%s", code, err, c.code, c.says, out.String())
			}
		})
	}
}

// TestSideBySide: courses of a light load are run together, a strategy each, and a
// matrix shows them in the order in which they were asked for.
func TestSideBySide(t *testing.T) {
	if runtime.NumCPU() == 1 {
		t.Skip("nothing is run side by side on one processor")
	}
	var strategies []targets.Strategy
	for _, name := range []string{"naive", "signal-notify", "drain", "close"} {
		strategy, _ := targets.ByName(name)
		strategies = append(strategies, strategy)
	}
	names := []string{"double-signal", "steady", "overrun", "long-lived"} // all light but the second
	var mu sync.Mutex
	running, most := 0, 0
	heavy := 0
	three := make(chan struct{}) // closed when three are running
	s := survey{
		strategies: strategies, scenarios: names, shutdowns: 1, err: io.Discard,
		judge: func(ctx context.Context, c course, _ func(run.Step)) (result.Suite, error) {
			mu.Lock() // the counts
			running++
			most = max(most, running)
			if c.scenario.Name == "steady" {
				heavy = max(heavy, running)
			} else if running == sideBySide && most == sideBySide {
				select {
				case <-three:
				default:
					close(three)
				}
			}
			mu.Unlock()
			if c.scenario.Name != "steady" {
				<-three
			}
			mu.Lock() // as above
			running--
			mu.Unlock()
			var suite result.Suite
			for _, name := range c.names {
				suite.Subjects = append(suite.Subjects, result.Subject{Name: name, Verdict: result.Pass, Shutdowns: 1})
			}
			return suite, nil
		},
	}
	m, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if most != sideBySide || heavy != 1 {
		t.Errorf("%d at a time at most, %d beside a heavy one", most, heavy-1)
	}
	for _, row := range m.Rows {
		var got []string
		for _, c := range row.Cells {
			got = append(got, c.Scenario)
		}
		if !slices.Equal(got, names) {
			t.Errorf("%s: %q", row.Subject, got)
		}
	}
}

func TestNothingExpectedIsNoSuccess(t *testing.T) {
	cell := survey{strict: true}.cell(course{scenario: scenario.Scenario{Name: "steady"}}, result.Subject{Name: "hurry"})
	if !strings.Contains(cell.Surprise, "below expect in scenarios/steady.yaml") {
		t.Errorf("it is surprised by %q", cell.Surprise)
	}
}
