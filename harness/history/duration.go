package history

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that reads and writes itself as people do:
// "100ms", "1m30s". It is used wherever a number would leave its unit to be
// guessed.
type Duration struct{ time.Duration }

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
