package sweep

import (
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/stats"
)

// Judge counts what became of requests by the instant at which they were sent.
// The histories are of one run of Run, on that grid. It judges nothing:
// a sweep that was measured passes.
func Judge(histories []*history.History, grid Grid) result.Sweep {
	s := result.Sweep{
		Schema: result.SweepSchema, StepUS: micros(grid.Step), Shutdowns: len(histories), EnoughShots: EnoughShots,
		Lanes: []result.SweepLane{}, Story: []string{}, Warnings: []string{},
	}
	lanes := []*laneCount{newLaneCount("reused", grid), newLaneCount("fresh", grid)}
	// A server that died before it read anything has an empty ledger, and keeps one
	// all the same: the others tell.
	lanes[0].ledger = slices.ContainsFunc(histories, func(h *history.History) bool { return h.Ledger.Present() })
	lanes[1].ledger = lanes[0].ledger
	var signals, shots, late []time.Duration
	for _, h := range histories {
		if h.Interrupted {
			s.Status = result.SuiteInterrupted
		}
		if !measured(h) {
			continue
		}
		s.Measured++
		signals = append(signals, h.Pending())
		entries := h.Ledger.Entries()
		for i := range h.Requests {
			r := &h.Requests[i]
			shot := h.Shot(r)
			shots, late = append(shots, shot.Uncertainty), append(late, h.Signal.Before+shot.Offset-r.Scheduled)
			switch {
			case shot.Stamped:
				s.Stamped++
			case r.Written:
				s.Unstamped++
			}
			lane := laneOf(r, lanes)
			if i == 0 { // all of a shutdown are of one kind
				lane.result.Late += h.Sweep.Skipped
			}
			lane.add(h, r, entries[r.Seq])
		}
	}
	if len(histories) > 0 {
		first := histories[0]
		s.Tool, s.Environment, s.Subject, s.Kind = first.Header.Tool, first.Header.Environment, first.Header.Subject, first.Header.Kind
		s.Signal, s.Seed, s.Started = first.Header.Scenario.Disruption.Signal, first.Header.Seed, first.Header.Started
		s.Method = first.Method(&history.Request{})
	}
	for _, lane := range lanes {
		if lane.result.Measured > 0 {
			s.Lanes = append(s.Lanes, lane.finish())
		}
	}
	s.SignalUncertaintyUS, s.UncertaintyUS, s.LatenessUS = spread(signals), spread(shots), spread(late)
	if s.Status == result.SuiteInconclusive && enough(s) {
		s.Status = result.SuitePass
	}
	s.Story = story(s)
	s.Warnings = warnings(s, histories)
	return s
}

// measured reports whether a shutdown says anything of the server. How well
// lastcall kept its times is asked of each request by itself (history.Shot).
func measured(h *history.History) bool {
	return h.Error == "" && !h.Interrupted && h.Signal.Sent
}

// laneOf is the lane of a request.
func laneOf(r *history.Request, lanes []*laneCount) *laneCount {
	if r.Pooled {
		return lanes[0]
	}
	return lanes[1]
}

// enough reports whether a result rests on enough: half of the shutdowns that
// were asked for, or ten; half of the requests, or of the bins; and somebody at risk.
// What was set aside was so for what lastcall met, not for what the server did, so
// that the rest tells the truth.
func enough(s result.Sweep) bool {
	const enough = 10
	atRisk, counted, all, unproved, bins := 0, 0, 0, 0, 0
	for _, l := range s.Lanes {
		atRisk += l.Sum.AtRisk
		counted, all = counted+l.Sum.Counted(), all+l.Sum.Sent+l.Outside+l.Discarded()
		unproved, bins = unproved+l.Unproved, bins+len(l.Bins)
	}
	return atRisk > 0 && (2*s.Measured >= s.Shutdowns || s.Measured >= enough) && (2*counted >= all || 2*unproved <= bins)
}

// laneCount collects one kind of connection.
type laneCount struct {
	grid    Grid
	ledger  bool // the server keeps one
	result  result.SweepLane
	lost    []time.Duration      // the offsets of all requests that were lost
	counted int                  // ordinal of the shutdown that was counted last
	in      map[int]map[int]bool // the shutdowns in which any was, by bin
}

func newLaneCount(name string, grid Grid) *laneCount {
	l := &laneCount{grid: grid, in: make(map[int]map[int]bool)}
	l.result.Connections = name
	for bin := range grid.Bins() {
		from, to := grid.Edges(bin)
		l.result.Bins = append(l.result.Bins, result.SweepBin{SweepWindow: result.SweepWindow{FromUS: micros(from), ToUS: micros(to)}})
	}
	return l
}

// add counts a request, or discards it by itself.
func (l *laneCount) add(h *history.History, r *history.Request, e history.Entry) {
	if l.counted != h.Header.Ordinal { // those of one shutdown come one after another
		l.counted = h.Header.Ordinal
		l.result.Measured++
	}
	shot := h.Shot(r)
	bin, ok := l.grid.Place(shot)
	switch {
	case ok:
	case shot.Uncertainty > l.grid.Step:
		l.result.Uncertain++
		return
	default:
		l.result.Outside++
		return
	}
	c := swept(r, e, l.ledger)
	l.result.Bins[bin].SweepCount = plus(l.result.Bins[bin].SweepCount, c)
	l.result.Sum = plus(l.result.Sum, c)
	if c.Lost > 0 {
		l.lost = append(l.lost, shot.Offset)
		if l.in[bin] == nil {
			l.in[bin] = make(map[int]bool)
		}
		l.in[bin][h.Header.Ordinal] = true
	}
}

// swept counts one request.
func swept(r *history.Request, e history.Entry, ledger bool) result.SweepCount {
	c := result.SweepCount{Sent: 1, AtRisk: 1}
	switch r.Outcome {
	case history.Completed:
		c.Completed = 1
	case history.Rejected:
		c.Rejected = 1
	case history.Failed:
		c.Failed = 1
	case history.Refused:
		c.AtRisk = 0
		if r.Stale > 0 {
			c.Closed = 1
		} else {
			c.Refused = 1
		}
	case history.Dropped:
		c.Lost = 1
		switch {
		case !ledger:
			c.Unknown = 1
		case e.Executed > 0:
			c.Executed = 1
		case e.Received > 0:
			c.Received = 1
		default:
			c.NeverRead = 1
		}
	case history.Unsent, history.Pending:
		c.AtRisk, c.Unsent = 0, 1
	}
	return c
}

func plus(a, b result.SweepCount) result.SweepCount {
	return result.SweepCount{
		Sent: a.Sent + b.Sent, Completed: a.Completed + b.Completed, Rejected: a.Rejected + b.Rejected,
		Failed: a.Failed + b.Failed, Refused: a.Refused + b.Refused, Closed: a.Closed + b.Closed,
		Unsent: a.Unsent + b.Unsent, Lost: a.Lost + b.Lost, AtRisk: a.AtRisk + b.AtRisk,
		Executed: a.Executed + b.Executed, Received: a.Received + b.Received,
		NeverRead: a.NeverRead + b.NeverRead, Unknown: a.Unknown + b.Unknown,
	}
}

// finish works out the rates and the window.
func (l *laneCount) finish() result.SweepLane {
	in := make(map[int]bool)
	for i := range l.result.Bins {
		b := &l.result.Bins[i]
		b.Shutdowns = len(l.in[i])
		if b.ProvesNothing = b.Lost == 0 && b.Counted() < EnoughShots; b.ProvesNothing {
			l.result.Unproved++
		}
		for n := range l.in[i] {
			in[n] = true
		}
		if low, high, ok := stats.Interval(b.Lost, b.AtRisk); ok {
			rate := float64(b.Lost) / float64(b.AtRisk)
			b.Rate, b.Low, b.High = &rate, &low, &high
		}
	}
	l.result.Shutdowns = len(in)
	if len(l.lost) > 0 {
		earliest, latest := micros(slices.Min(l.lost)), micros(slices.Max(l.lost))
		l.result.EarliestUS, l.result.LatestUS = &earliest, &latest
	}
	l.result.Widest, l.result.Window = widest(l.result.Bins), window(l.result.Bins)
	return l.result
}

// lossyShare is the share of all requests, at risk or not, which the worst three bins
// must be proved to lose for there to be a window.
const lossyShare = 0.05

// window is where most are lost: from the first bin to the last in which the share of
// the lost is at least half of the greatest (the full width at half maximum of a peak).
// A share is that of a bin and its neighbours together, at risk or not. Where it is much
// lower the edge would be decided by single requests, and would be another in each sweep.
func window(bins []result.SweepBin) (all *result.SweepWindow) {
	shares, greatest := make([]float64, len(bins)), 0
	for i := range bins {
		lost, counted := near(bins, i)
		shares[i] = float64(lost) / float64(max(counted, 1))
		if shares[i] > shares[greatest] {
			greatest = i
		}
	}
	if low, _, ok := stats.Interval(near(bins, greatest)); !ok || low <= lossyShare {
		return nil
	}
	for i, b := range bins {
		if b.Lost == 0 || 2*shares[i] < shares[greatest] {
			continue
		}
		if all == nil {
			all = &result.SweepWindow{FromUS: b.FromUS}
		}
		all.ToUS = b.ToUS
	}
	return all
}

// near counts the requests of a bin and its neighbours.
func near(bins []result.SweepBin, i int) (lost, counted int) {
	for _, b := range bins[max(0, i-1):min(len(bins), i+2)] {
		lost, counted = lost+b.Lost, counted+b.Counted()
	}
	return lost, counted
}

// widest is the longest run of bins in which the rate is proved to be above zero,
// which a single loss does. Of two of one length the earlier counts.
func widest(bins []result.SweepBin) *result.SweepWindow {
	var best *result.SweepWindow
	for i := 0; i < len(bins); i++ {
		from := i
		for i < len(bins) && bins[i].Low != nil && *bins[i].Low > 0 {
			i++
		}
		if i == from {
			continue
		}
		w := result.SweepWindow{FromUS: bins[from].FromUS, ToUS: bins[i-1].ToUS}
		if best == nil || w.ToUS-w.FromUS > best.ToUS-best.FromUS {
			best = &w
		}
	}
	return best
}

func spread(all []time.Duration) result.SweepSpread {
	if len(all) == 0 {
		return result.SweepSpread{}
	}
	slices.Sort(all)
	return result.SweepSpread{Median: micros(history.Quantile(all, 0.5)), Max: micros(all[len(all)-1])}
}

// micros returns d in microseconds, to the nanosecond.
func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
