package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/scenarios"
)

// givenRate reports whether somebody has said how many requests a second are to be
// sent. The default scenario's own rate is not the user's.
func (o *testOptions) givenRate(f *pflag.FlagSet) bool {
	switch {
	case f.Changed("rate"):
		return true
	case o.from != "":
		return scenarios.Sets(o.from, "load.rate")
	}
	return f.Changed("scenario") && scenarios.Sets(o.scenario, "load.rate")
}

// givenShutdowns is the same for their number.
func (o *testOptions) givenShutdowns(f *pflag.FlagSet) bool {
	return f.Changed("shutdowns") || o.from != "" && scenarios.Sets(o.from, "shutdowns")
}

// pace chooses the rate of a scenario that names none: that of a baseline; or one that
// suits the server, if lastcall starts it and may find out; or a gentle one. It returns
// what has to be done before the run, nil if the rate is known.
func (o *testOptions) pace(s *scenario.Scenario, f *pflag.FlagSet, against *baseline) func(context.Context, *experiment, io.Writer) {
	if o.givenRate(f) || s.Disruption.Unloaded() {
		return nil
	}
	if against != nil {
		if rate := against.rate(); rate > 0 {
			s.Load.Rate = rate
			return nil
		}
	}
	if len(s.Disruption.While) > 0 || len(s.Subject.Command) == 0 || s.Subject.AllowRemote {
		s.Load.Rate = run.GentleRate
		return nil
	}
	fixed := o.givenShutdowns(f)
	return func(ctx context.Context, e *experiment, out io.Writer) {
		found, err := run.Calibrate(ctx, e.plan)
		if err != nil { // the run will meet the same, and say so in its reports
			e.plan.Scenario.Load.Rate = max(found.Rate, run.GentleRate)
			return
		}
		more := found.Suit(&e.plan.Scenario, fixed)
		if !o.output.quiet {
			fmt.Fprintln(out, "lastcall: "+tellPace(e.plan.Scenario, found, more))
		}
	}
}

// tellPace says with how many requests a second the server is loaded, and why.
func tellPace(s scenario.Scenario, c run.Calibration, more bool) string {
	why := "it kept up with every rate that was tried"
	if c.Asked > 0 {
		why = fmt.Sprintf("of %d it completed %.0f", c.Asked, c.Completed)
	}
	said := fmt.Sprintf("the load is %d requests a second (--rate %d): %s, and a single request takes %s",
		c.Rate, c.Rate, why, short(c.Takes))
	if more {
		said += fmt.Sprintf("; because few requests are open at a time, the server is stopped %d times (--shutdowns %d)", s.Shutdowns, s.Shutdowns)
	}
	return said
}

// short rounds a duration to what matters of it.
func short(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// rate is that of the earlier results, 0 if they have none.
func (b *baseline) rate() int {
	for _, s := range b.suites {
		if s.Scenario.Load.Rate > 0 {
			return s.Scenario.Load.Rate
		}
	}
	return 0
}
