package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that reads and writes itself as people do:
// "100ms", "1m30s". It is used wherever a number would leave its unit to be
// guessed.
type Duration struct{ time.Duration }

// InWords renders a duration for a sentence or a table: "less than 1 ms", "38 ms", "1.2 s",
// "10 s", "3 min 20 s", "1 h 2 min". What a user may type back is rendered by String.
func InWords(d time.Duration) string {
	switch ms := d.Round(time.Millisecond); {
	case d == 0:
		return "0 ms"
	case d < 0:
		return "-" + InWords(-d)
	case d < time.Millisecond:
		return "less than 1 ms"
	case ms < time.Second:
		return fmt.Sprintf("%d ms", ms.Milliseconds())
	case ms < 2*time.Minute:
		return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + " s"
	}
	if d < time.Hour-time.Second/2 {
		whole := d.Round(time.Second)
		return strings.TrimSuffix(fmt.Sprintf("%d min %d s", whole/time.Minute, whole%time.Minute/time.Second), " 0 s")
	}
	whole := d.Round(time.Minute)
	return strings.TrimSuffix(fmt.Sprintf("%d h %d min", whole/time.Hour, whole%time.Hour/time.Minute), " 0 min")
}

// Millis returns a Duration of n milliseconds.
func Millis(n int) Duration { return Duration{time.Duration(n) * time.Millisecond} }

// Seconds returns a Duration of n seconds.
func Seconds(n int) Duration { return Duration{time.Duration(n) * time.Second} }

// MarshalText writes the duration in Go's notation.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads Go's notation; a number without a unit is an error.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration: write it with a unit, as in 100ms or 10s", text)
	}
	d.Duration = v
	return nil
}
