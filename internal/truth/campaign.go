package truth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strings"
	"sync"
	"time"

	"lastcall/harness/result"
)

// campaign runs what the results do not have yet.
func campaign(ctx context.Context, o options, rows []Row, have *results, stdout io.Writer) error {
	if names := missing(rows); len(names) > 0 {
		return fmt.Errorf("not installed: %s", strings.Join(names, ", "))
	}
	b, err := build(ctx, o.cache, o.built)
	if err != nil {
		return err
	}
	r := &runner{built: b, shutdowns: o.shutdowns, record: o.record}
	mode, end, err := r.enter(o)
	if err != nil {
		return err
	}
	defer end()
	started := time.Now()
	now, err := r.all(ctx, rows, mode, o, have, stdout)
	if err := errors.Join(err, printTable(stdout, rows, now, "text")); err != nil {
		return err
	}
	return errors.Join(spent(time.Since(started), o.budget, stdout), judge(rows, now), doubted(now, o.doubt))
}

// enter makes the machine what the mode says, until end is called.
func (r *runner) enter(o options) (mode Mode, end func() error, err error) {
	switch {
	case o.user != "":
		r.user, err = user.Lookup(o.user)
		return Mode(o.user), func() error { return nil }, err
	case o.quota > 0:
		if r.quota, err = newQuota(o.quota); err != nil {
			return Quota, nil, err
		}
		return Quota, r.quota.end, nil
	case o.busy:
		burning, err := startBurners(r.bin)
		if err != nil {
			return Busy, nil, err
		}
		return Busy, burning.end, nil
	}
	return Quiet, func() error { return nil }, nil
}

// all runs every row, by turns, so that a run which is stopped has a bit of all,
// and returns the results for the present code, of earlier runs too.
func (r *runner) all(ctx context.Context, rows []Row, mode Mode, o options, have *results, stdout io.Writer) ([]Result, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	present := map[key]bool{}
	seats := make(chan struct{}, o.parallel)
	var running sync.WaitGroup
	var mu sync.Mutex // guards have and stdout, which runs that end at the same time write
	for n := range o.runs {
		for _, row := range rows {
			one := Result{Digest: r.digestFor(row), Row: row.Name, Mode: mode, Run: n + 1}
			present[one.key()] = true
			seats <- struct{}{}
			mu.Lock()
			done := have.have[one.key()]
			mu.Unlock()
			if done || ctx.Err() != nil {
				<-seats
				continue
			}
			running.Go(func() {
				defer func() { <-seats }()
				one, err := r.attempt(ctx, row, one, o.again)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					err = have.add(one)
				}
				if err != nil {
					stop(err)
					return
				}
				printRun(stdout, row, one)
			})
		}
	}
	running.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return slices.DeleteFunc(slices.Clone(have.all), func(one Result) bool { return !present[one.key()] }), nil
}

// attempt runs a row, and on a machine that should be quiet runs it again, so many
// times at most, while it is inconclusive and should not be. A verdict that is wrong
// is never tried again.
func (r *runner) attempt(ctx context.Context, row Row, one Result, again int) (Result, error) {
	for {
		outcome, err := r.run(ctx, row, one.Run)
		if err != nil {
			return one, err
		}
		one.Outcome, one.Faults = outcome, row.faults(one.Mode.starved(), outcome)
		doubt := outcome.Error == "" && outcome.Verdict == result.Inconclusive && !slices.Contains(row.allowed(one.Mode.starved()), outcome.Verdict)
		if !doubt || one.Doubts == again {
			return one, nil
		}
		one.Doubts++
	}
}

// digestFor tells the code that a row runs, and the row.
func (r *runner) digestFor(row Row) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %+v", r.digest, r.shutdowns, row))
	return fmt.Sprintf("%x", sum[:6])
}

// spent says how long it took, and refuses more than twice the budget.
func spent(took, budget time.Duration, stdout io.Writer) error {
	fmt.Fprintf(stdout, "It took %s", took.Round(time.Second))
	switch {
	case budget == 0 || took <= budget:
		fmt.Fprintln(stdout, ".")
	case took <= 2*budget:
		fmt.Fprintf(stdout, ", more than its budget of %s.\n", budget)
	default:
		fmt.Fprintln(stdout, ".")
		return fmt.Errorf("it took %s, more than twice its budget of %s", took.Round(time.Second), budget)
	}
	return nil
}

// judge refuses results with faults, but for those of rows that are open.
func judge(rows []Row, all []Result) error {
	open := map[string]bool{}
	for _, r := range rows {
		open[r.Name] = r.Open != ""
	}
	if slices.ContainsFunc(all, func(one Result) bool { return len(one.Faults) > 0 && !open[one.Row] }) {
		return errWrong
	}
	return nil
}

// doubted refuses results of which more than a share are inconclusive.
func doubted(all []Result, most float64) error {
	var doubt, runs int
	for _, one := range all {
		if len(one.Faults) > 0 {
			continue
		}
		runs++
		if one.Verdict == result.Inconclusive {
			doubt++
		}
	}
	if float64(doubt) > most*float64(runs) {
		return fmt.Errorf("%d of %d runs are inconclusive, more than the share of %.2f", doubt, runs, most)
	}
	return nil
}
