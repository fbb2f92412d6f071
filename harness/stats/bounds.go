// Package stats has the statistics behind verdicts: bounds of a rate and of a mean over
// shutdowns, and the tests that tell a difference from chance.
package stats

import (
	"gonum.org/v1/gonum/mathext"
)

// confidence of every bound and of every interval: 95%, one-sided for a bound.
const confidence = 0.95

// UpperBound returns the one-sided 95% Clopper-Pearson upper bound of a rate of
// which k of n trials were seen (Biometrika 26(4), 1934): guaranteed to cover,
// and so right for a gate, if the trials are independent: shutdowns are, and the
// requests of one shutdown are not. Without trials there is none, and ok is false.
func UpperBound(k, n int) (bound float64, ok bool) {
	if n <= 0 || k < 0 || k > n {
		return 0, false
	}
	return upperAt(float64(k), float64(n), confidence), true
}

// Interval returns the two-sided 95% Clopper-Pearson interval of a rate of which k
// of n trials were seen: each side leaves out 2.5%. Without trials there is none,
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
