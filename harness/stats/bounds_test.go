package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestUpperBoundAgainstPublishedValues: one-sided 95% Clopper-Pearson bounds as
// tables and other programs have them (R: qbeta(0.95, k+1, n-k)). With k = 0 it
// is 1 - 0.05^(1/n), close to the rule of three.
func TestUpperBoundAgainstPublishedValues(t *testing.T) {
	tests := []struct {
		k, n    int
		percent float64
	}{
		{0, 200, 1.49},
		{1, 200, 2.35},
		{3, 200, 3.83},
		{0, 1000, 0.30},
		{5, 1000, 1.05},
		{0, 3, 63.16},
		{0, 1, 95.00},
		{1, 2, 97.47},
		{20, 20, 100},
	}
	for _, tt := range tests {
		got, ok := UpperBound(tt.k, tt.n)
		if !ok || math.Abs(100*got-tt.percent) > 0.005 {
			t.Errorf("UpperBound(%d, %d) = %.3f %%, %v, want %.2f %%", tt.k, tt.n, 100*got, ok, tt.percent)
		}
	}
}

// TestUpperBoundEdges: what is no sample has no bound.
func TestUpperBoundEdges(t *testing.T) {
	for _, tt := range []struct{ k, n int }{{0, 0}, {1, 0}, {0, -1}, {-1, 10}, {11, 10}, {-1, -1}} {
		if bound, ok := UpperBound(tt.k, tt.n); ok || bound != 0 {
			t.Errorf("UpperBound(%d, %d) = %v, %v, want none", tt.k, tt.n, bound, ok)
		}
	}
	if bound, ok := UpperBound(5, 5); !ok || bound != 1 {
		t.Errorf("UpperBound(5, 5) = %v, %v, want 1", bound, ok)
	}
}

// TestUpperBoundProperties: within [k/n, 1], rising with k, falling with n; and
// it covers: were the rate the bound, so few would be seen in 5% of samples.
func TestUpperBoundProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20000).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		bound, ok := UpperBound(k, n)
		if !ok || bound < float64(k)/float64(n) || bound > 1 {
			t.Fatalf("UpperBound(%d, %d) = %v, %v, outside [k/n, 1]", k, n, bound, ok)
		}
		if k == n {
			return
		}
		if more, _ := UpperBound(k+1, n); more <= bound {
			t.Fatalf("UpperBound(%d, %d) = %v is no more than that of %d, %v", k+1, n, more, k, bound)
		}
		if larger, _ := UpperBound(k, n+1); larger >= bound {
			t.Fatalf("UpperBound(%d, %d) = %v is no less than that of %d, %v", k, n+1, larger, n, bound)
		}
		if tail := atMost(k, n, bound); math.Abs(tail-0.05) > 1e-6 {
			t.Fatalf("with the rate UpperBound(%d, %d) = %v at most %d are seen with probability %v, want 0.05", k, n, bound, k, tail)
		}
	})
}

// atMost is the probability of at most k successes in n trials: the binomial
// distribution, summed term by term.
func atMost(k, n int, p float64) float64 {
	sum := 0.0
	for i := range k + 1 {
		sum += math.Exp(choose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

// choose is the logarithm of the binomial coefficient.
func choose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// TestIntervalAgainstPublishedValues: two-sided 95% Clopper-Pearson intervals as
// tables and other programs have them (R: binom.test(k, n)$conf.int).
func TestIntervalAgainstPublishedValues(t *testing.T) {
	tests := []struct {
		k, n      int
		low, high float64 // in percent
	}{
		{0, 10, 0, 30.85},
		{1, 10, 0.25, 44.50},
		{3, 10, 6.67, 65.25},
		{10, 10, 69.15, 100},
		{5, 100, 1.64, 11.28},
		{50, 100, 39.83, 60.17},
		{0, 1, 0, 97.50},
	}
	for _, tt := range tests {
		low, high, ok := Interval(tt.k, tt.n)
		if !ok || math.Abs(100*low-tt.low) > 0.005 || math.Abs(100*high-tt.high) > 0.005 {
			t.Errorf("Interval(%d, %d) = %.3f %% to %.3f %%, %v, want %.2f %% to %.2f %%", tt.k, tt.n, 100*low, 100*high, ok, tt.low, tt.high)
		}
	}
	if _, _, ok := Interval(0, 0); ok {
		t.Error("there is an interval without a trial")
	}
}
