package stats

import (
	"math"
	"math/bits"
	"testing"

	"gonum.org/v1/gonum/floats"
	"pgregory.net/rapid"
)

func series(n int, of func(i int) float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = of(i)
	}
	return values
}

// TestMannWhitneyAgainstPublishedValues: tables of U, and what R's wilcox.test
// says (the first of its examples is Hollander and Wolfe's on placentas).
func TestMannWhitneyAgainstPublishedValues(t *testing.T) {
	evens := series(500, func(i int) float64 { return float64(2 * i) })
	odds := series(600, func(i int) float64 { return float64(2*i - 41) })
	tied := append([]float64{}, odds...)
	copy(tied, evens[:30])
	tests := []struct {
		name         string
		low, high    []float64
		want, within float64
	}{
		{"3 beyond 3", []float64{1, 2, 3}, []float64{4, 5, 6}, 0.05, 1e-12},
		{"4 beyond 4", []float64{2, 1, 3, 5}, []float64{12, 11, 13, 15}, 1.0 / 70, 1e-12},
		{"4 before 4", []float64{12, 11, 13, 15}, []float64{2, 1, 3, 5}, 1, 1e-12},
		{"4 among 4", []float64{2, 1, 3, 5}, []float64{0, 4, 6, 7}, 0.242857, 1e-6},
		{
			"Hollander and Wolfe",
			[]float64{1.15, 0.88, 0.90, 0.74, 1.21},
			[]float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46},
			0.1272, 0.00005,
		},
		{"5 with 5 at the critical U of 4", []float64{1, 2, 3, 6, 7}, []float64{4, 5, 8, 9, 10}, 0.0476, 0.00005},
		{"many, approximated", evens, odds, 0.0024667680407086, 1e-12},
		{"many with ties, approximated", evens, tied, 0.0019351907119809, 1e-12},
		{"all equal", []float64{1, 1, 1}, []float64{1, 1, 1}, 1, 1e-12},
		{"all of many equal", make([]float64, 200), make([]float64, 200), 1, 0},
		{"none old", nil, []float64{1}, 1, 0},
		{"none new", []float64{1}, nil, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := MannWhitney(tt.low, tt.high); math.Abs(got-tt.want) > tt.within {
				t.Errorf("p = %.10f, want %.10f", got, tt.want)
			}
		})
	}
}

// TestMannWhitneyCountsEveryWay holds it against the definition: of all ways to
// deal the values out, those in which the high ones win as many duels or more.
func TestMannWhitneyCountsEveryWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.SliceOfN(rapid.Float64Range(0, 3).Filter(func(f float64) bool { return f == math.Trunc(f) }), 1, 6)
		if rapid.Bool().Draw(t, "without ties") {
			few = rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 6)
		}
		low, high := few.Draw(t, "low"), few.Draw(t, "high")
		all := append(append([]float64{}, low...), high...)
		seen, ways, reached := duels(low, high), 0, 0
		for set := range uint(1) << len(all) {
			if bits.OnesCount(set) != len(high) {
				continue
			}
			var in, out []float64
			for i, v := range all {
				if set>>i&1 == 1 {
					in = append(in, v)
				} else {
					out = append(out, v)
				}
			}
			ways++
			if duels(out, in) >= seen {
				reached++
			}
		}
		want := float64(reached) / float64(ways)
		if got := MannWhitney(low, high); math.Abs(got-want) > 1e-12 {
			t.Fatalf("p = %v, want %d of %d", got, reached, ways)
		}
	})
}

// duels is U: how many pairs high wins, a draw being half of one.
func duels(low, high []float64) (won float64) {
	for _, h := range high {
		for _, l := range low {
			switch {
			case h > l:
				won++
			case h == l:
				won += 0.5
			}
		}
	}
	return won
}

// TestMannWhitneyOfTwoValuesIsFisher: where each shutdown has lost all or
// nothing, the two tests ask the same.
func TestMannWhitneyOfTwoValuesIsFisher(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		outcome := rapid.SliceOfN(rapid.SampledFrom([]float64{0, 1}), 1, 40)
		low, high := outcome.Draw(t, "low"), outcome.Draw(t, "high")
		want := Fisher(ones(low), len(low), ones(high), len(high))
		if got := MannWhitney(low, high); math.Abs(got-want) > 1e-9 {
			t.Fatalf("p = %v, Fisher's is %v", got, want)
		}
	})
}

// TestMannWhitneyApproximationMeetsTheExactOne where the one takes over from the
// other.
func TestMannWhitneyApproximationMeetsTheExactOne(t *testing.T) {
	low := series(exactRanks/2, func(i int) float64 { return float64(i % 17) })
	for shift := range 6 {
		high := series(exactRanks/2, func(i int) float64 { return float64(i%17 + shift) })
		_, sum, ties := rank(low, high)
		exact, approximate := MannWhitney(low, high), normalTail(float64(len(low)), float64(len(high)), float64(sum)/2, ties)
		if math.Abs(exact-approximate) > 0.003 {
			t.Errorf("shifted by %d: %.5f exactly, %.5f approximated", shift, exact, approximate)
		}
	}
}

func BenchmarkMannWhitneyAtItsLargest(b *testing.B) {
	low := series(exactRanks/2, func(i int) float64 { return float64(i) })
	high := series(exactRanks/2, func(i int) float64 { return float64(i) + 0.5 })
	for b.Loop() {
		MannWhitney(low, high)
	}
}

// TestThreeOfThreeIsSignificant: exactly 1 in 20 must not be lost to rounding.
func TestThreeOfThreeIsSignificant(t *testing.T) {
	if p := Fisher(0, 3, 3, 3); !Significant(p) {
		t.Errorf("p = %.17f is not significant", p)
	}
	if p := MannWhitney([]float64{1, 2, 3}, []float64{4, 5, 6}); !Significant(p) {
		t.Errorf("p = %.17f is not significant", p)
	}
	if Significant(0.0501) {
		t.Error("0.0501 is significant")
	}
}

func ones(values []float64) int { return int(floats.Sum(values)) }
