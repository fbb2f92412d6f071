package sweep

import (
	"math"
	"slices"

	"lastcall/harness/history"
)

const (
	// maxMore is how many times as many shutdowns as were asked for are added where a bin
	// says nothing, and edgeMore where the loss begins or ends in a bin that could say more.
	maxMore, edgeMore = 5, 3
	// edgeShots is how many requests a bin must count that loses some, or that is next
	// to one that does.
	edgeShots = 2 * EnoughShots
	// beyondEnough is what a request beyond history.EnoughShots counts for: a bin that
	// says nothing comes before one that could say more.
	beyondEnough = 1.0 / 6
	// A bin is out of reach if of so many requests that were meant for it hardly any came
	// to be sent in it: while kill(2) runs nothing is sent, and a connection takes its
	// time to be made.
	enoughMeant, hardlyAny = 2 * EnoughShots, 0.1
	// The bounds of a bin's weight, of which the mean is near 1.
	minWeight, maxWeight = 0.1, 3
	// maxDense is how many times as many requests a bin can have as it would if all
	// were alike: more would make a queue.
	maxDense = 2
)

// tally knows how far one kind of connections has come.
type tally struct {
	lane      lane
	shutdowns int   // that were carried out
	counted   []int // requests, by the bin in which they were sent
	lost      []int // of those
	meant     []int // requests, by the bin for which they were meant
}

// tallies are those of all kinds that are asked for.
func (p *Plan) tallies() []*tally {
	var all []*tally
	for _, l := range p.lanes() {
		all = append(all, &tally{lane: l, counted: make([]int, p.Grid.Bins()), lost: make([]int, p.Grid.Bins()), meant: make([]int, p.Grid.Bins())})
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
// than were asked for. Where fewer were asked for than say something nothing is filled,
// nor is a bin that is out of reach.
func (p *Plan) lacks(t *tally) []int {
	all, asked := make([]int, len(t.counted)), math.MaxInt
	if p.PerStep > 0 {
		asked = int(float64(p.Scenario.Shutdowns) * p.PerStep)
	}
	if asked < EnoughShots {
		return all
	}
	for bin, n := range t.counted {
		if t.meant[bin] >= enoughMeant && float64(n) < hardlyAny*float64(t.meant[bin]) {
			continue
		}
		want := EnoughShots
		edge := slices.Max(t.lost[max(0, bin-1):min(len(t.lost), bin+2)]) > 1 // one alone may be a stray
		if edge && t.shutdowns < (1+edgeMore)*p.Scenario.Shutdowns {
			want = edgeShots
		}
		all[bin] = max(0, min(want, asked)-n)
	}
	return all
}

// needs is how urgently each bin needs what it lacks.
func (p *Plan) needs(t *tally) []float64 {
	var all []float64
	for bin, lack := range p.lacks(t) {
		first := min(lack, max(0, EnoughShots-t.counted[bin]))
		all = append(all, float64(first)+beyondEnough*float64(lack-first))
	}
	return all
}

// add counts a shutdown.
func (t *tally) add(g Grid, h *history.History) {
	t.shutdowns++
	for i := range h.Requests {
		r := &h.Requests[i]
		if bin, ok := g.Bin(r.Scheduled - h.Signal.Before); ok && r.Outcome != history.Unsent {
			t.meant[bin]++
		}
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

// weights are the bins' shares of the next requests: the more a bin needs, the more
// it gets.
func weights(needs []float64) []float64 {
	sum := 0.0
	for _, n := range needs {
		sum += n
	}
	mean := sum / float64(len(needs))
	var all []float64
	for _, n := range needs {
		w := 1.0
		if sum > 0 {
			w = min(max(n/mean, minWeight), maxWeight)
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
