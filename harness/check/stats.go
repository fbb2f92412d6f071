package check

import (
	"cmp"
	"math"
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
// and so right for a gate, if the trials are independent: shutdowns are, and the
// requests of one shutdown are not. Without trials there is none, and ok is false.
func UpperBound(k, n int) (bound float64, ok bool) {
	if n <= 0 || k < 0 || k > n {
		return 0, false
	}
	return upperAt(float64(k), float64(n), confidence), true
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

func quantiles(latencies []history.Latency) result.Quantiles {
	if len(latencies) == 0 {
		return result.Quantiles{}
	}
	slices.SortFunc(latencies, func(a, b history.Latency) int { return cmp.Compare(a.Took, b.Took) })
	total := 0
	for _, l := range latencies {
		total += l.Count
	}
	at := func(q float64) float64 { // as history.Quantile
		left := min(int(q*float64(total)), total-1)
		for _, l := range latencies {
			if left -= l.Count; left < 0 {
				return millis(l.Took)
			}
		}
		return 0 // a saved history whose counts are not above zero
	}
	return result.Quantiles{P50: at(0.5), P95: at(0.95), P99: at(0.99), Max: at(1)}
}

// millis returns d in milliseconds, to the microsecond.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// fisher is the one-sided p-value of Fisher's exact test (Journal of the Royal
// Statistical Society 85(1), 1922): the probability that, with as many lost on
// the whole, chance alone puts newLost or more of them among the new ones. It is
// 1 where nothing was tried on a side.
func fisher(oldLost, oldOf, newLost, newOf int) float64 {
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

// exactRanks is how many values two samples may have together for the exact
// distribution of their ranks. It takes milliseconds; beyond, the normal
// approximation is as good.
const exactRanks = 100

// mannWhitney is the one-sided p-value of the Mann-Whitney U test (Annals of
// Mathematical Statistics 18(1), 1947): the probability that chance alone ranks
// the values of high so high among those of low, or higher. It is 1 where a
// sample is empty.
//
// Ties share their rank, and the exact distribution is that of the ranks as they
// are: of shares many are 0, and tables for samples without ties would be wrong.
func mannWhitney(low, high []float64) float64 {
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
