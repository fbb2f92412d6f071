package cli

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"

	"lastcall/harness/probe"
	"lastcall/harness/run"
)

// progress shows on a terminal what is being done; elsewhere it shows nothing.
type progress struct {
	terminal io.Writer // nil: it is none
	bar      *progressbar.ProgressBar
	occasion string // what each subject is put through

	base, total int // shutdowns that earlier runs have finished, and those of all runs

	name            string // of the subject that is probed
	before, subject int    // repeats of the subjects before it, and its own
}

func newProgress(w io.Writer, quiet bool, plan run.Plan) *progress {
	occasion := "shutdown"
	if len(plan.Scenario.Disruption.While) > 0 {
		occasion = "run"
	}
	return newProgressOver(w, quiet, occasion, len(plan.Subjects)*plan.Scenario.Shutdowns)
}

// newSurveyProgress shows how far several runs have come.
func newSurveyProgress(w io.Writer, quiet bool, courses []course) *progress {
	total := 0
	for _, c := range courses {
		total += len(c.names) * c.scenario.Shutdowns
	}
	return newProgressOver(w, quiet, "shutdown", total)
}

func newProgressOver(w io.Writer, quiet bool, occasion string, total int) *progress {
	p := &progress{occasion: occasion, total: total}
	if isTerminal(w) {
		p.terminal = w
		if !quiet && !dumb() { // a bar returns to the begin of its line
			p.bar = newBar(w, total)
		}
	}
	return p
}

// newProbeProgress shows how many repeats of probes are done.
func newProbeProgress(w io.Writer, quiet bool) *progress {
	p := new(progress)
	if isTerminal(w) {
		p.terminal = w
		if !quiet && !dumb() { // a bar returns to the begin of its line
			p.bar = newBar(w, 1) // how many there are is told with the first
		}
	}
	return p
}

// probed is told that a repeat is done.
func (p *progress) probed(s probe.Step) {
	if p.bar == nil {
		return
	}
	if p.name != s.Subject { // the next one
		p.name, p.before = s.Subject, p.before+p.subject
		p.subject = s.Total
		p.bar.ChangeMax(p.before + s.Total)
	}
	p.bar.Describe(s.Subject + ", " + s.Probe)
	_ = p.bar.Set(p.before + s.Finished) // as in step
}

func newBar(w io.Writer, total int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(24),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.ThemeASCII),
	)
}

func (p *progress) step(s run.Step) {
	if p.bar == nil {
		return
	}
	p.bar.Describe(fmt.Sprintf("%s, %s %d of %d: %s", s.Subject, p.occasion, s.Shutdown, s.Of, s.Doing))
	_ = p.bar.Set(p.base + s.Finished) // a bar that cannot be drawn is not worth a word
}

// stepIn is step for one of several runs.
func (p *progress) stepIn(scenario string) func(run.Step) {
	return func(s run.Step) {
		s.Subject = scenario + ": " + s.Subject
		p.step(s)
	}
}

// more adds shutdowns to those that are to be done.
func (p *progress) more(shutdowns int) {
	if p.total += shutdowns; p.bar != nil && shutdowns > 0 {
		p.bar.ChangeMax(p.total)
	}
}

// finish leaves an empty line for what follows. After Ctrl-C the terminal has
// written ^C behind the bar, where the bar does not clear it.
func (p *progress) finish(interrupted bool) {
	if p.bar != nil {
		_ = p.bar.Finish() // as above
	}
	if interrupted && p.terminal != nil {
		fmt.Fprintln(p.terminal)
	}
}
