package check

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"lastcall/harness/result"
)

// TestMaxLossSaysHowManyWouldTell: as many shutdowns as are asked for, of the same
// kind, give an answer, and one less does not.
func TestMaxLossSaysHowManyWouldTell(t *testing.T) {
	asked := regexp.MustCompile(`\(--shutdowns (\d+)\)`)
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
		t.Run(fmt.Sprintf("%v, %v allowed", tt.shares, tt.limit), func(t *testing.T) {
			all := trialsOf(tt.shares)
			status, said := weigh(all, tt.limit)
			number := asked.FindStringSubmatch(said)
			if status != result.Unjudged || number == nil {
				t.Fatalf("%v, %q: it asks for no shutdowns", status, said)
			}
			n, err := strconv.Atoi(number[1])
			if err != nil || n <= len(tt.shares) {
				t.Fatalf("it asks for %d shutdowns, %v, and there were %d", n, err, len(tt.shares))
			}
			decides := func(n int) bool {
				more := all.scaled(float64(n) / float64(len(tt.shares)))
				return more.upper() <= tt.limit || more.lower() > tt.limit
			}
			if !decides(n) || decides(n-1) {
				t.Errorf("%d decide: %v, and one less: %v", n, decides(n), decides(n-1))
			}
		})
	}
}

// TestShutdownsNeededByTheRuleOfThree: 3/n bounds what was not seen in n shutdowns,
// however many requests each of them had.
func TestShutdownsNeededByTheRuleOfThree(t *testing.T) {
	for limit, want := range map[float64]int{0.1: 29, 0.05: 59, 0.01: 299, 0.001: 2995, 0.0001: 29956} {
		if needed, ok := (trials{{0, 3}}).needed(limit); !ok || needed != want {
			t.Errorf("limit %v: %d are needed, %v, want %d", limit, needed, ok, want)
		}
	}
}

// TestNothingDecidesAtTheLimit: where the share is the limit, or nearly, the
// search ends.
func TestNothingDecidesAtTheLimit(t *testing.T) {
	for share, limit := range map[float64]float64{0.1: 0.1, 0.05: 0.05, 0.3: 0.3 - 1e-8, 0.001: 0.001 + 1e-9} {
		if needed, ok := trialsOf([]float64{share}).needed(limit); ok {
			t.Errorf("%v of %v: %d are said to decide it", share, limit, needed)
		}
	}
}
