package check

import (
	"cmp"
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

func quantiles(latencies []history.Latency) result.Quantiles {
	if len(latencies) == 0 {
		return result.Quantiles{}
	}
	slices.SortFunc(latencies, func(a, b history.Latency) int { return cmp.Compare(a.Took, b.Took) })
	total := 0
	for _, l := range latencies {
		total += l.Count
	}
	at := func(q float64) float64 { // as history.Quantile
		left := min(int(q*float64(total)), total-1)
		for _, l := range latencies {
			if left -= l.Count; left < 0 {
				return millis(l.Took)
			}
		}
		return 0 // a saved history whose counts are not above zero
	}
	return result.Quantiles{P50: at(0.5), P95: at(0.95), P99: at(0.99), Max: at(1)}
}

// millis returns d in milliseconds, to the microsecond.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
