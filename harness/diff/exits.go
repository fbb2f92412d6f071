package diff

import (
	"fmt"
	"math"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/harness/stats"
	"lastcall/internal/prose"
)

// A change of the median exit that is less than the first two is noise, and so is
// one that is less than the third: of a millisecond any change is a large share,
// and it is the scheduler's doing.
const (
	exitNoise      = 0.020 // seconds
	exitNoiseShare = 0.10  // of the old median
	exitNoiseFloor = 0.005 // seconds
)

const (
	minRanked = 4 // exits on each side from which ranks are tested
	minApart  = 3 // exits on each side from which it counts that the ranges lie apart
)

// exits are the times from signal to exit, in seconds. Where a report does not
// hold each of them there are no times, but still their number and range.
type exits struct {
	times  []float64
	n      int
	spread result.Spread
}

// exitsOf takes the times of the intact shutdowns: one in which the machine
// stalled says nothing of the server.
func exitsOf(s *result.Subject) exits {
	var times []float64
	for _, d := range s.Details {
		if t, ok := exitTime(d); ok && d.Intact {
			times = append(times, t)
		}
	}
	if len(times) > 0 {
		return exits{times, len(times), result.SpreadOf(times)}
	}
	e := exits{spread: s.ExitSeconds}
	for _, x := range s.Exits {
		e.n += max(0, x.Count)
	}
	return e
}

func exitTime(d result.Detail) (seconds float64, ok bool) {
	at := map[string]float64{}
	for _, e := range d.Events {
		at[e.Name] = e.MS / 1000
	}
	signal, signalled := at[string(history.EventSignal)]
	exit, exited := at[string(history.EventExit)]
	took := exit - signal
	return took, signalled && exited && took >= 0 && took <= maxSeconds
}

// compareExits compares how long the process took to end. From four exits on
// each side on, the Mann-Whitney test of their times decides, and the medians must
// agree with it. With three, and where only the ranges are known, these must lie
// apart: by chance three lie beyond three others in one case of twenty. With fewer
// nothing can be told. It is never a regression: a longer way out that is within
// the grace period costs nobody a request.
func (p pair) compareExits() result.Change {
	old, latest := exitsOf(p.old), exitsOf(p.latest)
	c := result.Change{Name: ExitTime}
	if old.n > 0 {
		c.Old.Seconds = &old.spread
	}
	if latest.n > 0 {
		c.New.Seconds = &latest.spread
	}
	if old.n == 0 || latest.n == 0 {
		c.Detail = nothing(old.n, latest.n, "exit was seen")
		return c
	}
	change := latest.spread.Median - old.spread.Median
	if exitIsNoise(math.Abs(change), old.spread.Median) {
		c.Direction = result.Same
		return c
	}
	toward, word, low, high := result.Worse, "longer", old, latest
	if change < 0 {
		toward, word, low, high = result.Better, "shorter", latest, old
	}
	if len(low.times) > 0 && len(high.times) > 0 {
		byShutdowns := stats.MannWhitney(low.times, high.times)
		c.PShutdowns = &byShutdowns
	}
	c.Detail = fmt.Sprintf("%s %s in the median", scenario.InWords(time.Duration(math.Abs(change)*float64(time.Second))), word)
	if gap := high.spread.Min - low.spread.Max; gap > 0 {
		c.Detail += fmt.Sprintf(", the ranges lie %s apart", scenario.InWords(time.Duration(gap*float64(time.Second))))
	}
	if exitsDiffer(low, high, c.PShutdowns) {
		c.Direction = toward
		return c
	}
	c.Detail += ": it may be chance"
	if few := min(low.n, high.n); few < minRanked {
		c.Detail += fmt.Sprintf("; %s cannot tell (--shutdowns)", prose.Count(few, "exit"))
	}
	return c
}

func exitIsNoise(change, median float64) bool {
	return change < exitNoiseFloor || change < exitNoise && change < exitNoiseShare*median
}

// exitsDiffer reports whether it can be told that the high ones took longer.
func exitsDiffer(low, high exits, byShutdowns *float64) bool {
	few := min(low.n, high.n)
	if byShutdowns != nil && few >= minRanked {
		return stats.Significant(*byShutdowns)
	}
	return few >= minApart && low.spread.Max < high.spread.Min
}
