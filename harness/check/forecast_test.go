package check

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"lastcall/harness/result"
)

// TestMaxLossSaysHowManyWouldTell: whoever makes as many shutdowns as are asked
// for, or more, with the same share of losses rounded against the proof, gets an
// answer; with one less he does not. The oracle looks at the bounds alone, and at
// every number of shutdowns in turn.
func TestMaxLossSaysHowManyWouldTell(t *testing.T) {
	asked := regexp.MustCompile(`\(--shutdowns (\d+)\)`)
	tests := []struct {
		lost, n, shutdowns int
		limit              float64
	}{
		{0, 298, 2, 0.01},
		{0, 40, 3, 0.01},
		{0, 7, 3, 0.03},
		{0, 2, 3, 0.03},
		{1, 80, 2, 0.05},
		{1, 300, 3, 0.01},
		{2, 300, 3, 0.01},
		{6, 300, 3, 0.038},
		{5, 200, 4, 0.05},
		{1, 80, 2, 0.01},
		{3, 100, 3, 0.02},
		{1, 30, 1, 0.02},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d of %d in %d, %v allowed", tt.lost, tt.n, tt.shutdowns, tt.limit), func(t *testing.T) {
			status, said := weigh(tt.lost, tt.n, tt.shutdowns, tt.limit)
			number := asked.FindStringSubmatch(said)
			if status != result.Unjudged || number == nil {
				t.Fatalf("%v, %q: it asks for no shutdowns", status, said)
			}
			all, err := strconv.Atoi(number[1])
			if err != nil || all <= tt.shutdowns {
				t.Fatalf("it asks for %d shutdowns, %v, and there were %d", all, err, tt.shutdowns)
			}
			first := 0 // from which on every number tells
			for s := all * 3; s > 0 && tells(tt.lost, tt.n, tt.shutdowns, s, tt.limit); s-- {
				first = s
			}
			if all != first {
				t.Errorf("it asks for %d shutdowns, and it is from %d on that they tell", all, first)
			}
		})
	}
}

// tells reports whether so many shutdowns decide, whose losses come whole and as
// unluckily as they can.
func tells(lost, n, shutdowns, all int, limit float64) bool {
	requests := n * all / shutdowns
	expected := float64(lost) * float64(all) / float64(shutdowns)
	upper, _ := UpperBound(int(math.Ceil(expected)), requests)
	lower, some := LowerBound(int(math.Floor(expected)), requests)
	if float64(lost)/float64(n) <= limit {
		return some && upper <= limit
	}
	return lower > limit
}

// requestsNeeded is the forecast in which each request is a repetition.
func requestsNeeded(k, n int, limit float64) (int, bool) { return forecast{k, n, n, limit}.needed() }

// genShare draws a share of losses and a limit.
func genShare(t *rapid.T) (k, n int, limit float64) {
	n = rapid.IntRange(1, 1000).Draw(t, "n")
	k = rapid.OneOf(rapid.IntRange(0, min(n, 5)), rapid.IntRange(0, n)).Draw(t, "k")
	limit = rapid.Float64Range(0.0005, 0.999).Draw(t, "limit")
	return k, n, limit
}

// TestRequestsNeededDecide: that many decide, and so does any greater number; one
// less does not.
func TestRequestsNeededDecide(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		k, n, limit := genShare(t)
		needed, ok := requestsNeeded(k, n, limit)
		if !ok {
			return
		}
		found++
		for _, m := range []int{needed, needed + 1, needed + rapid.IntRange(0, 3*needed).Draw(t, "more")} {
			if !tells(k, n, n, m, limit) {
				t.Fatalf("%d of %d, limit %v: %d are needed, and %d decide nothing", k, n, limit, needed, m)
			}
		}
		if needed > 1 && tells(k, n, n, needed-1, limit) {
			t.Fatalf("%d of %d, limit %v: %d are needed, and one less decides too", k, n, limit, needed)
		}
	})
	if found == 0 {
		t.Error("nothing was ever decided: the property proves nothing")
	}
}

// TestRequestsNeededAreMonotone: the stricter the limit that is to be proved, and
// the more is lost below it, the more are needed.
func TestRequestsNeededAreMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, n, limit := genShare(t)
		needed, ok := requestsNeeded(k, n, limit)
		if !ok || float64(k)/float64(n) > limit {
			return
		}
		looser := rapid.Float64Range(limit, 1).Draw(t, "looser")
		if fewer, ok := requestsNeeded(k, n, looser); !ok || fewer > needed {
			t.Fatalf("%d of %d: limit %v needs %d, and limit %v needs %d, %v", k, n, limit, needed, looser, fewer, ok)
		}
		if k == 0 {
			return
		}
		if fewer, ok := requestsNeeded(k-1, n, limit); !ok || fewer > needed {
			t.Fatalf("limit %v: %d of %d needs %d, and one less lost needs %d, %v", limit, k, n, needed, fewer, ok)
		}
	})
}

// TestRequestsNeededByTheRuleOfThree: 3/n bounds what was not seen in n.
func TestRequestsNeededByTheRuleOfThree(t *testing.T) {
	for limit, want := range map[float64]int{0.01: 299, 0.001: 2995, 0.0001: 29956} {
		if needed, ok := requestsNeeded(0, 40, limit); !ok || needed != want {
			t.Errorf("limit %v: %d are needed, %v, want %d", limit, needed, ok, want)
		}
	}
}

// TestNothingDecidesAtTheLimit: where the share is the limit, or nearly, the
// search ends.
func TestNothingDecidesAtTheLimit(t *testing.T) {
	for _, f := range []forecast{
		{10, 100, 1, 0.1}, {10, 100, 100, 0.1}, {1000, 1_000_000, 1000, 0.001}, {1_000_000, 20_000_000, 1000, 0.05}, {1, 3, 3, 1.0 / 3},
	} {
		if needed, ok := f.needed(); ok {
			t.Errorf("%+v: %d are said to decide it", f, needed)
		}
	}
}
