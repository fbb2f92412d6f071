package picture

import (
	"fmt"
	"strconv"
	"strings"

	"lastcall/harness/history"
)

// The measures of the buckets of one subject, in pixels.
const (
	barRoom   = 96.0 // both sides of the line
	leastSide = 14.0 // a side with anything on it
	barTop    = 4.0
)

// DrawBuckets draws the outcomes of a subject over time, stacked: above the line
// what was answered, or knew at once that it had to go elsewhere; below it what
// somebody waited for, and did not get. Only the last of many needs the labels of
// the axis.
func (p Picture) DrawBuckets(s Subject, labels bool) Drawing {
	c := new(canvas)
	up, down := p.sides()
	line, bottom := barTop+up, barTop+up+down
	c.add(`<rect class="draining" x="%s" width="%s" y="%s" height="%s"/>`, percent(p.Time.At(0)), percent(p.Time.At(s.Over)-p.Time.At(0)), px(barTop), px(up+down))
	label := func(Axis, int) string { return "" }
	height := bottom + 4
	if labels {
		label, height = offsetLabel, bottom+footRoom
	}
	c.ticks(p.Time, barTop, bottom, label)
	c.stretch(barTop, up+down)
	p.drawStacks(c, s, up, down)
	c.endStretch()
	c.add(`<line class="base" x1="0" x2="100%%" y1="%[1]s" y2="%[1]s"/>`, px(line))
	c.text("ticktext", 0, barTop+9, "start", strconv.Itoa(p.Up))
	if p.Down > 0 {
		c.text("ticktext", 0, bottom-3, "start", strconv.Itoa(p.Down))
	}
	c.upright("mark m-signal", p.Time.At(0), 0, bottom)
	if s.Over > 0 {
		c.upright("mark m-exit", p.Time.At(s.Over), 0, bottom)
	}
	return Drawing{Height: height, SVG: c.String()}
}

// sides shares the height out between what is above the line and what is below: to
// one scale, unless one of them would vanish.
func (p Picture) sides() (up, down float64) {
	total := float64(max(p.Up+p.Down, 1))
	up = barRoom * float64(p.Up) / total
	switch {
	case p.Down == 0:
		return barRoom, 0
	case p.Up == 0:
		return leastSide, barRoom
	}
	up = min(max(up, barRoom*0.25), barRoom*0.75)
	return up, barRoom - up
}

// drawStacks draws every outcome as one path of upright bars.
func (p Picture) drawStacks(c *canvas, s Subject, up, down float64) {
	if len(s.Buckets) == 0 {
		return
	}
	width := float64(wide) / float64(len(s.Buckets))
	above := []history.Outcome{history.Completed, history.Refused, history.Unsent}
	below := []history.Outcome{history.Dropped, history.Failed, history.Rejected}
	draw := func(outcomes []history.Outcome, scale float64) {
		base := make([]float64, len(s.Buckets))
		for _, o := range outcomes {
			var path strings.Builder
			for i, b := range s.Buckets {
				h := float64(countOf(b.Counts, o)) * scale
				if h == 0 {
					continue
				}
				fmt.Fprintf(&path, "M%s %sh%sv%sh-%[3]sz", trim(float64(i)*width, 0), trim(up+base[i], 2), trim(max(width-width*0.12, 1), 0), trim(h, 2))
				base[i] += h
			}
			if path.Len() > 0 {
				c.add(`<path class="bar %s" d="%s"/>`, outcomeClass(o), path.String())
			}
		}
	}
	draw(above, -up/float64(max(p.Up, 1)))
	draw(below, down/float64(max(p.Down, 1)))
}

func countOf(c history.Counts, o history.Outcome) int {
	switch o {
	case history.Completed:
		return c.Completed
	case history.Rejected:
		return c.Rejected
	case history.Failed:
		return c.Failed
	case history.Refused:
		return c.Refused
	case history.Dropped:
		return c.Dropped
	case history.Unsent:
		return c.Unsent
	case history.Pending:
	}
	return 0
}
