package stats

import (
	"math"
)

// Alpha is how often chance alone may make a difference that is called one: in
// one comparison of twenty, in each direction.
const Alpha = 0.05

// Significant allows for rounding: three shutdowns that all differ from three
// others make a p of exactly 1 in 20.
func Significant(p float64) bool { return p <= Alpha*(1+1e-9) }

// Fisher is the one-sided p-value of Fisher's exact test (Journal of the Royal
// Statistical Society 85(1), 1922): the probability that, with as many lost on
// the whole, chance alone puts newLost or more of them among the new ones. It is
// 1 where nothing was tried on a side.
func Fisher(oldLost, oldOf, newLost, newOf int) float64 {
	if oldOf <= 0 || newOf <= 0 {
		return 1
	}
	h := hypergeometric{marked: float64(oldLost + newLost), draws: float64(newOf), total: float64(oldOf + newOf)}
	k := float64(newLost)
	if k > h.mode() {
		return min(1, h.sum(k, 1))
	}
	// The other tail is the one that falls from its first term on.
	return max(0, 1-h.sum(k-1, -1))
}

// hypergeometric is the number of marked ones among so many draws, without
// putting back, from a total.
type hypergeometric struct{ marked, draws, total float64 }

func (h hypergeometric) mode() float64 {
	return math.Floor((h.draws + 1) * (h.marked + 1) / (h.total + 2))
}

// log is the logarithm of the probability of k: the counts are too large for
// their factorials.
func (h hypergeometric) log(k float64) float64 {
	return logChoose(h.marked, k) + logChoose(h.total-h.marked, h.draws-k) - logChoose(h.total, h.draws)
}

// sum adds the probabilities from k on, upwards or downwards, which must lead
// away from the mode: so each is less than the one before, and those that no
// longer count are left out. That bounds the work, whatever a report says.
func (h hypergeometric) sum(k, step float64) float64 {
	least := max(0, h.draws+h.marked-h.total)
	most := min(h.draws, h.marked)
	if k < least || k > most {
		return 0
	}
	const enough = 1e-17
	total, term := 0.0, 1.0
	first := math.Exp(h.log(k))
	for ; k >= least && k <= most && term > total*enough; k += step {
		total += term
		if step > 0 {
			term *= (h.marked - k) * (h.draws - k) / ((k + 1) * (h.total - h.marked - h.draws + k + 1))
		} else {
			term *= k * (h.total - h.marked - h.draws + k) / ((h.marked - k + 1) * (h.draws - k + 1))
		}
	}
	return first * total
}

// logChoose is the logarithm of the binomial coefficient.
func logChoose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}
