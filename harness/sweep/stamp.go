package sweep

import (
	"math"
	"time"
)

const (
	// wallTries is how often the two clocks are compared: the quickest time counts.
	wallTries = 16
	// stepped is by how much the wall clock may have moved against the monotonic one
	// from one comparison to the next. Both are slewed alike, so that nothing but a
	// step parts them; a comparison by itself is exact to a fraction of this.
	stepped = 2 * time.Microsecond
)

// wall is what the wall clock showed when the shutdown's was zero, in nanoseconds since
// 1970. The kernel's stamps are of that clock.
type wall int64

// wall compares the clocks.
func (s *shutdown) wall() (w wall) {
	for quickest, n := time.Duration(math.MaxInt64), 0; n < wallTries; n++ {
		before := s.now()
		at := time.Now().UnixNano()
		if took := s.now() - before; took < quickest {
			quickest, w = took, wall(at-int64(before+took/2))
		}
	}
	return w
}

// when returns a stamp as a time of the shutdown, by what the wall clock showed before
// it and after it, or 0 if that was stepped meanwhile, or there is no stamp.
func when(stamp int64, before, after wall) time.Duration {
	if by := time.Duration(after - before); stamp == 0 || by < -stepped || by > stepped {
		return 0
	}
	return time.Duration(stamp - int64(before))
}

// readStamps reads when the kernel put the shots onto the network. A stamp that does not
// lie within the call that sent the shot is none of that call, and is not used.
func (s *shutdown) readStamps(before, after wall) {
	for _, shot := range s.shots {
		at := when(shot.socket.stamp(), before, after)
		// Where the kernel has not taken all, the stamp is not of the last byte.
		if r := &shot.record; r.Written && at >= r.Sent && at <= shot.written {
			shot.stamped = at
		}
	}
}
