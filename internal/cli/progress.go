package cli

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"

	"lastcall/harness"
)

// progress shows on a terminal what is being done; elsewhere it shows nothing.
type progress struct{ bar *progressbar.ProgressBar }

func newProgress(w io.Writer, quiet bool, total int) *progress {
	if quiet || !isTerminal(w) {
		return &progress{}
	}
	return &progress{progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(24),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.ThemeASCII),
	)}
}

func (p *progress) step(s harness.Step) {
	if p.bar == nil {
		return
	}
	p.bar.Describe(fmt.Sprintf("%s, shutdown %d of %d: %s", s.Subject, s.Shutdown, s.Of, s.Doing))
	_ = p.bar.Set(s.Finished) // a bar that cannot be drawn is not worth a word
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish() // as above
	}
}
