package sweep

import (
	"math"
	"slices"

	"lastcall/harness/history"
)

const (
	// maxMore is how many times as many shutdowns as were asked for are added where
	// bins have too few requests.
	maxMore = 4
	// edgeShots is how many requests a bin must count that loses some, or that is next
	// to one that does.
	edgeShots = 3 * history.EnoughShots
	// The bounds of a bin's weight, of which the mean is near 1.
	minWeight, maxWeight = 0.2, 3
	// maxDense is how many times as many requests a bin can have as it would if all
	// were alike: more would make a queue.
	maxDense = 2
)

// tally knows how far one kind of connections has come.
type tally struct {
	lane      lane
	shutdowns int   // that were carried out
	counted   []int // requests, by bin
	lost      []int // of those
}

// tallies are those of all kinds that are asked for.
func (p *Plan) tallies() []*tally {
	var all []*tally
	for _, l := range p.lanes() {
		all = append(all, &tally{lane: l, counted: make([]int, p.Grid.Bins()), lost: make([]int, p.Grid.Bins())})
	}
	return all
}

// next is the kind whose turn it is, or nil if all have enough.
func (p *Plan) next(all []*tally) (next *tally) {
	for _, t := range all {
		if p.wants(t) && (next == nil || t.shutdowns < next.shutdowns) {
			next = t
		}
	}
	return next
}

// wants reports whether a kind needs another shutdown: one that was asked for, or one
// to fill bins that lack requests. Where nothing has counted so far, more of the same
// would not either.
func (p *Plan) wants(t *tally) bool {
	asked := p.Scenario.Shutdowns
	if t.shutdowns < asked {
		return true
	}
	return t.shutdowns < (1+maxMore)*asked && slices.Max(t.counted) > 0 && slices.Max(p.lacks(t)) > 0
}

// lacks is how many requests each bin lacks: to those that say something where none
// was lost, or to those that say where the loss begins and ends, but never to more
// than were asked for. Where fewer were asked for than say something nothing is filled.
func (p *Plan) lacks(t *tally) []int {
	all, asked := make([]int, len(t.counted)), math.MaxInt
	if p.PerStep > 0 {
		asked = int(float64(p.Scenario.Shutdowns) * p.PerStep)
	}
	if asked < history.EnoughShots {
		return all
	}
	for bin, n := range t.counted {
		want := history.EnoughShots
		if slices.Max(t.lost[max(0, bin-1):min(len(t.lost), bin+2)]) > 1 { // one alone may be a stray
			want = edgeShots
		}
		all[bin] = max(0, min(want, asked)-n)
	}
	return all
}

// add counts a shutdown.
func (t *tally) add(g history.Grid, h *history.History) {
	t.shutdowns++
	for i := range h.Requests {
		r := &h.Requests[i]
		bin, ok := g.Place(h.Shot(r))
		if !ok || r.Outcome == history.Unsent {
			continue
		}
		t.counted[bin]++
		if r.Outcome == history.Dropped {
			t.lost[bin]++
		}
	}
}

// weights are the bins' shares of the next requests: the more a bin lacks, the more
// it gets.
func weights(lacks []int) []float64 {
	sum := 0.0
	for _, n := range lacks {
		sum += float64(n)
	}
	mean := sum / float64(len(lacks))
	var all []float64
	for _, n := range lacks {
		w := 1.0
		if sum > 0 {
			w = min(max(float64(n)/mean, minWeight), maxWeight)
		}
		all = append(all, w)
	}
	return all
}

// thinned returns how many of n requests there can be with these weights, so that none
// of the bins has too many.
func thinned(n int, weights []float64) int {
	whole := 0.0
	for _, w := range weights {
		whole += w
	}
	even := whole / slices.Max(weights) / float64(len(weights)) // 1: all are alike
	return max(1, min(n, int(math.Ceil(float64(n)*maxDense*even))))
}
