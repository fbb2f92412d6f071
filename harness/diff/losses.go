package diff

import (
	"fmt"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/harness/stats"
	"lastcall/internal/prose"
)

// lossFigure is a share of requests that should be as small as can be.
type lossFigure struct {
	name  string
	risk  string // who might have been lost, as in "in flight"
	share func(inFlight, late history.Counts) result.Share
}

func lossFigures() []lossFigure {
	return []lossFigure{
		{LostInFlight, "in flight", func(inFlight, _ history.Counts) result.Share {
			return result.Share{Count: inFlight.Total - inFlight.Completed, Of: inFlight.Total}
		}},
		{LostLate, "late and at risk", func(_, late history.Counts) result.Share {
			return result.Share{Count: late.Dropped + late.Failed, Of: late.AtRisk()}
		}},
	}
}

// compareLosses tests a share of lost requests twice, and calls it better or
// worse only if both tests do.
//
// Fisher's exact test of the requests is the sharper one, and it assumes too
// much: that each request was lost on its own account. Those of one shutdown meet
// the same process at the same instant, and one defect takes all or none of them.
// So 50 of 150 lost can be one unlucky shutdown of three, which Fisher's test takes
// for proof (p below 0.0001). The Mann-Whitney test of the shares lost in each
// shutdown takes the shutdown for the trial, which it is. With three on each side
// it tells the two apart only if every new one lost more than every old one (p =
// 1/20), and with two it never does: then the answer is "~", and more shutdowns.
// The second test alone would do; the first keeps it from making much of one
// request here and there.
func (p pair) compareLosses(f lossFigure) result.Change {
	old, latest := f.share(p.old.InFlight, p.old.LateOrEdge()), f.share(p.latest.InFlight, p.latest.LateOrEdge())
	c := result.Change{Name: f.name, Old: result.Value{Share: &old}, New: result.Value{Share: &latest}}
	switch {
	case old.Of == 0 || latest.Of == 0:
		c.Detail = nothing(old.Of, latest.Of, "request was "+f.risk)
		return c
	case rate(old) == rate(latest):
		c.Direction = result.Same
		return c
	}
	before, now := lossRates(f, p.old), lossRates(f, p.latest)
	toward, low, high, lows, highs := result.Worse, old, latest, before, now
	if rate(old) > rate(latest) {
		toward, low, high, lows, highs = result.Better, latest, old, now, before
	}
	byRequests, byShutdowns := stats.Fisher(low.Count, low.Of, high.Count, high.Of), stats.MannWhitney(lows, highs)
	c.PRequests = &byRequests
	if len(before) == 0 || len(now) == 0 {
		c.Detail = "a report lacks the counts of each shutdown, so chance cannot be ruled out"
		return c
	}
	c.PShutdowns = &byShutdowns
	c.Detail = fmt.Sprintf("%d of %d shutdowns that had any lost some, before: %d of %d", positive(now), len(now), positive(before), len(before))
	switch {
	case stats.Significant(byRequests) && stats.Significant(byShutdowns):
		c.Direction, c.Regression = toward, toward == result.Worse
		return c
	case stats.Significant(byRequests):
		c.Detail += ": the requests of one shutdown share their fate, and counted by shutdowns it may be chance"
	default:
		c.Detail += ": it may be chance"
	}
	c.Detail += advice(len(before), len(now))
	return c
}

// lossRates returns the shares lost in each intact shutdown that had anybody to
// lose. It is empty if the report does not hold as many as it counts.
func lossRates(f lossFigure, s *result.Subject) []float64 {
	var rates []float64
	intact := 0
	for _, d := range s.Details {
		if !d.Intact {
			continue
		}
		intact++
		if share := f.share(d.InFlight, d.LateOrEdge()); share.Of > 0 {
			rates = append(rates, rate(share))
		}
	}
	if intact != s.ShutdownsIntact {
		return nil
	}
	return rates
}

func rate(s result.Share) float64 { return float64(s.Count) / float64(s.Of) }

func positive(rates []float64) int {
	n := 0
	for _, r := range rates {
		if r > 0 {
			n++
		}
	}
	return n
}

// nothing says where there was nothing to compare.
func nothing(old, latest int, what string) string {
	switch {
	case old == 0 && latest == 0:
		return "no " + what + " in either report"
	case old == 0:
		return "no " + what + " in the old report"
	}
	return "no " + what + " in the new report"
}

// advice says that more shutdowns are needed where so few can never tell: the
// two samples differ most if each of one lies beyond each of the other, and even
// that is one way of so many to draw them.
func advice(old, latest int) string {
	if stats.Significant(stats.Fisher(0, old, latest, latest)) {
		return ""
	}
	enough := latest
	for !stats.Significant(stats.Fisher(0, old, enough, enough)) && enough < scenario.MaxShutdowns {
		enough++
	}
	if enough == scenario.MaxShutdowns {
		return fmt.Sprintf("; %s in the old report cannot tell (--shutdowns)", prose.Count(old, "shutdown"))
	}
	return fmt.Sprintf("; %d and %d are too few to tell: a run of %d could (--shutdowns %d)", old, latest, enough, enough)
}

// shutdownsFailed compares how many of the intact shutdowns violated a required
// rule, by Fisher's exact test.
func (p pair) shutdownsFailed() result.Change {
	old := result.Share{Count: p.old.ShutdownsFailed, Of: p.old.ShutdownsIntact}
	latest := result.Share{Count: p.latest.ShutdownsFailed, Of: p.latest.ShutdownsIntact}
	c := result.Change{Name: ShutdownsFailed, Old: result.Value{Share: &old}, New: result.Value{Share: &latest}}
	switch {
	case old.Of == 0 || latest.Of == 0:
		c.Detail = nothing(old.Of, latest.Of, "shutdown could be judged")
	case !p.samePolicy:
		c.Detail = "the policies differ, so a failure means something else"
	default:
		c.Direction, c.PShutdowns = byFisher(old, latest)
		c.Regression = c.Direction == result.Worse
		if c.Direction == result.CannotTell {
			c.Detail = "it may be chance" + advice(old.Of, latest.Of)
		}
	}
	return c
}

// byFisher compares two shares of shutdowns. There is no p where they are equal.
func byFisher(old, latest result.Share) (result.Direction, *float64) {
	toward, low, high := result.Worse, old, latest
	switch {
	case old.Of == 0 || latest.Of == 0:
		return result.CannotTell, nil
	case rate(old) == rate(latest):
		return result.Same, nil
	case rate(old) > rate(latest):
		toward, low, high = result.Better, latest, old
	}
	p := stats.Fisher(low.Count, low.Of, high.Count, high.Of)
	if !stats.Significant(p) {
		toward = result.CannotTell
	}
	return toward, &p
}
