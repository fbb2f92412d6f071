package picture

import (
	"slices"
	"time"

	"lastcall/harness/history"
)

// Box is how times are spread.
type Box struct {
	N                      int
	Min, P5, P50, P95, Max time.Duration
}

func box(times []time.Duration) Box {
	if len(times) == 0 {
		return Box{}
	}
	slices.Sort(times)
	q := func(share float64) time.Duration { return history.Quantile(times, share) }
	return Box{N: len(times), Min: times[0], P5: q(0.05), P50: q(0.5), P95: q(0.95), Max: times[len(times)-1]}
}
