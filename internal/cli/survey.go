package cli

import (
	"context"
	"fmt"
	"io"
	"log"
	"path/filepath"
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
	// strict wants every strategy to be as its scenario expects.
	strict bool
	// judge runs and judges. Nil: as it really is.
	judge func(ctx context.Context, c course, bar *progress) (result.Suite, error)

	record string // a directory for the histories, one in it for each try of each scenario; "": none
	quiet  bool
	err    io.Writer // for the progress
}

// moreTries is how often a cell is tried again.
const moreTries = 2

// course is one scenario, and who is put through it.
type course struct {
	scenario harness.Scenario
	policy   check.Policy
	names    []string
	wants    int // shutdowns, as the scenario says
	tries    int // that were made
}

// run returns how all did. If it cannot go on, it returns what there is by then,
// with an error; one that wraps harness.ErrInterrupted if the context ended.
func (s survey) run(ctx context.Context) (result.Matrix, error) {
	courses, err := s.courses()
	if err != nil {
		return result.Matrix{}, err
	}
	started := time.Now()
	m := result.Matrix{
		Schema: result.MatrixSchema, Tool: tool(), Environment: harness.Environment(), Seed: s.seed,
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

// course puts its strategies through a scenario, and once more, with as many
// shutdowns as it wants, those of which one told too little.
func (s survey) course(ctx context.Context, c course, m *result.Matrix, bar *progress) error {
	judge := s.judge
	if judge == nil {
		judge = s.measure
	}
	for ; len(c.names) > 0; c.tries++ {
		suite, err := judge(ctx, c, bar)
		if err != nil {
			return err // a scenario that was not carried out to its end says nothing
		}
		var again []string
		for _, subject := range suite.Subjects {
			cell := s.cell(c, subject)
			m.Rows[slices.IndexFunc(m.Rows, func(r result.Row) bool { return r.Subject == subject.Name })].Add(cell, check.Together)
			if c.tries < moreTries && worthAnother(cell) {
				again = append(again, subject.Name)
			}
		}
		bar.base += len(c.names) * c.scenario.Shutdowns
		c.names, c.scenario.Shutdowns = again, max(c.wants, c.scenario.Shutdowns)
		bar.more(len(again) * c.scenario.Shutdowns)
	}
	return nil
}

func (s survey) cell(c course, subject result.Subject) result.Cell {
	expected := check.Expected(c.scenario.Expect, subject.Name)
	cell := check.CellOf(c.scenario.Name, subject, expected)
	if s.strict && expected == nil {
		cell.Surprise = fmt.Sprintf("nothing is expected of it: name it below expect in scenarios/%s.yaml", c.scenario.Name)
	}
	return cell
}

// worthAnother reports whether a cell is tried again: a bug did not show, which may
// be luck, or it could not be judged. A false alarm is none the less for not coming
// twice.
func worthAnother(c result.Cell) bool {
	missed := c.Surprise != "" && c.Verdict == result.Pass
	return missed || c.Verdict == result.Inconclusive
}

// measure runs and judges.
func (s survey) measure(ctx context.Context, c course, bar *progress) (result.Suite, error) {
	plan, err := strategyPlan(c.scenario, c.policy, c.names, surveyLag(c.scenario))
	if err != nil {
		return result.Suite{}, err
	}
	var keep string
	if s.record != "" {
		keep = filepath.Join(s.record, fmt.Sprintf("%s-%d", c.scenario.Name, c.tries+1))
	}
	recorder, err := openRecorder(keep)
	if err != nil {
		return result.Suite{}, err
	}
	plan.Seed, plan.Progress, plan.Done = s.seed, bar.stepIn(c.scenario.Name), recorder.write
	histories, err := harness.Run(ctx, plan)
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
func surveyLag(s harness.Scenario) time.Duration {
	if lag := s.Disruption.Lag.Duration; lag > 0 {
		return lag
	}
	return quickLag
}
