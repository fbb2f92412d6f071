package reports

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"lastcall/harness/result"
)

const (
	chartRows   = 8
	chartMargin = 10 // columns for the labels of the vertical axis
	chartRoom   = width - chartMargin - 4
)

// SweepChart draws a sweep for a terminal: for each kind of connection a bar a
// bin, with its 95 % interval as a line beside it where there is room, and then
// what it means in plain sentences. It is at most 100 columns wide.
func SweepChart(w io.Writer, s result.Sweep) error {
	out := new(strings.Builder)
	fmt.Fprintf(out, "%s\n", wrap(sweepTitle(s), ""))
	for _, lane := range s.Lanes {
		fmt.Fprintf(out, "\n  %s\n", laneName(lane.Connections))
		drawLane(out, lane, s.EnoughShots)
	}
	if len(s.Lanes) > 0 {
		legend := chartLegend
		if slices.ContainsFunc(s.Lanes, func(l result.SweepLane) bool { return l.Unproved > 0 }) {
			legend += fmt.Sprintf(" A bin with ? proves nothing: fewer than %d requests count, and none was dropped.", s.EnoughShots)
		}
		fmt.Fprintf(out, "\n%s\n", wrap(legend, "  "))
	}
	for _, sentence := range s.Story {
		fmt.Fprintf(out, "\n%s\n", wrap(clean(sentence), "  "))
	}
	if s.Measured > 0 { // else there is no signal to be known
		fmt.Fprintf(out, "\n%s\n", wrap(fmt.Sprintf(
			"%s The distance between them is known to within %.0f µs (median). Requests for which it is not known to within a step are discarded. A request was sent %.0f µs later than planned (median), and counts where it was sent.",
			sweepInstants(s), s.UncertaintyUS.Median, s.LatenessUS.Median), "  "))
	}
	for _, warning := range s.Warnings {
		fmt.Fprintf(out, "\n%s\n", wrap("warning: "+clean(warning), "  "))
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write chart: %w", err)
	}
	return nil
}

// sweepInstants says what was measured.
func sweepInstants(s result.Sweep) string {
	switch {
	case s.Stamped == 0:
		return "Instants are those of write(2) and kill(2), each read just before the call."
	case s.Unstamped == 0:
		return "A request's instant is when the kernel put it onto the network, by the kernel's own stamp; the signal's is read just before kill(2)."
	}
	return fmt.Sprintf("A request's instant is when the kernel put it onto the network, by the kernel's own stamp (%d of %d have none: just before write(2)); the signal's is read just before kill(2).",
		s.Unstamped, s.Stamped+s.Unstamped)
}

const chartLegend = "█ share dropped of the requests at risk, │ its 95% interval, ╌ no request at risk (refused, or the connection was seen to close), ┊ the signal."

// bar is a column of the chart: a bin, or several where there are too many.
type bar struct {
	from, to       float64 // in microseconds
	lost, atRisk   int
	sent, counted  int
	unproved       bool    // it proves nothing
	rate, low, top float64 // the interval is left out where bins are pooled
}

// drawLane draws one chart.
func drawLane(out *strings.Builder, lane result.SweepLane, enough int) {
	bars := pool(lane.Bins, enough)
	if len(bars) == 0 {
		return
	}
	wide := max(1, chartRoom/len(bars))
	scale := chartScale(bars)
	for row := chartRows; row >= 1; row-- {
		label := ""
		switch row {
		case chartRows:
			label = fmt.Sprintf("%g%%", 100*scale)
		case chartRows / 2:
			label = fmt.Sprintf("%g%%", 50*scale)
		}
		fmt.Fprintf(out, "%*s ┤", chartMargin-2, label)
		line := new(strings.Builder)
		for _, b := range bars {
			if b.from == 0 {
				line.WriteString("┊")
			}
			line.WriteString(barCell(b, row, wide, scale))
		}
		fmt.Fprintf(out, "%s\n", strings.TrimRight(line.String(), " "))
	}
	drawAxis(out, bars, wide)
}

// barCell is what one bar looks like in one row, the lowest of which is 1.
func barCell(b bar, row, wide int, scale float64) string {
	const eighths = " ▁▂▃▄▅▆▇█"
	filled := int(math.Round(b.rate / scale * chartRows * 8))
	if b.lost > 0 {
		filled = max(filled, 1)
	}
	here := min(max(filled-8*(row-1), 0), 8)
	block := string([]rune(eighths)[here])
	if wide == 1 {
		return block
	}
	beside := " "
	if b.lost > 0 && b.top > 0 {
		lowest, highest := int(b.low/scale*chartRows)+1, int(math.Ceil(b.top/scale*chartRows))
		if row >= lowest && row <= highest {
			beside = "│"
		}
	}
	return strings.Repeat(block, wide-1) + beside
}

// drawAxis draws the horizontal axis, and its labels below.
func drawAxis(out *strings.Builder, bars []bar, wide int) {
	axis, column := new(strings.Builder), 0
	labels := []rune(strings.Repeat(" ", width-chartMargin))
	end := 0
	place := func(us float64, at int) {
		text := []rune(axisLabel(us))
		at = min(max(0, at-len(text)/2), len(labels)-len(text))
		if at < end+1 && end > 0 {
			return // it would run into its neighbour
		}
		copy(labels[at:], text)
		end = at + len(text)
	}
	every := tick(bars[len(bars)-1].to - bars[0].from)
	for i, b := range bars {
		if math.Mod(b.from, every) == 0 {
			place(b.from, column)
		}
		if b.from == 0 {
			axis.WriteString("┊")
			column++
		}
		line := "─"
		switch {
		case b.unproved:
			line = "?"
		case b.sent == 0:
			line = " "
		case b.atRisk == 0:
			line = "╌"
		}
		axis.WriteString(strings.Repeat(line, wide))
		column += wide
		if i == len(bars)-1 && math.Mod(b.to, every) == 0 {
			place(b.to, column)
		}
	}
	fmt.Fprintf(out, "%*s ┼%s\n", chartMargin-2, "0%", strings.TrimRight(axis.String(), " "))
	fmt.Fprintf(out, "%s%s\n", strings.Repeat(" ", chartMargin), strings.TrimRight(string(labels), " "))
}

// axisLabel is an instant on the axis: "-1.5 ms", "0", "200 us".
func axisLabel(us float64) string {
	switch {
	case us == 0:
		return "0"
	case math.Abs(us) < 1000:
		return fmt.Sprintf("%+g µs", us)
	}
	return fmt.Sprintf("%+g ms", us/1000)
}

// tick is the distance of two labels on an axis of that length: a round number,
// and at most ten of them.
func tick(span float64) float64 {
	for unit := 1.0; ; unit *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if span/(m*unit) <= 10 {
				return m * unit
			}
		}
	}
}

// chartScale is the share at the top of the chart: a round one above all bars.
func chartScale(bars []bar) float64 {
	most := slices.MaxFunc(bars, func(a, b bar) int { return int(math.Copysign(1, a.rate-b.rate)) }).rate
	for _, top := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5} {
		if most <= top {
			return top
		}
	}
	return 1
}

// pool joins neighbouring bins until there is room for all. None is joined with
// one on the other side of the signal.
func pool(bins []result.SweepBin, enough int) []bar {
	each := (len(bins) + chartRoom - 3) / (chartRoom - 2) // two columns may be lost to rounding
	before := 0
	for _, b := range bins {
		if b.ToUS <= 0 {
			before++
		}
	}
	var bars []bar
	group := func(i int) int { return int(math.Floor(float64(i-before) / float64(max(each, 1)))) }
	for i, b := range bins {
		if i == 0 || group(i) != group(i-1) {
			bars = append(bars, bar{from: b.FromUS})
		}
		last := &bars[len(bars)-1]
		last.to = b.ToUS
		last.lost, last.atRisk, last.sent = last.lost+b.Lost, last.atRisk+b.AtRisk, last.sent+b.Sent
		last.counted += b.Counted()
		last.unproved = last.lost == 0 && last.counted < enough
		if last.atRisk > 0 {
			last.rate = float64(last.lost) / float64(last.atRisk)
		}
		if each <= 1 && b.Low != nil && b.High != nil {
			last.low, last.top = *b.Low, *b.High
		}
	}
	return bars
}
