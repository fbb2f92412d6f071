// Package harness conducts experiments: it boots servers, loads them, sends the
// signal while requests are in flight, and collects what happened. It judges
// nothing; package check does.
//
//	Scenario ──> Run ──> []history.History ──> check.Judge ──> result.Suite
package harness

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"lastcall/harness/history"
)

// Plan is one run: every subject is shut down Scenario.Shutdowns times.
type Plan struct {
	Scenario Scenario
	Subjects []Subject
	Path     string // path and query of every request, as in "/work?delay=100ms"
	Seed     uint64 // of the jitter; shutdowns of the same number are paired over subjects
	Tool     history.Tool

	// Progress is told what is being done, if it is set. It is called from one
	// goroutine and must not block.
	Progress func(Step)
	// Done is handed every history as soon as it is complete, if it is set. An
	// error ends the run.
	Done func(*history.History) error
}

// Step is what a run is doing.
type Step struct {
	Subject  string
	Shutdown int    // from 1
	Of       int    // shutdowns of each subject
	Doing    string // "booting", "loading", "draining"
	Finished int    // shutdowns finished, of all subjects
	Total    int    // shutdowns of all subjects
}

// ErrInterrupted is what Run's error wraps when its context ended.
var ErrInterrupted = errors.New("interrupted")

// Run carries the plan out. The subjects are interleaved (A B C A B C), so that
// whatever changes on the machine meanwhile touches all alike. A shutdown that
// could not be carried out is a history with its Error set, not an error.
//
// When the context ends, the load stops, the subject is killed, and Run returns
// what it has, the last history being marked as interrupted, with an error that
// wraps ErrInterrupted.
func Run(ctx context.Context, p Plan) ([]*history.History, error) {
	p.Scenario = Complete(p.Scenario)
	if err := Validate(p.Scenario); err != nil {
		return nil, err
	}
	id, err := runID()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lastcall-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the ledgers: %w", err)
	}
	defer os.RemoveAll(dir)

	var histories []*history.History
	environment := Environment()
	total := len(p.Subjects) * p.Scenario.Shutdowns
	for n := 1; n <= p.Scenario.Shutdowns; n++ {
		for position, subject := range p.Subjects {
			if ctx.Err() != nil {
				return histories, fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
			}
			s := &shutdown{
				plan: &p, subject: subject, dir: dir, base: time.Now(),
				step: Step{
					Subject: subject.Name(), Shutdown: n, Of: p.Scenario.Shutdowns,
					Finished: len(histories), Total: total,
				},
			}
			s.history.Header = history.Header{
				Schema: history.Schema, Tool: p.Tool, Environment: environment,
				Run: id, Ordinal: len(histories) + 1,
				Subject: subject.Name(), Kind: subject.Kind(), Position: position, Shutdown: n,
				Seed: p.Seed, Started: s.base.UTC().Round(time.Millisecond), Scenario: p.Scenario,
			}
			s.run(ctx)
			histories = append(histories, &s.history)
			if p.Done != nil {
				if err := p.Done(&s.history); err != nil {
					return histories, err
				}
			}
		}
	}
	if ctx.Err() != nil {
		return histories, fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
	}
	return histories, nil
}

// runID makes ids unique over runs, so that a real table can carry them.
func runID() (string, error) {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make a run id: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}
