package sweep

import (
	"fmt"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// Grid divides the time around a signal into bins of one width. Zero is the
// signal, and always an edge: no bin has requests of both sides in it.
type Grid struct {
	From time.Duration // from the signal: negative is before it
	To   time.Duration
	Step time.Duration // the width of a bin
}

// MaxBins is how many bins a grid can have.
const MaxBins = 400

// Validate returns the grid's first mistake, or nil. Its field is from, to or
// step.
func (g Grid) Validate() error {
	switch {
	case g.Step <= 0:
		return &scenario.Invalid{Field: "step", Problem: fmt.Sprintf("is %s, must be more than 0, as in 100us", g.Step)}
	case g.From >= g.To:
		return &scenario.Invalid{Field: "from", Problem: fmt.Sprintf("is %s, must be before the end of %s", g.From, g.To)}
	case int64(g.To-g.From)/int64(g.Step) > MaxBins-2: // an edge at zero can cost one more on either side
		return &scenario.Invalid{Field: "step", Problem: fmt.Sprintf("is %s, which makes %d bins, must make at most %d", g.Step, (g.To-g.From)/g.Step, MaxBins-2)}
	}
	return nil
}

// first is the number of the first bin, counted from the one that begins at zero.
func (g Grid) first() int { return floorDiv(g.From, g.Step) }

// Bins returns how many bins there are. They reach from From to To, or a little
// further, so that all are of one width.
func (g Grid) Bins() int { return -floorDiv(-g.To, g.Step) - g.first() }

// Edges returns where a bin begins, which belongs to it, and where it ends, which
// does not.
func (g Grid) Edges(bin int) (from, to time.Duration) {
	from = time.Duration(g.first()+bin) * g.Step
	return from, from + g.Step
}

// Bin returns the bin of an offset, and whether it lies in any.
func (g Grid) Bin(offset time.Duration) (bin int, ok bool) {
	bin = floorDiv(offset, g.Step) - g.first()
	return bin, bin >= 0 && bin < g.Bins()
}

// floorDiv rounds down, also below zero.
func floorDiv(a, b time.Duration) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return int(q)
}

// EnoughShots is how many requests of a sweep a bin must count, to say something
// where none of them was lost: of 15 a loss in five would have shown with 96 %.
const EnoughShots = 15

// Place returns the bin of a shot. One whose uncertainty is greater than a step has
// none: it could belong to a bin that is not even next to it.
func (g Grid) Place(s history.Shot) (bin int, ok bool) {
	if s.Uncertainty > g.Step {
		return 0, false
	}
	return g.Bin(s.Offset)
}
