package stats

import (
	"math"
	"slices"
)

// exactRanks is how many values two samples may have together for the exact
// distribution of their ranks. It takes milliseconds; beyond, the normal
// approximation is as good.
const exactRanks = 100

// MannWhitney is the one-sided p-value of the Mann-Whitney U test (Annals of
// Mathematical Statistics 18(1), 1947): the probability that chance alone ranks
// the values of high so high among those of low, or higher. It is 1 where a
// sample is empty.
//
// Ties share their rank, and the exact distribution is that of the ranks as they
// are: of shares many are 0, and tables for samples without ties would be wrong.
func MannWhitney(low, high []float64) float64 {
	if len(low) == 0 || len(high) == 0 {
		return 1
	}
	ranks, sum, ties := rank(low, high)
	if len(ranks) <= exactRanks {
		return exactTail(ranks, len(high), sum)
	}
	return normalTail(float64(len(low)), float64(len(high)), float64(sum)/2, ties)
}

// normalTail is the normal approximation of what m of n+m ranks sum up to, with
// the corrections for ties and for continuity.
func normalTail(n, m, sum, ties float64) float64 {
	mean := m * (n + m + 1) / 2
	variance := n * m / 12 * (n + m + 1 - ties/((n+m)*(n+m-1)))
	if variance <= 0 {
		return 1 // all are equal
	}
	z := (sum - 0.5 - mean) / math.Sqrt(variance)
	return math.Erfc(z/math.Sqrt2) / 2
}

// rank returns the doubled ranks of all values, which are whole even where two
// share one, their sum over high, and the correction for ties: the sum of t³-t
// over all groups of t equal values.
func rank(low, high []float64) (ranks []int, sum int, ties float64) {
	all := slices.Sorted(slices.Values(slices.Concat(low, high)))
	rankOf := make(map[float64]int)
	for i := 0; i < len(all); {
		end := i
		for end < len(all) && all[end] == all[i] {
			end++
		}
		for range end - i {
			ranks = append(ranks, i+1+end) // twice the mean of i+1 to end
		}
		rankOf[all[i]] = i + 1 + end
		t := float64(end - i)
		ties += t*t*t - t
		i = end
	}
	for _, v := range high {
		sum += rankOf[v]
	}
	return ranks, sum, ties
}

// exactTail is the share of all ways to choose n of the ranks whose sum is so
// large or larger. It counts them: ways[j][s] is how many choose j of the ranks
// looked at so far, with the sum s.
func exactTail(ranks []int, n, sum int) float64 {
	most := 0
	for _, r := range ranks {
		most += r
	}
	ways := make([][]float64, n+1)
	for j := range ways {
		ways[j] = make([]float64, most+1)
	}
	ways[0][0] = 1
	reached := 0 // no sum is larger yet
	for i, r := range ranks {
		reached += r
		for j := min(n, i+1); j > 0; j-- { // downwards: each rank is chosen once
			for s := r; s <= reached; s++ {
				ways[j][s] += ways[j-1][s-r]
			}
		}
	}
	total, tail := 0.0, 0.0
	for s, count := range ways[n] {
		total += count
		if s >= sum {
			tail += count
		}
	}
	return tail / total
}
