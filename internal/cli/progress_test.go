package cli

import (
	"os"
	"strings"
	"testing"

	"lastcall/harness/run"
	"lastcall/harness/scenario"
)

// TestAnInterruptedBarLeavesAnEmptyLine: the terminal's own ^C must not stand in
// the first line of the table.
func TestAnInterruptedBarLeavesAnEmptyLine(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		var screen strings.Builder
		p := &progress{terminal: &screen, bar: newBar(&screen, 3), occasion: "run"}
		p.step(run.Step{Subject: "api", Shutdown: 2, Of: 3, Doing: "load", Finished: 1})
		if !strings.Contains(screen.String(), "api, run 2 of 3: load") {
			t.Errorf("it shows %q", screen.String())
		}
		p.finish(interrupted)
		if strings.HasSuffix(screen.String(), "\n") != interrupted {
			t.Errorf("interrupted %t, and it ends in %q", interrupted, screen.String())
		}
	}
}

func TestWithoutATerminalNothingIsShown(t *testing.T) {
	var screen strings.Builder
	p := newProgress(&screen, false, run.Plan{})
	p.step(run.Step{Subject: "api"})
	p.finish(true)
	if screen.Len() > 0 {
		t.Errorf("%q", screen.String())
	}
}

// TestADumbTerminalGetsNoBar: it can do no more than print one line after the other.
func TestADumbTerminalGetsNoBar(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0) // the controlling side is a terminal as well
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	defer terminal.Close()
	if !isTerminal(terminal) {
		t.Skip("the controlling side is no terminal here")
	}
	for term, want := range map[string]bool{"xterm": true, "dumb": false} {
		t.Setenv("TERM", term)
		for name, p := range map[string]*progress{
			"a run": newProgress(terminal, false, run.Plan{}), "probes": newProbeProgress(terminal, false),
		} {
			if p.bar != nil != want || p.terminal == nil {
				t.Errorf("%s on a %s: a bar: %t, want %t", name, term, p.bar != nil, want)
			}
		}
	}
}

func TestAnOperationIsNoShutdown(t *testing.T) {
	plan := run.Plan{Scenario: scenario.Default()}
	if got := newProgress(nil, true, plan).occasion; got != "shutdown" {
		t.Errorf("it is a %s", got)
	}
	plan.Scenario.Disruption.While = []string{"reload"}
	if got := newProgress(nil, true, plan).occasion; got != "run" {
		t.Errorf("it is a %s", got)
	}
}
