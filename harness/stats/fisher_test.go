package stats

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestFisherAgainstPublishedValues: the lady tasting tea and the twins of
// convicts are Fisher's own examples (R: fisher.test(..., alternative="less")).
func TestFisherAgainstPublishedValues(t *testing.T) {
	tests := []struct {
		name                           string
		oldLost, oldOf, newLost, newOf int
		want, within                   float64
	}{
		{"none of 500 and 5 of 500", 0, 500, 5, 500, 0.031, 0.0005},
		{"none of 500 and 6 of 500", 0, 500, 6, 500, 0.015, 0.0005},
		{"the lady names 3 of 4 cups", 1, 4, 3, 4, 17.0 / 70, 1e-12},
		{"the lady names all cups", 0, 4, 4, 4, 1.0 / 70, 1e-12},
		{"convicted twins", 2, 15 + 2, 10, 13, 0.0004652, 5e-8},
		{"three shutdowns each", 0, 3, 3, 3, 0.05, 1e-12},
		{"two shutdowns each", 0, 2, 2, 2, 1.0 / 6, 1e-12},
		{"4 shutdowns of 10", 0, 10, 4, 10, 0.0433, 0.00005},
		{"3 shutdowns of 10", 0, 10, 3, 10, 0.1053, 0.00005},
		{"all the same", 0, 10, 0, 10, 1, 0},
		{"nothing on a side", 0, 0, 3, 3, 1, 0},
		{"nothing on the other side", 2, 3, 0, 0, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Fisher(tt.oldLost, tt.oldOf, tt.newLost, tt.newOf); math.Abs(got-tt.want) > tt.within {
				t.Errorf("p = %.7f, want %.7f", got, tt.want)
			}
		})
	}
}

// TestFisherIsExact holds it against whole numbers: all ways to put so many lost
// ones among the new.
func TestFisherIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		oldOf, newOf := rapid.IntRange(1, 300).Draw(t, "old of"), rapid.IntRange(1, 300).Draw(t, "new of")
		oldLost, newLost := rapid.IntRange(0, oldOf).Draw(t, "old lost"), rapid.IntRange(0, newOf).Draw(t, "new lost")
		lost := int64(oldLost + newLost)
		ways := new(big.Int)
		for k := int64(newLost); k <= min(lost, int64(newOf)); k++ {
			a, b := new(big.Int).Binomial(lost, k), new(big.Int).Binomial(int64(oldOf+newOf)-lost, int64(newOf)-k)
			ways.Add(ways, a.Mul(a, b))
		}
		all := new(big.Int).Binomial(int64(oldOf+newOf), int64(newOf))
		want, _ := new(big.Rat).SetFrac(ways, all).Float64()
		if got := Fisher(oldLost, oldOf, newLost, newOf); math.Abs(got-want) > 1e-9 {
			t.Fatalf("p = %v, want %v", got, want)
		}
	})
}

// TestFisherIsQuickWhateverAReportSays: the largest counts that are believed.
func TestFisherIsQuickWhateverAReportSays(t *testing.T) {
	const maxCount = 1e12
	begin := time.Now()
	for _, newLost := range []int{0, 1, maxCount / 4, maxCount / 2, maxCount} {
		if p := Fisher(maxCount/2, maxCount, newLost, maxCount); p < 0 || p > 1 || math.IsNaN(p) {
			t.Errorf("p = %v with %d lost", p, newLost)
		}
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}
