package run

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/process"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/bug"
)

// lookUp asks the subject's store what was applied. The command has the grace
// period for its work. What goes wrong with it stands in the history; an error
// is only that we were interrupted, or short of something ourselves.
func (s *shutdown) lookUp(ctx context.Context) error {
	c := s.subject.Lookup(s.server)
	if c.Path == "" {
		return nil
	}
	s.progress("looking up")
	a := &s.history.Applied
	a.Command = append([]string{c.Path}, c.Args...)
	out, err := subject.OpenPrinted(filepath.Join(s.dir, "applied"))
	if err != nil {
		return fmt.Errorf("look up what was applied: %w", err)
	}
	defer out.Close()
	c.Supervisor = out.Into(c.Supervisor)
	p, err := process.Start(c)
	if err != nil {
		a.Error = "cannot be started: " + err.Error()
		return nil
	}
	ids := &idReader{prefix: ledger.Prefix(s.history.Header.Run, s.history.Header.Ordinal), sent: len(s.history.Requests)}
	read := make(chan error, 1) // buffered: in the end there may be no reader
	go func() {
		defer bug.Catch()
		read <- out.Lines(ids.take)
	}()
	problem, err := s.awaitLookup(ctx, p, read)
	p.Close() // before the last lines are read: it waits for them, and ends whoever still prints
	if err != nil {
		return err
	}
	if problem == "" {
		problem = ids.into(a, out.Rest(read))
	}
	a.Looked, a.Error, a.Stderr = problem == "", problem, p.Stderr()
	return nil
}

// awaitLookup waits for the end of the command, or of our patience, and says
// what was wrong with it.
func (s *shutdown) awaitLookup(ctx context.Context, p *process.Process, read <-chan error) (problem string, err error) {
	grace := s.plan.Scenario.Disruption.Grace.Duration
	patience := time.NewTimer(grace) // a store that is gone may never answer
	defer patience.Stop()
	select {
	case <-p.Exited():
	case err := <-read: // before all writers were gone: it prints too much
		return err.Error(), nil
	case <-patience.C:
		return fmt.Sprintf("was still running after %s, the grace period", scenario.InWords(grace)), nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	switch exit := p.Exit(); {
	case exit.Err != nil:
		return "ended, and its exit was not seen: " + exit.Err.Error(), nil
	case exit.Signal != "":
		return "was ended by " + exit.Signal, nil
	case exit.Code != 0:
		return fmt.Sprintf("ended with exit code %d", exit.Code), nil
	}
	return "", nil
}

// idReader sorts what was printed.
type idReader struct {
	prefix  string // of the ids of this shutdown
	sent    int    // how many requests there were
	lines   []uint32
	foreign int
	strange int
	sample  string // the first strange line
}

// anID matches what runID and package ledger make.
var anID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9]+-[0-9]+$`)

// sampleWidth is how much of a strange line is kept, in bytes.
const sampleWidth = 80

func (r *idReader) take(line string) {
	line = strings.TrimSpace(line)
	seq, ours := ledger.Seq(line, r.prefix)
	switch {
	case line == "":
	case ours && int(seq) < r.sent:
		r.lines = append(r.lines, seq)
	case ledger.IsTrial(line) && anID.MatchString(line):
	case ours || anID.MatchString(line):
		r.foreign++
	default:
		if r.strange++; r.sample == "" {
			r.sample = strings.ToValidUTF8(line[:min(len(line), sampleWidth)], "?")
		}
	}
}

// Into keeps what was read, if all of it was. It returns what was wrong.
func (r *idReader) into(a *history.Applied, err error) (problem string) {
	if err != nil {
		return err.Error()
	}
	a.Lines, a.Foreign, a.Strange, a.Sample = r.lines, r.foreign, r.strange, r.sample
	return ""
}
