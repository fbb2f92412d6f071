package check

import (
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
// and so right for a gate. Without trials there is none, and ok is false.
func UpperBound(k, n int) (bound float64, ok bool) {
	if n <= 0 || k < 0 || k > n {
		return 0, false
	}
	return upperQuantile(float64(k), float64(n)), true
}

// LowerBound returns the one-sided 95 % Clopper-Pearson lower bound of a rate of
// which k of n trials were seen. Without trials there is none, and ok is false.
func LowerBound(k, n int) (bound float64, ok bool) {
	if n <= 0 || k < 0 || k > n {
		return 0, false
	}
	return lowerQuantile(float64(k), float64(n)), true
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

// upperQuantile is the upper bound as a quantile of a beta distribution, which
// knows fractions of a trial too.
func upperQuantile(k, n float64) float64 { return upperAt(k, n, confidence) }

// lowerQuantile is the lower bound, in the same way.
func lowerQuantile(k, n float64) float64 { return lowerAt(k, n, confidence) }

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
