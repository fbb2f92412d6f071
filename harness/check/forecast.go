package check

// mostShutdowns bounds the search for the number that decides.
const mostShutdowns = 1 << 24

// needed returns how many shutdowns decide whether the mean of their shares is
// within the limit, if they lose as those so far: the same shares, as often. It
// reports false if no reasonable number decides: the mean is too near to the limit.
//
// The number is for a new run, and it must be chosen before that:
// to go on only for as long as nothing is proved would find its proof too often.
func (t trials) needed(limit float64) (int, bool) {
	decides := func(n int) bool {
		all := t.scaled(float64(n) / t.number())
		if t.mean() <= limit {
			return all.atMost(limit)
		}
		return all.above(limit)
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
