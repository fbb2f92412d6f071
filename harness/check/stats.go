package check

import (
	"slices"
	"time"

	"gonum.org/v1/gonum/mathext"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// confidence of every bound: one-sided 95 %.
const confidence = 0.95

// UpperBound returns the one-sided 95 % Clopper-Pearson upper bound of a rate of
// which k of n trials were seen (Biometrika 26(4), 1934): guaranteed to cover,
// and so right for a gate. Without trials there is none, and ok is false.
func UpperBound(k, n int) (bound float64, ok bool) {
	switch {
	case n <= 0 || k < 0 || k > n:
		return 0, false
	case k == n:
		return 1, true
	}
	return mathext.InvRegIncBeta(float64(k+1), float64(n-k), confidence), true
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

func quantiles(latencies []time.Duration) result.Quantiles {
	if len(latencies) == 0 {
		return result.Quantiles{}
	}
	slices.Sort(latencies)
	return result.Quantiles{
		P50: millis(history.Quantile(latencies, 0.5)),
		P95: millis(history.Quantile(latencies, 0.95)),
		P99: millis(history.Quantile(latencies, 0.99)),
		Max: millis(latencies[len(latencies)-1]),
	}
}

// millis returns d in milliseconds, to the microsecond.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
