package picture

import (
	"strconv"
	"strings"
	"time"
)

// Axis is a stretch of time, drawn from the left edge to the right.
type Axis struct {
	From, To time.Duration
	Ticks    []time.Duration
}

// mostTicks is how many labels find room beside each other on a phone.
const mostTicks = 5

// NewAxis returns an axis with round ticks. An empty stretch is made one
// millisecond long: nothing can be drawn on less.
func NewAxis(from, to time.Duration) Axis {
	if to <= from {
		to = from + time.Millisecond
	}
	a := Axis{From: from, To: to}
	step := tickStep(to - from)
	first := from / step * step
	if first < from {
		first += step
	}
	for at := first; at <= to && len(a.Ticks) <= mostTicks; at += step {
		a.Ticks = append(a.Ticks, at)
	}
	return a
}

// tickStep is the least round step by which there are not too many ticks.
func tickStep(span time.Duration) time.Duration {
	for step := 100 * time.Microsecond; ; step *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if span/(n*step) < mostTicks {
				return n * step
			}
		}
	}
}

// At is where a time stands, from 0 at the left edge to 1 at the right. What is
// outside stands at the edge.
func (a Axis) At(t time.Duration) float64 {
	return min(max(float64(t-a.From)/float64(a.To-a.From), 0), 1)
}

// Has reports whether a time is on the axis.
func (a Axis) Has(t time.Duration) bool { return a.From <= t && t <= a.To }

// roundUp makes d a whole number of widths, upwards.
func roundUp(d, width time.Duration) time.Duration { return (d + width - 1) / width * width }

// Brief renders a time for a label: "0.4 ms", "38 ms", "1.04 s".
func Brief(d time.Duration) string {
	abs := max(d, -d)
	switch {
	case abs == 0:
		return "0"
	case abs < 50*time.Microsecond: // it would read 0.0 ms
		return "less than 0.1 ms"
	case abs < 9950*time.Microsecond:
		return decimal(d, time.Millisecond) + " ms"
	case abs < 999500*time.Microsecond:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	}
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(d.Seconds(), 'f', 2, 64), "0"), ".") + " s"
}

// Offset renders a time from the signal, with its sign.
func Offset(d time.Duration) string {
	switch {
	case d > 0:
		return "+" + Brief(d)
	case d < 0:
		return "−" + Brief(-d)
	}
	return "0"
}

// decimal is so many units to the tenth, without a tenth that is none.
func decimal(d, unit time.Duration) string {
	return strings.TrimSuffix(strconv.FormatFloat(float64(d)/float64(unit), 'f', 1, 64), ".0")
}
