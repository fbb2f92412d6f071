// Package run conducts experiments: it boots subjects, loads them, sends the signal while
// requests are in flight, and collects what happened. It judges nothing; package check
// does.
//
//	scenario.Scenario ──> Run ──> []history.History ──> check.Judge ──> result.Suite
package run

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// Plan is one run: every subject is shut down Scenario.Shutdowns times.
type Plan struct {
	Scenario scenario.Scenario
	Subjects []subject.Subject
	Path     string // path and query of every request where the scenario names none, as in "/work?delay=100ms"; by default the subject's URL
	Seed     uint64 // of the jitter; shutdowns of the same number are paired over subjects
	Tool     history.Tool

	// PollReady asks the readiness check every 10 ms while the load lasts, which
	// is what the rule ready-flips-first judges.
	PollReady bool
	// Spill is a directory for the records of a long warm-up, which are folded
	// (history.Folded), until Done has saved the history with all of them. "": they are
	// forgotten.
	Spill string
	// Operator starts the command that is run instead of a signal.
	Operator Operator
	// Blurred reports whether what a shutdown lost is in doubt because lastcall was late,
	// or because the server got no CPU: then it is tried again, twice at most. Nil: it is
	// not asked. Package check has the answer (check.Blurred).
	Blurred func(*history.History) bool
	// Live makes the run wait for a watcher; nil: there is none.
	Live *Live

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
	Doing    string // "booting", "loading", "draining", "operating", "looking up"
	Finished int    // shutdowns finished, of all subjects
	Total    int    // shutdowns of all subjects
}

// Run carries the plan out. The subjects are interleaved (A B C A B C), so that
// whatever changes on the machine meanwhile touches all alike. A shutdown that
// could not be carried out is a history with its Error set, not an error. A
// subject that could not be booted is not booted again, nor one that lastcall cannot
// talk to or that is much too slow for the rate. A shutdown in which we could not keep
// to the schedule is repeated, twice at most; every try is a history, with the number
// of the shutdown, and Header.Repeats counts them.
//
// When the context ends, the load stops, the subject is killed, and Run returns
// what it has, the last history being marked as interrupted, with an error that
// wraps ErrInterrupted.
func Run(ctx context.Context, p Plan) ([]*history.History, error) {
	p.Scenario = scenario.Complete(p.Scenario)
	if err := p.Check(ctx); err != nil {
		return nil, err
	}
	id, err := NewID()
	if err != nil {
		return nil, err
	}
	dir, remove, err := subject.Workspace()
	if err != nil {
		return nil, err
	}
	defer remove()

	r := &runner{plan: &p, id: id, dir: dir, environment: Environment(), total: len(p.Subjects) * p.Scenario.Shutdowns}
	if r.total >= shelvedFrom {
		r.shelf, _ = newShelf(dir) // without one the records stay in memory
		defer r.shelf.close()
	}
	err = r.all(ctx)
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", subject.ErrInterrupted, context.Cause(ctx))
	}
	return r.histories, err
}

// maxRepeats is how often a shutdown is repeated because we ourselves could not
// keep to the schedule. On a busy machine that happens, and says nothing about
// the server; the history tells how often it did.
const maxRepeats = 2

// runner carries a plan out.
type runner struct {
	plan        *Plan
	id          string
	dir         string
	environment history.Environment
	total       int
	ordinal     int // of the last shutdown, repeated ones included: the ids of all differ
	finished    int // shutdowns, each with all its tries
	histories   []*history.History
	shelf       *shelf                // of a long run: where their records are
	spans       map[int]time.Duration // within which of its start a subject is signalled, by position: see rehearse
}

func (r *runner) all(ctx context.Context) error {
	hopeless := make(map[int]bool)
	for n := 1; n <= r.plan.Scenario.Shutdowns; n++ {
		for position := range r.plan.Subjects {
			if hopeless[position] {
				continue
			}
			if ctx.Err() != nil {
				return nil
			}
			s, err := r.shutdown(ctx, position, n)
			if err != nil {
				return err
			}
			hopeless[position] = s.server == nil || s.mute || n == 1 && swamped(&s.history)
			r.finished++
		}
	}
	return nil
}

// swamped reports whether a server is so much slower than the rate that to go on
// would only say so again.
func swamped(h *history.History) bool {
	pace, over := h.Overload()
	return over && pace.Completed < pace.Begun*2/3
}

// shutdown carries one out, and again if we ran behind our schedule. Every try is kept,
// and the last is returned.
func (r *runner) shutdown(ctx context.Context, position, n int) (*shutdown, error) {
	if failed := r.rehearse(ctx, position, n); failed != nil {
		return failed, r.keep(failed)
	}
	for repeats := 0; ; repeats++ {
		s := r.prepare(position, n)
		s.history.Header.Repeats = repeats
		s.run(ctx)
		if err := r.keep(s); err != nil {
			return s, err
		}
		late := s.history.Slip() > history.MaxSlip || r.plan.Blurred != nil && r.plan.Blurred(&s.history)
		if !late || repeats == maxRepeats || s.mute || r.plan.Live != nil || ctx.Err() != nil {
			return s, nil
		}
	}
}

// keep keeps what was seen, and hands it on. It keeps a copy, so that the rest of the
// shutdown, its load above all, is freed.
func (r *runner) keep(s *shutdown) error {
	h := new(history.History)
	*h = s.history
	r.histories = append(r.histories, h)
	defer func() {
		h.Spill.Close()
		h.Spill, s.history.Spill = nil, nil
		if r.shelf != nil {
			r.shelf.take(h)
		}
	}()
	if r.plan.Done == nil {
		return nil
	}
	return r.plan.Done(h)
}

func (r *runner) prepare(position, n int) *shutdown {
	r.ordinal++
	p, tested := r.plan, r.plan.Subjects[position]
	s := &shutdown{
		plan: p, subject: tested, dir: filepath.Join(r.dir, strconv.Itoa(r.ordinal)), base: time.Now(),
		step: Step{
			Subject: tested.Name(), Shutdown: n, Of: p.Scenario.Shutdowns,
			Finished: r.finished, Total: r.total,
		},
	}
	s.history.Header = history.Header{
		Schema: history.Schema, Tool: p.Tool, Environment: r.environment,
		Run: r.id, Ordinal: r.ordinal,
		Subject: tested.Name(), Kind: tested.Kind(), Position: position, Subjects: len(p.Subjects), Shutdown: n,
		Seed: p.Seed, Started: s.base.UTC().Round(time.Millisecond), Scenario: p.Scenario.Redacted(),
	}
	if p.Scenario.Disruption.When == scenario.Started {
		s.history.Header.Scenario.Load.Jitter.Duration = r.spans[position]
	}
	if tested.Kind() != scenario.KindStrategy { // it is not known how long another program's handler takes
		s.history.Header.Scenario.Subject.Delay.Duration = 0
	}
	return s
}

// Check refuses what cannot work, before anything is started.
func (p *Plan) Check(ctx context.Context) error {
	if err := scenario.Validate(p.Scenario); err != nil {
		return err
	}
	if err := p.checkLive(); err != nil {
		return err
	}
	for _, tested := range p.Subjects {
		if err := tested.Check(ctx); err != nil {
			return err
		}
		if err := p.checkWhen(tested); err != nil {
			return err
		}
		if tested.Kind() == scenario.KindRunning && len(p.Scenario.Disruption.While) == 0 {
			return &scenario.Invalid{Field: "disruption.while", Problem: "is missing: a server that runs already is not stopped, but measured while a command runs"}
		}
	}
	if err := p.Operator.check(p.Scenario.Disruption.While, p.Subjects); err != nil {
		return err
	}
	for _, tested := range p.Subjects {
		if _, err := p.Targets(ctx, tested.Expected()); err != nil {
			return err
		}
		if err := p.checkParked(tested.Expected()); err != nil {
			return err
		}
	}
	return nil
}

// NewID makes ids unique over runs, so that a real table can carry them.
func NewID() (string, error) {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make a run id: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}
