package scenario

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The status codes that HTTP can have (RFC 9110 section 15).
const (
	minStatus = 100
	maxStatus = 599
)

// StatusSet is a set of HTTP status codes. Its zero value is the usual one,
// 200-399: every answer that is no error.
type StatusSet struct {
	bits [(maxStatus-minStatus)/64 + 1]uint64 // all zero: the usual ones
}

var errNoStatus = errors.New("it is empty: write codes and ranges, as 200,204,300-399")

// ParseStatusSet reads codes and ranges of codes, separated by commas, such as
// "200,204,300-399".
func ParseStatusSet(text string) (StatusSet, error) {
	if strings.TrimSpace(text) == "" {
		return StatusSet{}, fmt.Errorf("status set %q: %w", text, errNoStatus)
	}
	var s StatusSet
	for part := range strings.SplitSeq(text, ",") {
		first, last, err := parseStatuses(strings.TrimSpace(part))
		if err != nil {
			return StatusSet{}, fmt.Errorf("status set %q: %w", text, err)
		}
		for code := first; code <= last; code++ {
			s.bits[(code-minStatus)/64] |= 1 << ((code - minStatus) % 64)
		}
	}
	return s, nil
}

// parseStatuses reads one code or one range.
func parseStatuses(part string) (first, last int, err error) {
	from, to, isRange := strings.Cut(part, "-")
	if first, err = parseStatus(strings.TrimSpace(from)); err != nil {
		return 0, 0, err
	}
	if !isRange {
		return first, first, nil
	}
	if last, err = parseStatus(strings.TrimSpace(to)); err != nil {
		return 0, 0, err
	}
	if last < first {
		return 0, 0, fmt.Errorf("the range %q runs backwards: write %d-%d", part, last, first)
	}
	return first, last, nil
}

// parseStatus reads a code of three digits: a sign or a leading zero is a slip.
func parseStatus(text string) (int, error) {
	code, err := strconv.ParseUint(text, 10, 16)
	if err != nil || strconv.FormatUint(code, 10) != text {
		return 0, fmt.Errorf("%q is not a status: write a code, as 204, or a range, as 200-299", text)
	}
	if code < minStatus || code > maxStatus {
		return 0, fmt.Errorf("%s is not a status: a status is from %d to %d", text, minStatus, maxStatus)
	}
	return int(code), nil
}

// Has reports whether the code is in the set.
func (s StatusSet) Has(code int) bool {
	if s == (StatusSet{}) {
		return code >= 200 && code < 400
	}
	return code >= minStatus && code <= maxStatus && s.bits[(code-minStatus)/64]>>((code-minStatus)%64)&1 == 1
}

// String writes the set as ParseStatusSet reads it, in ascending order.
func (s StatusSet) String() string {
	var parts []string
	for code := minStatus; code <= maxStatus; code++ {
		if !s.Has(code) {
			continue
		}
		first := code
		for s.Has(code + 1) {
			code++
		}
		part := strconv.Itoa(first)
		if code > first {
			part += "-" + strconv.Itoa(code)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",")
}
