package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lastcall/internal/testrun"
)

// TestTheMeanOfAllOrNothingIsClopperPearsons: a shutdown that loses all or nothing
// is a trial of a coin, whose exact bound is known.
func TestTheMeanOfAllOrNothingIsClopperPearsons(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 100, 1000} {
		for _, k := range []int{0, 1, n / 2, n - 1, n} {
			all := Shares{{1, float64(k)}, {0, float64(n - k)}}
			upper, _ := UpperBound(k, n)
			kept, _ := UpperBound(n-k, n)
			if got := all.Upper(); math.Abs(got-upper) > 1e-8 {
				t.Errorf("%d of %d: at most %v, want %v", k, n, got, upper)
			}
			if got := all.Lower(); math.Abs(got-(1-kept)) > 1e-8 {
				t.Errorf("%d of %d: at least %v, want %v", k, n, got, 1-kept)
			}
		}
	}
}

// TestTheMeanBoundByDrawingIt: the same quantile as a bootstrap finds it that draws
// its weights.
func TestTheMeanBoundByDrawingIt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, shares := range [][]float64{{0.02, 0.03, 0.05}, {0, 0, 0, 0.4}, {0.01, 0.01, 0.2, 0.5, 0.9, 1}} {
		bound := SharesOf(shares).Upper()
		const draws = 200_000
		below := 0
		for range draws {
			rest := random.ExpFloat64() * (1 - bound)
			for _, share := range shares {
				rest += random.ExpFloat64() * (share - bound)
			}
			if rest <= 0 {
				below++
			}
		}
		if got := float64(below) / draws; math.Abs(got-confidence) > 0.003 {
			t.Errorf("%v: %v of the draws are at most %v, want %v", shares, got, bound, confidence)
		}
	}
}

// TestTheMeanBoundProperties: it lies about the mean and within 0 and 1, more is
// proved by more of the same, and a greater loss makes it greater.
func TestTheMeanBoundProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shares := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 8).Draw(t, "shares")
		all := SharesOf(shares)
		low, mean, high := all.Lower(), all.mean(), all.Upper()
		if low < 0 || low > mean+1e-12 || mean > high+1e-12 || high > 1 {
			t.Fatalf("%v: %v, %v, %v", shares, low, mean, high)
		}
		if more := all.scaled(3); more.Upper() > high+1e-9 || more.Lower() < low-1e-9 {
			t.Fatalf("%v: three times as many prove less", shares)
		}
		shares[0] = rapid.Float64Range(shares[0], 1).Draw(t, "worse")
		if worse := SharesOf(shares); worse.Upper() < high-1e-9 || worse.Lower() < low-1e-9 {
			t.Fatalf("%v: more is lost and less is said", shares)
		}
	})
}

// server is one whose shutdowns each lose a share of their own of what is sent.
type server struct {
	name  string
	mean  float64 // of the shares
	share func(*rand.Rand) float64
}

// mostly loses that share in one shutdown of so many, and nothing else.
func mostly(name string, oneOf, share float64) server {
	return server{name, share / oneOf, func(r *rand.Rand) float64 {
		if r.Float64()*oneOf < 1 {
			return share
		}
		return 0
	}}
}

// servers are steady and unsteady ones.
func servers() []server {
	beta := func(a int, b float64) func(*rand.Rand) float64 { // of a whole a: the ratio of gammas
		return func(r *rand.Rand) float64 {
			x := 0.0
			for range a {
				x += r.ExpFloat64()
			}
			y := b * (1 + 0.1*r.NormFloat64()) // about
			return x / (x + math.Abs(y))
		}
	}
	steady := func(share float64) func(*rand.Rand) float64 { return func(*rand.Rand) float64 { return share } }
	return []server{
		{"always 2 %", 0.02, steady(0.02)},
		{"always 60 %", 0.60, steady(0.60)},
		{"never", 0, steady(0)},
		mostly("4 % in one of five", 5, 0.04),
		mostly("60 % in one of five", 5, 0.60),
		mostly("all in one of five", 5, 1),
		mostly("all in one of two", 2, 1),
		mostly("half in one of fifty", 50, 0.5),
		mostly("5 % in one of ten", 10, 0.05),
		{"every share alike", 0.5, (*rand.Rand).Float64},
		{"one in five any share", 0.1, func(r *rand.Rand) float64 {
			if r.IntN(5) > 0 {
				return 0
			}
			return r.Float64()
		}},
		{"skewed", math.NaN(), beta(1, 30)},
	}
}

// ofTenThousand is in which share of 10 000 runs of so many shutdowns with 100 requests
// each something is stated.
func ofTenThousand(s server, shutdowns int, seed uint64, states func(lost []int) bool) float64 {
	random := rand.New(rand.NewPCG(seed, uint64(shutdowns)))
	const runs = 10_000
	stated := 0
	for range runs {
		lost := make([]int, shutdowns)
		for i := range lost {
			share := s.share(random)
			for range requestsEach {
				if random.Float64() < share {
					lost[i]++
				}
			}
		}
		if states(lost) {
			stated++
		}
	}
	return float64(stated) / runs
}

const requestsEach = 100

// TestTheStatedConfidenceIsKept: of a server that loses a little more than is
// allowed, it is said in at most 5% of the runs that the limit is kept, and of
// one that loses a little less, that it is broken. With the bound that
// takes each request for a trial that is false, and the test would show it.
func TestTheStatedConfidenceIsKept(t *testing.T) {
	testrun.NotShort(t)
	const most = 0.05 + 3*0.0022 // three standard deviations of 10 000 draws
	byRequests := 0.0
	for _, s := range servers() {
		if math.IsNaN(s.mean) {
			random, sum := rand.New(rand.NewPCG(3, 4)), 0.0
			for range 1_000_000 {
				sum += s.share(random)
			}
			s.mean = sum / 1_000_000
		}
		for _, shutdowns := range []int{3, 10, 30} {
			kept := ofTenThousand(s, shutdowns, 1, once(func(lost []int) bool { return s.mean > 0 && shares(lost).AtMost(s.mean*0.999) }))
			broken := ofTenThousand(s, shutdowns, 2, once(func(lost []int) bool { return shares(lost).Above(s.mean*1.001 + 1e-9) }))
			old := ofTenThousand(s, shutdowns, 1, func(lost []int) bool {
				sum := 0
				for _, n := range lost {
					sum += n
				}
				upper, _ := UpperBound(sum, len(lost)*requestsEach)
				return upper <= s.mean*0.999
			})
			byRequests = max(byRequests, old)
			t.Logf("%-22s %2d shutdowns: falsely kept %.4f (by requests %.4f), falsely broken %.4f", s.name, shutdowns, kept, old, broken)
			if kept > most || broken > most {
				t.Errorf("%s, %d shutdowns: falsely kept in %v, falsely broken in %v of the runs", s.name, shutdowns, kept, broken)
			}
		}
	}
	if byRequests < 0.25 {
		t.Errorf("with the requests as trials at most %v of the runs would be wrong: the servers are too steady to tell", byRequests)
	}
}

// once asks only once about the same losses in another order.
func once(states func(lost []int) bool) func(lost []int) bool {
	known := make(map[string]bool)
	return func(lost []int) bool {
		slices.Sort(lost)
		key := fmt.Sprint(lost)
		is, asked := known[key]
		if !asked {
			is = states(lost)
			known[key] = is
		}
		return is
	}
}

// shares are those of the shutdowns of a run.
func shares(lost []int) Shares {
	var all []float64
	for _, n := range lost {
		all = append(all, float64(n)/requestsEach)
	}
	return SharesOf(all)
}

// TestShutdownsNeededByTheRuleOfThree: 3/n bounds what was not seen in n shutdowns,
// however many requests each of them had.
func TestShutdownsNeededByTheRuleOfThree(t *testing.T) {
	for limit, want := range map[float64]int{0.1: 29, 0.05: 59, 0.01: 299, 0.001: 2995, 0.0001: 29956} {
		if needed, ok := (Shares{{0, 3}}).Needed(limit); !ok || needed != want {
			t.Errorf("limit %v: %d are needed, %v, want %d", limit, needed, ok, want)
		}
	}
}

// TestNothingDecidesAtTheLimit: where the share is the limit, or nearly, the
// search ends.
func TestNothingDecidesAtTheLimit(t *testing.T) {
	for share, limit := range map[float64]float64{0.1: 0.1, 0.05: 0.05, 0.3: 0.3 - 1e-8, 0.001: 0.001 + 1e-9} {
		if needed, ok := SharesOf([]float64{share}).Needed(limit); ok {
			t.Errorf("%v of %v: %d are said to decide it", share, limit, needed)
		}
	}
}

// TestAsManyAsAreNeededDecide: as many shutdowns as are asked for, of the same kind,
// give an answer, and one less does not.
func TestAsManyAsAreNeededDecide(t *testing.T) {
	for _, tt := range []struct {
		shares []float64
		limit  float64
	}{
		{[]float64{0, 0}, 0.01},
		{[]float64{0, 0, 0}, 0.3},
		{[]float64{0.01, 0, 0}, 0.05},
		{[]float64{0.02, 0.03}, 0.05},
		{[]float64{0.02, 0, 0, 0}, 0.001},
		{[]float64{1, 0, 0}, 0.1},
		{[]float64{0.003, 0.002, 0.001, 0}, 0.01},
	} {
		all := SharesOf(tt.shares)
		decides := func(n int) bool {
			more := all.scaled(float64(n) / float64(len(tt.shares)))
			return more.Upper() <= tt.limit || more.Lower() > tt.limit
		}
		if n, ok := all.Needed(tt.limit); !ok || !decides(n) || decides(n-1) {
			t.Errorf("%v, %v allowed: %d decide: %v, and one less: %v", tt.shares, tt.limit, n, decides(n), decides(n-1))
		}
	}
}
