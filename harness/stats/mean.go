package stats

import (
	"math"
	"math/cmplx"
)

// trial is a share that some shutdowns came to, from 0 to 1. How many they are
// need not be whole: a forecast multiplies them.
type trial struct{ share, times float64 }

// Shares are the shares of the shutdowns, each of which is one trial: what its
// requests meet they meet together.
type Shares []trial

// SharesOf counts equal shares together.
func SharesOf(shares []float64) Shares {
	var t Shares
	at := make(map[float64]int)
	for _, share := range shares {
		i, known := at[share]
		if !known {
			i = len(t)
			at[share] = i
			t = append(t, trial{share: share})
		}
		t[i].times++
	}
	return t
}

// scaled are as many shutdowns more, of the same kind.
func (t Shares) scaled(by float64) Shares {
	all := make(Shares, len(t))
	for i, one := range t {
		all[i] = trial{one.share, one.times * by}
	}
	return all
}

// number is how many shutdowns there are.
func (t Shares) number() (n float64) {
	for _, one := range t {
		n += one.times
	}
	return n
}

// opposite are the shares of what was not lost.
func (t Shares) opposite() Shares {
	all := make(Shares, len(t))
	for i, one := range t {
		all[i] = trial{1 - one.share, one.times}
	}
	return all
}

// mean is the share in the mean over the shutdowns.
func (t Shares) mean() float64 {
	sum := 0.0
	for _, one := range t {
		sum += one.share * one.times
	}
	return sum / t.number()
}

// AtMost reports whether it is proved, with 95% confidence, that the mean of the
// shares is at most the limit, whatever their distribution.
//
// It is Gaffke's bound (Three test statistics for a nonparametric one-sided
// hypothesis on the mean of a nonnegative variable, Mathematical Methods of
// Statistics 14(4), 2005; Learned-Miller and Thomas, arXiv 1905.06208): the 95%
// quantile of the Bayesian bootstrap of the shutdowns and of one more that lost
// everything. Where a shutdown loses all or nothing it is the bound of Clopper and
// Pearson; that it covers other distributions too is shown by simulation only
// (there and in TestTheStatedConfidenceIsKept).
//
// It assumes nothing about a shutdown that was not seen, which is why it needs so
// many: ten without a loss do not tell of a server that loses in one of five, and
// prove no more than that at most a quarter is lost.
func (t Shares) AtMost(limit float64) bool {
	if n := t.number(); t.mean() > limit || limit < 1-math.Pow(1-confidence, 1/n)-1e-12 {
		return false // so many prove no less, not even if none of them loses anything
	}
	return dirichletAtMost(append(t[:len(t):len(t)], trial{1, 1}), limit) >= confidence
}

// Above reports whether it is proved, with 95% confidence, that the mean of the
// shares is above the limit.
func (t Shares) Above(limit float64) bool { return t.opposite().AtMost(1-limit) && limit < 1 }

// Upper is the least that atMost proves.
func (t Shares) Upper() float64 {
	low, high := t.mean(), 1.0
	for range 40 {
		if mid := low + (high-low)/2; t.AtMost(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// Lower is the most that above proves, and 0 where nothing is lost.
func (t Shares) Lower() float64 {
	if t.mean() == 0 {
		return 0
	}
	return 1 - t.opposite().Upper()
}

// dirichletAtMost is the probability that the mean of the shares is at most x, if
// chance weighs each of them: by a flat Dirichlet distribution, that is by
// exponential variables which are divided by their sum. So it is the probability
// that the sum of (share - x) times such variables is at most 0, and that is an
// integral over their moment generating function (Daniels, Annals of Mathematical
// Statistics 25(4), 1954).
//
// The path of the integral goes through the saddle point and then bends away in a
// hyperbola, to the side on which the integrand is smaller: on the vertical it would
// swing for ever. It meets no pole, for all of them are real. On it the trapezoidal
// rule gives nine digits for any number of shutdowns.
func dirichletAtMost(t Shares, x float64) float64 {
	least, most := 0.0, 0.0
	for _, one := range t {
		least, most = min(least, one.share-x), max(most, one.share-x)
	}
	switch {
	case most <= 0:
		return 1
	case least >= 0:
		return 0
	}
	const (
		step       = 0.15
		negligible = 1e-13
	)
	p := t.contour(x, 1/most)
	left := p
	left.bend = math.Pi - p.bend
	rightwards, _ := t.along(p, x, 3)
	if leftwards, _ := t.along(left, x, 3); real(leftwards) < real(rightwards) {
		p = left
	}
	above := 0.0
	for i := range 1000 {
		exponent, along := t.along(p, x, step*float64(i))
		term := cmplx.Exp(exponent) * along
		if i == 0 {
			term /= 2 // the other half of the path mirrors this one
		}
		above += imag(term)
		if cmplx.Abs(term) < negligible {
			break
		}
	}
	return min(1, max(0, 1-above*step/math.Pi))
}

// contour is a hyperbola in the complex plane.
type contour struct {
	saddle float64 // where it crosses the real axis
	width  float64 // how far from there the integrand stays as large
	bend   float64 // angle with the real axis, in the end
}

// along returns the logarithm of the integrand at a point of the path, and how the
// point moves.
func (t Shares) along(p contour, x, v float64) (exponent, moves complex128) {
	sin, cos := math.Sincos(p.bend)
	at := complex(p.saddle+p.width*cos*(math.Cosh(v)-1), p.width*sin*math.Sinh(v))
	moves = complex(p.width*cos*math.Sinh(v), p.width*sin*math.Cosh(v))
	exponent = -cmplx.Log(at)
	for _, one := range t {
		exponent -= complex(one.times, 0) * cmplx.Log(1-complex(one.share-x, 0)*at)
	}
	return exponent, moves
}

// contour leads through the point between 0 and the first pole at which the integrand
// is least.
func (t Shares) contour(x, pole float64) contour {
	low, high, at := 0.0, pole, 0.0
	for range 60 {
		at = low + (high-low)/2
		slope := -1 / at
		for _, one := range t {
			c := one.share - x
			slope += one.times * c / (1 - c*at)
		}
		if slope < 0 {
			low = at
		} else {
			high = at
		}
	}
	curve := 1 / (at * at)
	for _, one := range t {
		c := one.share - x
		curve += one.times * c * c / ((1 - c*at) * (1 - c*at))
	}
	return contour{saddle: at, width: 1 / math.Sqrt(curve), bend: math.Pi / 3}
}

// mostShutdowns bounds the search for the number that decides.
const mostShutdowns = 1 << 24

// Needed returns how many shutdowns decide whether the mean of their shares is
// within the limit, if they lose as those so far: the same shares, as often. It
// reports false if no reasonable number decides: the mean is too near to the limit.
//
// The number is for a new run, and it must be chosen before that:
// to go on only for as long as nothing is proved would find its proof too often.
func (t Shares) Needed(limit float64) (int, bool) {
	decides := func(n int) bool {
		all := t.scaled(float64(n) / t.number())
		if t.mean() <= limit {
			return all.AtMost(limit)
		}
		return all.Above(limit)
	}
	high := 1
	for !decides(high) {
		if high *= 2; high > mostShutdowns {
			return 0, false
		}
	}
	for low := high / 2; low+1 < high; { // which does not decide
		if mid := low + (high-low)/2; decides(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high, true
}
