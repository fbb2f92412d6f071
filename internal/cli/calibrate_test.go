package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
)

// TestWhoseRate: a rate that somebody has given is his; a server that lastcall may not
// try things out on gets a gentle one.
func TestWhoseRate(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	command := func(s *scenario.Scenario) { s.Subject.Command = []string{"./server"} }
	earlier := &baseline{suites: []result.Suite{{Scenario: scenario.Scenario{Load: scenario.Default().Load}}}}
	earlier.suites[0].Scenario.Load.Rate = 123
	for name, c := range map[string]struct {
		flags   []string
		from    string
		against *baseline
		change  func(*scenario.Scenario)
		rate    int // 0: it is to be found out
	}{
		"a command":                    {nil, "", nil, command, 0},
		"a command, and a rate":        {[]string{"--rate", "77"}, "", nil, command, 500},
		"a baseline":                   {nil, "", earlier, command, 123},
		"a baseline, and a rate":       {[]string{"--rate", "77"}, "", earlier, command, 500},
		"a file without a rate":        {nil, file("none.yaml", "load: {warm-up: 1s}\n"), nil, command, 0},
		"a file with an empty rate":    {nil, file("empty.yaml", "load:\n  rate:\n"), nil, command, 0},
		"a file with a rate":           {nil, file("rate.yaml", "load: {rate: 90}\n"), nil, command, 500},
		"a scenario with a rate":       {[]string{"--scenario", "overrun"}, "", nil, command, 500},
		"a scenario that leaves it":    {[]string{"--scenario", "startup"}, "", nil, command, 0},
		"a server that runs already":   {nil, "", nil, func(s *scenario.Scenario) { s.Disruption.While = []string{"reload"} }, run.GentleRate},
		"a command that stays up":      {nil, "", nil, func(s *scenario.Scenario) { command(s); s.Disruption.While = []string{"reload"} }, run.GentleRate},
		"a server on another machine":  {nil, "", nil, func(s *scenario.Scenario) { command(s); s.Subject.AllowRemote = true }, run.GentleRate},
		"a signal before any request":  {nil, "", nil, func(s *scenario.Scenario) { command(s); s.Disruption.When = "ready" }, 500},
		"a file whose text is no YAML": {nil, file("bad.yaml", "load: ["), nil, command, 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := &testOptions{runOptions: *newRunOptions(), from: c.from}
			f := pflag.NewFlagSet("test", pflag.ContinueOnError)
			o.register(f)
			if err := f.Parse(c.flags); err != nil {
				t.Fatal(err)
			}
			s := scenario.Default()
			c.change(&s)
			prepare := o.pace(&s, f, c.against)
			if (prepare != nil) != (c.rate == 0) || c.rate > 0 && s.Load.Rate != c.rate {
				t.Errorf("to be found out: %t; rate %d, want %d", prepare != nil, s.Load.Rate, c.rate)
			}
		})
	}
}

// TestSuited: the fewer requests are open, the more shutdowns.
func TestSuited(t *testing.T) {
	for _, c := range []struct {
		rate      int
		takes     time.Duration
		fixed     bool
		shutdowns int
	}{
		{500, 100 * time.Millisecond, false, 3},
		{7, time.Second, false, 5},
		{7, 100 * time.Millisecond, false, 10},
		{7, 100 * time.Millisecond, true, 3},
		{500, time.Millisecond, false, 3},
		{100, 50 * time.Millisecond, false, 6},
	} {
		s := scenario.Default()
		found := run.Calibration{Rate: c.rate, Takes: c.takes, Asked: 50, Completed: 10}
		more := found.Suit(&s, c.fixed)
		if s.Shutdowns != c.shutdowns || s.Load.Rate != c.rate || more != (c.shutdowns > 3) {
			t.Errorf("%+v: %d shutdowns at %d/s, more: %t", c, s.Shutdowns, s.Load.Rate, more)
		}
		if said := tellPace(s, found, more); strings.Contains(said, "(--shutdowns") != more || !strings.Contains(said, "of 50 it completed 10") {
			t.Errorf("it is said: %q", said)
		}
	}
}
