package cli

import (
	"context"
	"fmt"
	"io"
	"log"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/internal/bug"
	"lastcall/internal/samples"
	"lastcall/targets"
)

// survey puts strategies through scenarios of the catalogue: one scenario after the
// other, and then those whose load is light side by side.
type survey struct {
	strategies []targets.Strategy
	scenarios  []string
	seed       uint64
	shutdowns  int // of each strategy in each scenario, at first

	// takes reports whether a strategy is put through a scenario. Nil: it is.
	takes func(s targets.Strategy, scenario string) bool
	// strict wants every strategy to be as its scenario expects.
	strict bool
	// judge runs and judges. Nil: as it really is.
	judge func(ctx context.Context, c course, report func(run.Step)) (result.Suite, error)

	record string // a directory for the histories, one in it for each try of each course; "": none
	quiet  bool
	err    io.Writer // for the progress
}

// moreTries is how often a cell is tried again.
const moreTries = 2

// course is one scenario, and who is put through it.
type course struct {
	scenario scenario.Scenario
	policy   check.Policy
	names    []string
	wants    int  // shutdowns, as the scenario says
	tries    int  // that were made
	alone    bool // of a scenario whose courses have one strategy each
}

// directory is where the histories of its next try are written.
func (c course) directory() string {
	name := fmt.Sprintf("%s-%d", c.scenario.Name, c.tries+1)
	if c.alone {
		name = fmt.Sprintf("%s-%s-%d", c.scenario.Name, c.names[0], c.tries+1)
	}
	return name
}

const (
	// lightLoad is the rate up to which a scenario's load leaves a machine of two
	// processors idle most of the time: it waits for handlers and for grace periods.
	lightLoad = 250
	// heldLoad is the rate up to which that holds of a strategy that does not end: after
	// the tail of the load most of the grace period is idle.
	heldLoad = 500
	// sideBySide is how many courses of a light load are run at a time. Together they
	// ask for no more than the heavier scenarios do alone.
	sideBySide = 3
)

// light reports whether a strategy can be put through a scenario while others are put
// through theirs, without being in each other's way. What comes of it is the same: a
// selftest says so each time.
func light(s scenario.Scenario, strategy string) bool {
	holds := slices.Contains(check.Expected(s.Expect, strategy), check.ExitsInGrace)
	return s.Disruption.Unloaded() || s.Load.Rate <= lightLoad || holds && s.Load.Rate <= heldLoad
}

// apart splits off the strategies that can be put through the scenario beside others,
// into a course for each.
func (c course) apart() (rest course, aside []course) {
	rest = c
	rest.names = nil
	for _, name := range c.names {
		if !light(c.scenario, name) {
			rest.names = append(rest.names, name)
			continue
		}
		one := c
		one.names, one.alone = []string{name}, true
		aside = append(aside, one)
	}
	return rest, aside
}

// run returns how all did. If it cannot go on, it returns what there is by then,
// with an error; one that wraps subject.ErrInterrupted if the context ended.
func (s survey) run(ctx context.Context) (result.Matrix, error) {
	courses, err := s.courses()
	if err != nil {
		return result.Matrix{}, err
	}
	started := time.Now()
	m := result.Matrix{
		Schema: result.MatrixSchema, Tool: run.Tool(), Environment: run.Environment(), Seed: s.seed,
		Started: started.UTC().Round(time.Millisecond), Scenarios: []string{}, Rows: []result.Row{},
	}
	for _, strategy := range s.strategies {
		row := result.Row{Subject: strategy.Name, Bug: strategy.Bug, Title: strategy.BugTitle(), Breaks: strategy.Breaks, Cells: []result.Cell{}}
		for _, c := range courses {
			if slices.Contains(c.names, strategy.Name) {
				row.Due++
			}
		}
		m.Rows = append(m.Rows, row)
	}
	for _, c := range courses {
		m.Scenarios = append(m.Scenarios, c.scenario.Name)
	}
	log.SetOutput(io.Discard) // as in experiment.run
	b := &board{matrix: &m, bar: newSurveyProgress(s.err, s.quiet, courses)}
	err = s.all(ctx, courses, b)
	b.bar.finish(ctx.Err() != nil)
	for _, row := range m.Rows { // side by side they come in any order
		slices.SortFunc(row.Cells, func(x, y result.Cell) int {
			return slices.Index(m.Scenarios, x.Scenario) - slices.Index(m.Scenarios, y.Scenario)
		})
	}
	m.Seconds = time.Since(started).Round(time.Millisecond).Seconds()
	return m, err
}

// all runs the courses, until one cannot go on.
func (s survey) all(ctx context.Context, courses []course, b *board) error {
	var aside []course
	for _, c := range courses {
		if runtime.NumCPU() > 1 {
			rest, more := c.apart()
			c, aside = rest, append(aside, more...)
		}
		if len(c.names) > 0 {
			if err := s.course(ctx, c, b); err != nil {
				return err
			}
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for _, c := range aside {
		group.Go(func() error {
			defer bug.Catch()
			if ctx.Err() != nil {
				return context.Cause(ctx) // it has not begun
			}
			return s.course(ctx, c, b)
		})
	}
	return group.Wait()
}

// board is what all courses add to.
type board struct {
	mu     sync.Mutex // courses are run side by side
	matrix *result.Matrix
	bar    *progress
}

// add adds what became of a strategy.
func (b *board) add(subject string, c result.Cell) {
	b.mu.Lock() // see mu
	defer b.mu.Unlock()
	rows := b.matrix.Rows
	rows[slices.IndexFunc(rows, func(r result.Row) bool { return r.Subject == subject })].Add(c, check.Together)
}

// done counts the shutdowns of a try, and those of the next one.
func (b *board) done(shutdowns, next int) {
	b.mu.Lock() // see mu
	defer b.mu.Unlock()
	b.bar.base += shutdowns
	b.bar.more(next)
}

// steps shows what a course is doing.
func (b *board) steps(c course) func(run.Step) {
	show := b.bar.stepIn(c.scenario.Name)
	return func(step run.Step) {
		b.mu.Lock() // see mu
		defer b.mu.Unlock()
		show(step)
	}
}

// courses resolves every scenario, before anything starts.
func (s survey) courses() ([]course, error) {
	var all []course
	for _, name := range s.scenarios {
		c := course{}
		for _, strategy := range s.strategies {
			if s.takes == nil || s.takes(strategy, name) {
				c.names = append(c.names, strategy.Name)
			}
		}
		if len(c.names) == 0 {
			continue
		}
		scenario, err := loadScenario(name)
		if err != nil {
			return nil, err
		}
		c.wants, scenario.Shutdowns = scenario.Shutdowns, s.shutdowns
		if c.policy, c.scenario, err = check.Resolve(scenario); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// course puts its strategies through a scenario, and once more, with as many
// shutdowns as it wants, those of which one told too little.
func (s survey) course(ctx context.Context, c course, b *board) error {
	judge := s.judge
	if judge == nil {
		judge = s.measure
	}
	for ; len(c.names) > 0; c.tries++ {
		suite, err := judge(ctx, c, b.steps(c))
		if err != nil {
			return err // a scenario that was not carried out to its end says nothing
		}
		var again []string
		for _, subject := range suite.Subjects {
			cell := s.cell(c, subject)
			b.add(subject.Name, cell)
			if c.tries < moreTries && worthAnother(cell) {
				again = append(again, subject.Name)
			}
		}
		made := len(c.names) * c.scenario.Shutdowns
		c.names, c.scenario.Shutdowns = again, max(c.wants, c.scenario.Shutdowns)
		b.done(made, len(again)*c.scenario.Shutdowns)
	}
	return nil
}

func (s survey) cell(c course, subject result.Subject) result.Cell {
	expected := check.Expected(c.scenario.Expect, subject.Name)
	cell := check.CellOf(c.scenario.Name, subject, expected)
	if s.strict && expected == nil {
		cell.Surprise = fmt.Sprintf("no result is expected of it: name it below expect in scenarios/%s.yaml", c.scenario.Name)
	}
	return cell
}

// worthAnother reports whether a cell is tried again: a bug did not show, or one of
// several, which may be luck; or the cell could not be judged. A false alarm is none the
// less for not coming twice.
func worthAnother(c result.Cell) bool {
	unexpected := func(rule string) bool { return !slices.Contains(c.Expected, rule) }
	missed := c.Surprise != "" && !slices.ContainsFunc(c.Broken, unexpected)
	return missed || c.Verdict == result.Inconclusive
}

// measure runs and judges.
func (s survey) measure(ctx context.Context, c course, report func(run.Step)) (result.Suite, error) {
	plan, err := samples.Plan(c.scenario, c.policy, c.names, samples.Lag(surveyLag(c.scenario)))
	if err != nil {
		return result.Suite{}, err
	}
	var keep string
	if s.record != "" {
		keep = filepath.Join(s.record, c.directory())
	}
	recorder, err := openRecorder(keep)
	if err != nil {
		return result.Suite{}, err
	}
	plan.Seed, plan.Progress, plan.Done, plan.Spill = s.seed, report, recorder.write, recorder.spill()
	plan.Blurred = func(h *history.History) bool { return check.Blurred(h, c.policy) }
	histories, err := run.Run(ctx, plan)
	if err != nil {
		return result.Suite{}, err
	}
	return check.Judge(histories, c.policy), nil
}

// quickLag is how long strategies that drain do so in a survey where no balancer
// lags: what they do is the same, and there are many of them.
const quickLag = 500 * time.Millisecond

// surveyLag is told to the strategies whatever the environment says: a survey must
// not come to something else on another machine.
func surveyLag(s scenario.Scenario) time.Duration {
	if lag := s.Disruption.Lag.Duration; lag > 0 {
		return lag
	}
	return quickLag
}
