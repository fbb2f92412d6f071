package check

import (
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// columns is how many columns of time a timeline has, at most. With the two that
// a report puts between them for the signal and the exit they are sixty.
const columns = 58

// timeline is the worst shutdown in a line, or nil if no signal was ever sent.
func timeline(observations []*observation) *result.Timeline {
	o := worst(observations)
	if o == nil {
		return nil
	}
	from, to := o.span()
	width := columnWidth(to-from, o.Header.Scenario.Load.Rate)
	before := min(columns-1, int((-from+width-1)/width)) // whole columns, so that the signal is between two
	ended := make([]map[byte]int, min(columns, before+int(to/width)+1))
	for i := range o.Requests {
		r := &o.Requests[i]
		at := before + floor(r.End-o.Signal.Before, width)
		if r.Outcome == history.Pending || at < 0 || at >= len(ended) {
			continue
		}
		if ended[at] == nil {
			ended[at] = make(map[byte]int)
		}
		ended[at][mark(r, o.windows[i])]++
	}
	strip := make([]byte, len(ended))
	for i, marks := range ended {
		strip[i] = telling(marks)
	}
	return &result.Timeline{
		Shutdown: o.Header.Shutdown, FromMS: millis(-time.Duration(before) * width), ColumnMS: millis(width), Strip: string(strip),
	}
}

// worst is the shutdown in which most went wrong: what was in flight counts
// first, then what came late, then how long the exit took. One that could be
// judged goes before any that could not.
func worst(observations []*observation) *observation {
	var sent []*observation
	for _, o := range observations {
		if o.Signal.Sent {
			sent = append(sent, o)
		}
	}
	if len(sent) == 0 {
		return nil
	}
	return slices.MaxFunc(sent, func(a, b *observation) int { // the first of those that are alike
		return slices.Compare(a.badness(), b.badness())
	})
}

// badness is what shutdowns are ranked by, what matters most first.
func (o *observation) badness() []int {
	intact := 0
	if o.intact() {
		intact = 1
	}
	inFlight, late := o.counts(history.InFlight), o.counts(history.Late)
	refused := 0
	if staysUpThrough(o.Header.Scenario) {
		refused = inFlight.Refused + late.Refused
	}
	return []int{
		intact, inFlight.Dropped, inFlight.Total - inFlight.Completed + refused,
		late.Dropped, late.Failed + late.Rejected, int((o.Exit.At - o.Signal.Before) / time.Millisecond),
	}
}

// span is the stretch of time that a timeline shows, from the signal: until what
// was exposed has ended and the process is gone, and a little more on both sides.
func (o *observation) span() (from, to time.Duration) {
	to = 10 * time.Millisecond
	if o.Exit.Seen {
		to = max(to, o.Exit.At-o.Signal.Before)
	}
	o.exposed(func(r *history.Request) { to = max(to, r.End-o.Signal.Before) })
	lead := min(max(to/2, 100*time.Millisecond), time.Second)
	return -lead, to + max(to/5, 30*time.Millisecond)
}

// columnWidth is the least round width by which the span fits, and that two
// requests of a second's rate fall into: a line of gaps shows nothing.
func columnWidth(span time.Duration, rate int) time.Duration {
	least := 2 * time.Second / time.Duration(max(rate, 1))
	for unit := time.Millisecond; ; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if w := n * unit; span <= w*(columns-2) && (w >= least || span <= 2*w*10) { // cut on both sides, a span takes two columns more
				return w
			}
		}
	}
}

func floor(d, width time.Duration) int {
	n := int(d / width)
	if d < 0 && d%width != 0 {
		n--
	}
	return n
}

func mark(r *history.Request, w history.Window) byte {
	switch r.Outcome {
	case history.Completed:
		if w == history.InFlight {
			return result.MarkKept
		}
		return result.MarkCompleted
	case history.Rejected:
		return result.MarkRejected
	case history.Failed:
		return result.MarkFailed
	case history.Refused:
		return result.MarkRefused
	case history.Dropped:
		return result.MarkDropped
	case history.Unsent:
		return result.MarkUnsent
	case history.Pending:
	}
	return result.MarkNothing
}

// telling is the mark that stands for all that ended in a column: the commonest
// trouble, for one loss must not hide fifty that were turned away; without any, the
// mark that matters most.
func telling(marks map[byte]int) byte {
	best, most := result.MarkNothing, 0
	for _, m := range result.Marks() { // the worst of those that are as common comes last
		n := marks[m]
		trouble := m == result.MarkDropped || m == result.MarkFailed || m == result.MarkRejected
		switch {
		case n == 0:
		case !trouble:
			best = m
		case n >= most:
			best, most = m, n
		}
	}
	return best
}
