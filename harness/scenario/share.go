package scenario

import (
	"fmt"
	"strconv"
	"strings"
)

// Share is a part of a whole, from 0 to 1, that reads and writes itself in
// percent, as people do: "0.1%".
type Share float64

// String returns the share in percent, to twelve decimals: few enough to hide
// what binary fractions leave behind, enough to read back as what was written.
func (s Share) String() string {
	text := strconv.FormatFloat(float64(s)*100, 'f', 12, 64)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".") + "%"
}

// MarshalText writes the share in percent.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a share in percent; a number without the sign is an error,
// because 0.1 may mean a tenth or a thousandth.
func (s *Share) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || v != v || v < 0 || v > 100 {
		return fmt.Errorf("%q is not a share: write it in percent, as in 0.1%%", text)
	}
	*s = Share(v / 100)
	return nil
}
