package check

import (
	"cmp"
	"slices"
	"time"

	"gonum.org/v1/gonum/mathext"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// confidence of every bound and of every interval: 95 %, one-sided for a bound.
const confidence = 0.95

// UpperBound returns the one-sided 95 % Clopper-Pearson upper bound of a rate of
// which k of n trials were seen (Biometrika 26(4), 1934): guaranteed to cover,
// and so right for a gate, if the trials are independent: shutdowns are, and the
// requests of one shutdown are not. Without trials there is none, and ok is false.
func UpperBound(k, n int) (bound float64, ok bool) {
	if n <= 0 || k < 0 || k > n {
		return 0, false
	}
	return upperAt(float64(k), float64(n), confidence), true
}

// Interval returns the two-sided 95 % Clopper-Pearson interval of a rate of which k
// of n trials were seen: each side leaves out 2.5 %. Without trials there is none,
// and ok is false.
func Interval(k, n int) (low, high float64, ok bool) {
	if n <= 0 || k < 0 || k > n {
		return 0, 0, false
	}
	const side = (1 + confidence) / 2
	return lowerAt(float64(k), float64(n), side), upperAt(float64(k), float64(n), side), true
}

// upperAt is the upper bound that holds with that confidence.
func upperAt(k, n, confidence float64) float64 {
	if k >= n {
		return 1
	}
	return mathext.InvRegIncBeta(k+1, n-k, confidence)
}

// lowerAt is the lower bound that holds with that confidence.
func lowerAt(k, n, confidence float64) float64 {
	if k <= 0 {
		return 0
	}
	return mathext.InvRegIncBeta(k, n-k+1, 1-confidence)
}

func upperBound(k, n int) *float64 {
	if bound, ok := UpperBound(k, n); ok {
		return &bound
	}
	return nil
}

func spread(values []float64) result.Spread {
	if len(values) == 0 {
		return result.Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	mid := len(v) / 2
	median := v[mid]
	if len(v)%2 == 0 {
		median = (v[mid-1] + v[mid]) / 2
	}
	return result.Spread{Min: v[0], Median: median, Max: v[len(v)-1]}
}

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
