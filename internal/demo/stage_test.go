package demo

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lastcall/internal/highlight"
	"lastcall/targets"
)

// await waits until something is so.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after %s", what, patience)
		}
	}
}

// TestStage drives the stage as several impatient viewers do: the last change
// holds, nobody deploys twice, and a server that ignores its signal can be killed.
func TestStage(t *testing.T) {
	settings := Opening()
	settings.Rate, settings.Delay, settings.Panels = 100, 50, []string{"naive", "drain", "signal-notify"}
	p := perform(t, settings)
	settings.Panels = []string{"ignores-term"}
	var changes sync.WaitGroup
	for range 3 {
		changes.Go(func() {
			if err := p.stage.Apply(settings); err != nil {
				t.Error(err)
			}
		})
	}
	changes.Wait()
	if err := p.stage.Send("SIGKILL"); !errors.Is(err, ErrNotNow) {
		t.Errorf("a signal to nobody: %v", err)
	}
	if err := p.stage.Deploy(); !errors.Is(err, ErrNotNow) {
		t.Errorf("a deployment of a server that is not warm: %v", err)
	}
	await(t, "warm server", p.stage.board.Ready)
	if err := p.stage.Deploy(); err != nil {
		t.Fatal(err)
	}
	if err := p.stage.Deploy(); !errors.Is(err, ErrNotNow) {
		t.Errorf("a second deployment: %v", err)
	}
	// The signal is on its way: until it has landed, a second one waits for it.
	if err := p.stage.Send("SIGKILL"); err != nil {
		t.Fatal(err)
	}
	await(t, "verdict", func() bool { return p.of("ignores-term").history != nil })
	if h := p.of("ignores-term").history; h.Exit.Signal != "SIGKILL" || h.Exit.Killed || len(h.Signal.Again) != 1 {
		t.Errorf("exit %+v, signals %+v", h.Exit, h.Signal)
	}
	await(t, "next server", p.stage.board.Ready)
	p.end()
	if err := p.stage.Apply(settings); err == nil {
		t.Error("servers are started after the end")
	}
}

// TestStageChangesUnderWhoeverPresses: signals and deployments that come in the
// middle of a change of settings meet the old servers, the new ones or nobody.
func TestStageChangesUnderWhoeverPresses(t *testing.T) {
	many := Opening()
	many.Rate, many.Delay, many.Panels = 100, 50, []string{"ignores-term", "ignores-term", "ignores-term"}
	one := many
	one.Panels = []string{"ignores-term"}
	p := perform(t, many)
	await(t, "warm server", p.stage.board.Ready)
	if err := p.stage.Deploy(); err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{})
	refused := 0
	var pressing sync.WaitGroup
	pressing.Go(func() {
		for {
			select {
			case <-changed:
				return
			default:
			}
			for _, err := range []error{p.stage.Send("SIGTERM"), p.stage.Deploy()} {
				if errors.Is(err, ErrNotNow) {
					refused++
				} else if err != nil {
					t.Error(err)
				}
			}
		}
	})
	for _, settings := range []Settings{one, many, one} {
		if err := p.stage.Apply(settings); err != nil {
			t.Error(err)
		}
	}
	close(changed)
	pressing.Wait()
	if refused == 0 {
		t.Error("nobody pressed during a change")
	}
	await(t, "warm server", p.stage.board.Ready)
}

// TestTwentyChangesAtOnce leave one state: what the board shows is what runs.
func TestTwentyChangesAtOnce(t *testing.T) {
	settings := Opening()
	settings.Rate, settings.Delay, settings.Panels = 100, 50, []string{"naive"}
	p := perform(t, settings)
	names := []string{"naive", "drain", "signal-notify", "early-exit", "close"}
	var changes sync.WaitGroup
	for i := range 20 {
		changes.Go(func() {
			mine := settings
			mine.Panels = []string{names[i%len(names)], names[(i+1+i/len(names))%len(names)]}
			if err := p.stage.Apply(mine); err != nil {
				t.Error(err)
			}
		})
	}
	changes.Wait()
	await(t, "warm server", p.stage.board.Ready)
	shown := p.stage.board.Settings()
	var runs []string
	for _, a := range p.stage.acts {
		runs = append(runs, a.plan.Subjects[0].Name())
	}
	if !slices.Equal(runs, shown.Panels) {
		t.Errorf("%v run, and the board shows %v", runs, shown.Panels)
	}
}

// TestDemoOffersWhatThereIs asks that every strategy is on the menu, with a source
// that shows its mistake, and that every step of the tour can be played.
func TestDemoOffersWhatThereIs(t *testing.T) {
	all := new(stage).Strategies()
	if len(all) != len(targets.All()) {
		t.Errorf("%d strategies of %d", len(all), len(targets.All()))
	}
	for i, strategy := range targets.All() {
		source := ""
		for _, piece := range all[i].Source {
			source += piece.Text
		}
		if !strings.HasSuffix(strategy.Source(), source) || strings.Contains(source, "package targets") || !strings.Contains(source, "func ") {
			t.Errorf("%s has the source %.60q...", strategy.Name, source)
		}
		marked := slices.ContainsFunc(all[i].Source, func(p highlight.Piece) bool { return p.Kind == "mistake" })
		if want := strings.Contains(strategy.Source(), highlight.Mistake); marked != want {
			t.Errorf("%s: the mistake is marked: %t, must be %t", strategy.Name, marked, want)
		}
	}
	for i, step := range Tour() {
		if err := step.Validate(all); err != nil {
			t.Errorf("step %d: %v", i+1, err)
		}
		if _, _, err := demoScenario(step, ""); err != nil {
			t.Errorf("step %d: %v", i+1, err)
		}
	}
}

// TestMenuIsPossible asks that no choice on the menu is one that the harness
// refuses.
func TestMenuIsPossible(t *testing.T) {
	m, all := Menu(), new(stage).Strategies()
	refused := 0
	for _, rate := range m.Rates {
		for _, delay := range m.Delays {
			for _, lag := range m.Lags {
				for _, signal := range m.Signals {
					s := Opening()
					s.Rate, s.Delay, s.Lag, s.Signal = rate, delay, lag, signal
					if s.Validate(all) != nil {
						refused++
						continue
					}
					if _, _, err := demoScenario(s, ""); err != nil {
						t.Errorf("%d a second, %d ms, lag %d, %s: %v", rate, delay, lag, signal, err)
					}
				}
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused: the bound of those who wait is not tried")
	}
}
