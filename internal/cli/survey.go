package cli

import (
	"context"
	"io"
	"log"
	"slices"
	"time"

	"lastcall/harness"
	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/targets"
)

// survey puts strategies through scenarios of the catalogue, one after the other.
type survey struct {
	strategies []targets.Strategy
	scenarios  []string
	seed       uint64
	shutdowns  int // of each strategy in each scenario, at first

	// takes reports whether a strategy is put through a scenario. Nil: it is.
	takes func(s targets.Strategy, scenario string) bool
	// again reports whether a cell is worth another try, of which there are two at
	// most, with as many shutdowns as the scenario wants.
	again func(c result.Cell) bool

	quiet bool
	err   io.Writer // for the progress
}

// moreTries is how often a cell is tried again.
const moreTries = 2

// course is one scenario, and who is put through it.
type course struct {
	scenario harness.Scenario
	policy   check.Policy
	names    []string
	wants    int // shutdowns, as the scenario says
}

// run returns how all did. If the context ends, it returns what there is by then,
// with an error that wraps harness.ErrInterrupted.
func (s survey) run(ctx context.Context) (result.Matrix, error) {
	courses, err := s.courses()
	if err != nil {
		return result.Matrix{}, err
	}
	started := time.Now()
	m := result.Matrix{
		Schema: result.MatrixSchema, Tool: tool(), Environment: harness.Environment(), Seed: s.seed,
		Started: started.UTC().Round(time.Millisecond), Scenarios: s.scenarios, Rows: []result.Row{},
	}
	for _, strategy := range s.strategies {
		m.Rows = append(m.Rows, result.Row{Subject: strategy.Name, Bug: strategy.Bug, Title: strategy.BugTitle(), Breaks: strategy.Breaks, Cells: []result.Cell{}})
	}
	log.SetOutput(io.Discard) // as in experiment.run
	bar := newSurveyProgress(s.err, s.quiet, courses)
	for _, c := range courses {
		if err = s.course(ctx, c, &m, bar); err != nil {
			break
		}
	}
	bar.finish(ctx.Err() != nil)
	m.Seconds = time.Since(started).Round(time.Millisecond).Seconds()
	return m, err
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

// course puts its strategies through a scenario, and once more those that are
// worth it.
func (s survey) course(ctx context.Context, c course, m *result.Matrix, bar *progress) error {
	for tries := 0; len(c.names) > 0; tries++ {
		suite, err := s.suite(ctx, c, bar)
		if err != nil {
			return err
		}
		var again []string
		for _, subject := range suite.Subjects {
			row := &m.Rows[slices.IndexFunc(m.Rows, func(r result.Row) bool { return r.Subject == subject.Name })]
			cell := check.CellOf(c.scenario.Name, subject, check.Expected(c.scenario.Expect, subject.Name))
			if last := len(row.Cells) - 1; tries > 0 {
				cell = check.Together(row.Cells[last], cell)
				row.Cells = row.Cells[:last]
			}
			row.Cells = append(row.Cells, cell)
			if tries < moreTries && s.again(cell) {
				again = append(again, subject.Name)
			}
		}
		bar.base += len(c.names) * c.scenario.Shutdowns
		c.names, c.scenario.Shutdowns = again, max(c.wants, c.scenario.Shutdowns)
		bar.more(len(again) * c.scenario.Shutdowns)
	}
	return nil
}

// suite runs and judges.
func (s survey) suite(ctx context.Context, c course, bar *progress) (result.Suite, error) {
	plan, err := strategyPlan(c.scenario, c.policy, c.names)
	if err != nil {
		return result.Suite{}, err
	}
	plan.Seed, plan.Progress = s.seed, bar.stepIn(c.scenario.Name)
	histories, err := harness.Run(ctx, plan)
	if err != nil {
		return result.Suite{}, err // a scenario that was not carried out to its end says nothing
	}
	return check.Judge(histories, c.policy), nil
}
