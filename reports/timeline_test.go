package reports

import (
	"strings"
	"testing"

	"lastcall/harness/result"
)

func TestStrip(t *testing.T) {
	base := result.Timeline{Shutdown: 1, FromMS: -10, ColumnMS: 5, Strip: "..x=r"}
	for name, c := range map[string]struct {
		change func(*result.Timeline)
		exit   float64
		exited bool
		want   string
	}{
		"both marks":                     {nil, 6, true, "..|x=#r"},
		"exit in the signal's column":    {nil, 0.1, true, "..|x#=r"},
		"no exit":                        {nil, 0, false, "..|x=r"},
		"exit beyond what is shown":      {nil, 99, true, "..|x=r"},
		"letters that nobody knows":      {func(t *result.Timeline) { t.Strip = "\x1b[2\xff" }, 0, false, "  |  "},
		"a signal that is not in it":     {func(t *result.Timeline) { t.FromMS = 100 }, 0, false, "..x=r"},
		"the signal before all of it":    {func(t *result.Timeline) { t.FromMS = 0 }, 6, true, "|..#x=r"},
		"floating point is not in doubt": {func(t *result.Timeline) { t.FromMS = -9.999999999 }, 6, true, "..|x=#r"},
	} {
		timeline := base
		if c.change != nil {
			c.change(&timeline)
		}
		if got := strip(timeline, c.exit, c.exited); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestOnlyAFailureHasATimeline: and none that was made up is drawn.
func TestOnlyAFailureHasATimeline(t *testing.T) {
	shown := func(suite result.Suite) bool {
		return strings.Contains(render(t, Style{}.Table, suite), "each letter stands for")
	}
	if !shown(failing()) {
		t.Error("a failure shows no timeline")
	}
	for name, change := range map[string]func(*result.Subject){
		"a pass":                   func(s *result.Subject) { s.Verdict = result.Pass },
		"an inconclusive one":      func(s *result.Subject) { s.Verdict = result.Inconclusive },
		"of a shutdown unknown":    func(s *result.Subject) { s.Timeline.Shutdown = 9 },
		"of columns without width": func(s *result.Subject) { s.Timeline.ColumnMS = 0 },
		"too wide for a terminal":  func(s *result.Subject) { s.Timeline.Strip = strings.Repeat(".", 5000) },
		"none":                     func(s *result.Subject) { s.Timeline = nil },
	} {
		suite := failing()
		change(&suite.Subjects[0])
		if shown(suite) {
			t.Errorf("%s shows a timeline", name)
		}
	}
}

// TestLegendHidesNothing: a loss that no letter shows is said all the same.
func TestLegendHidesNothing(t *testing.T) {
	suite := failing()
	suite.Subjects[0].Timeline.Strip = ".. .......!rrrrrr"
	suite.Subjects[0].Details[0].Requests.Rejected = 70
	text := strings.Join(strings.Fields(render(t, Style{}.Table, suite)), " ")
	if want := ". completed, (50 dropped, among others), ! 70 rejected, r refused, | the signal, # exit after 1 ms"; !strings.Contains(text, want) {
		t.Errorf("%q is missing in\n%s", want, text)
	}
}
