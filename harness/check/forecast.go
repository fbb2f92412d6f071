package check

// forecast is what more repetitions would show if they went like those so far, of
// which there were so many: lost of n requests at risk.
type forecast struct {
	lost, n, repetitions int
	limit                float64
}

// mostRepetitions bounds the search for the number that decides.
const mostRepetitions = 1 << 30

// needed returns from how many repetitions on, those so far included, it is
// decided whether the share of losses is within the limit. It reports false if no
// reasonable number decides: the share is too near to the limit.
func (f forecast) needed() (int, bool) {
	high := 1
	for !f.surely(high) {
		if high *= 2; high > mostRepetitions {
			return 0, false
		}
	}
	for low := high / 2; low+1 < high; { // not sure there
		if mid := low + (high-low)/2; f.surely(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	for high > 1 && f.decided(high-1) {
		high--
	}
	return high, true
}

// within reports whether the share so far is one that more of the same would
// prove to be within the limit, and not above it.
func (f forecast) within() bool { return float64(f.lost) <= f.limit*float64(f.n) }

// decided reports whether so many repetitions decide. Requests and losses come
// whole, and where they do not divide they are rounded against the proof.
func (f forecast) decided(repetitions int) bool {
	n, lost := f.n*repetitions/f.repetitions, f.lost*repetitions
	if f.within() {
		upper, ok := UpperBound((lost+f.repetitions-1)/f.repetitions, n)
		return ok && upper <= f.limit
	}
	lower, ok := LowerBound(lost/f.repetitions, n)
	return ok && lower > f.limit
}

// surely reports whether so many repetitions decide, and any greater number too:
// rounding makes decided a saw, and this the line above its teeth.
func (f forecast) surely(repetitions int) bool {
	times := float64(repetitions) / float64(f.repetitions)
	n, lost := float64(f.n)*times, float64(f.lost)*times
	whole := f.lost%f.repetitions == 0
	switch {
	case f.within() && f.n%f.repetitions != 0 && n <= 1:
		return false
	case f.within():
		if !whole {
			lost++
		}
		if f.n%f.repetitions != 0 {
			n--
		}
		return upperQuantile(lost, n) <= f.limit
	case !whole:
		lost--
	}
	return lowerQuantile(lost, n) > f.limit
}
