package probe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"lastcall/harness/result"
	"lastcall/harness/subject"
	"lastcall/internal/bug"
)

// Plan says what is probed, and how.
type Plan struct {
	Subject  subject.Subject
	Start    Start // nil: it can only be booted
	Cases    []Case
	Hints    Hints
	Signal   syscall.Signal
	Target   string        // history.Leader, Group or Owner
	Grace    time.Duration // until SIGKILL
	Lag      time.Duration // how long a balancer goes on sending, 0: no lag
	Clean    []int         // exit codes that are as good as 0
	Died     bool          // to die of the signal is clean
	Bound    bool          // the grace is a platform's: a handler may outlive it
	Severity Severity
	Repeats  int
	Parallel int // how many servers run at a time

	// Progress is told what was done, if it is set. It is called from several
	// goroutines, but from one at a time, and must not block.
	Progress func(Step)
}

// Step is what a run has done.
type Step struct {
	Subject         string
	Probe           string
	Finished, Total int // repeats of all probes
}

// Run carries the plan out, and returns what each case came to in each of its
// variants, in the order of the plan. What could not be carried out is
// inconclusive and says why; the error says that nothing could. When the context
// ends it returns what is complete, with an error that wraps
// subject.ErrInterrupted.
func Run(ctx context.Context, p Plan) ([]result.Probe, error) {
	if err := p.Subject.Check(ctx); err != nil {
		return nil, err
	}
	dir, remove, err := subject.Workspace()
	if err != nil {
		return nil, err
	}
	defer remove()
	id := make([]byte, 4)
	_, _ = rand.Read(id) // it never fails (Go 1.24)
	r := &runner{plan: &p, dir: dir, id: hex.EncodeToString(id)}
	if err := r.survey(ctx); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", subject.ErrInterrupted, context.Cause(ctx))
		}
		return nil, err
	}
	return r.all(ctx)
}

// runner carries a plan out.
type runner struct {
	plan    *Plan
	dir     string
	id      string
	ordinal atomic.Int32
	facts   facts
}

// notBegun is why a repeat saw nothing to which an interruption gave no turn.
const notBegun = "lastcall was interrupted before it"

// task is one repeat of one case.
type task struct {
	place, repeat int
}

// all runs every repeat of every variant. Those that must be alone come last.
func (r *runner) all(ctx context.Context) ([]result.Probe, error) {
	var variants []Variant
	for _, c := range r.plan.Cases {
		variants = append(variants, c.variants()...)
	}
	probes := make([]result.Probe, len(variants))
	sightings := make([][]Sighting, len(variants))
	var together, alone []task
	for place, v := range variants {
		if ofH2(v.Case) && r.facts.noH2 != "" {
			probes[place] = notRun(v, r.facts.noH2)
			continue
		}
		if flags := v.missing(r.plan.Hints); len(flags) > 0 {
			probes[place] = skipped(v, flags)
			continue
		}
		sightings[place] = make([]Sighting, r.plan.Repeats)
		for repeat := range r.plan.Repeats {
			sightings[place][repeat].Why = notBegun
			if v.Alone {
				alone = append(alone, task{place, repeat})
			} else {
				together = append(together, task{place, repeat})
			}
		}
	}
	total, finished := len(together)+len(alone), 0
	var mu sync.Mutex // guards finished, and keeps the reports of progress apart
	one := func(t task) {
		sightings[t.place][t.repeat] = r.sight(ctx, variants[t.place]) // this goroutine alone has this place
		mu.Lock()
		defer mu.Unlock()
		finished++
		if r.plan.Progress != nil {
			r.plan.Progress(Step{r.plan.Subject.Name(), variants[t.place].ID, finished, total})
		}
	}
	share(ctx, together, r.plan.Parallel, one)
	share(ctx, alone, 1, one)
	if ctx.Err() != nil {
		return r.complete(variants, probes, sightings), fmt.Errorf("%w: %w", subject.ErrInterrupted, context.Cause(ctx))
	}
	return r.complete(variants, probes, sightings), nil
}

// complete judges every variant.
func (r *runner) complete(variants []Variant, probes []result.Probe, sightings [][]Sighting) []result.Probe {
	for place, seen := range sightings {
		if seen != nil {
			probes[place] = judge(variants[place].Case, seen, r.plan.Severity)
			probes[place].Variant = variants[place].Name
		}
	}
	return probes
}

// share does the tasks, so many at a time, until the context ends.
func share(ctx context.Context, tasks []task, workers int, do func(task)) {
	queue := make(chan task)
	var all sync.WaitGroup
	for range max(1, min(workers, len(tasks))) {
		all.Go(func() {
			defer bug.Catch()
			for t := range queue {
				do(t)
			}
		})
	}
	for _, t := range tasks {
		if ctx.Err() != nil {
			break
		}
		queue <- t
	}
	close(queue) // by the only sender: the workers end
	all.Wait()
}

// caseTime bounds a repeat, beside the grace period: none takes half of it.
const caseTime = 30 * time.Second

// tries is how often a repeat is tried whose state is not reached by a lateness of
// our own.
const tries = 3

// sight carries one repeat out.
func (r *runner) sight(ctx context.Context, v Variant) Sighting {
	for try := 1; ; try++ {
		s, err := r.once(ctx, v)
		if _, late := errors.AsType[overdue](err); late && try < tries {
			continue
		}
		return sightingOf(s, err)
	}
}

// once tries one repeat, on a server of its own.
func (r *runner) once(ctx context.Context, v Variant) (Sighting, error) {
	if ctx.Err() != nil {
		return Sighting{}, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*r.plan.Grace+caseTime, errors.New("it took too long"))
	defer cancel()
	b := r.bench(ctx)
	if !v.unbooted {
		var err error
		if b, err = r.boot(ctx); err != nil {
			return Sighting{}, err
		}
		defer b.end()
	}
	b.variant = v.Name
	s, err := v.run(b)
	if ctx.Err() != nil {
		return Sighting{}, context.Cause(ctx) // we hung up: what was seen is our own doing
	}
	if err != nil || b.server == nil {
		return s, err
	}
	if s.broken() {
		if err := b.cutDown(); err != nil { // before the end, which kills it
			return Sighting{}, err
		}
	}
	b.end()
	if b.exited() { // it has, unless it is stuck in the kernel
		err = b.server.Exit().Err
	}
	if err != nil {
		return Sighting{}, err // its supervisor was killed, and it with that: nothing that was seen is its own doing
	}
	return s, nil
}

// bench is an empty one: there is no server.
func (r *runner) bench(ctx context.Context) *bench {
	ordinal := int(r.ordinal.Add(1))
	path := filepath.Join(r.dir, strconv.Itoa(ordinal)+".ledger")
	b := &bench{ctx: ctx, plan: r.plan, facts: r.facts, run: r.id, ordinal: ordinal, ledger: path}
	b.another = func() (*bench, error) { return r.boot(ctx) }
	return b
}

// boot boots a server, and puts it on a bench.
func (r *runner) boot(ctx context.Context) (*bench, error) {
	b := r.bench(ctx)
	server, err := r.plan.Subject.Boot(ctx, b.ledger)
	if err != nil {
		return nil, fmt.Errorf("the server did not get ready: %w", err)
	}
	b.server = server
	stop := context.AfterFunc(ctx, b.closeAll) // no reader goes on after the end
	b.end = func() {
		stop()
		b.closeAll()
		server.Close()
	}
	return b, nil
}
