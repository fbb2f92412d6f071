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
	leastLoss = 3.0
	leastBar  = 4 // the width of what somebody waited for in vain
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
	p.drawKept(c, s, up)
	c.endStretch()
	c.add(`<line class="base" x1="0" x2="100%%" y1="%[1]s" y2="%[1]s"/>`, px(line))
	c.upright("mark m-signal", p.Time.At(0), 0, bottom)
	if s.Over > 0 {
		c.upright("mark m-exit", p.Time.At(s.Over), 0, bottom)
	}
	c.stretch(barTop, up+down) // over the lines: losses are where they are
	p.drawLost(c, s, up, down)
	c.endStretch()
	unit := " in " + Brief(p.Width)
	c.text("ticktext", 0, barTop+9, "start", strconv.Itoa(p.Up)+unit)
	if p.Down > 0 {
		c.text("ticktext", 0, bottom-3, "start", strconv.Itoa(p.Down)+unit)
	}
	p.labelLost(c, s, line+min(down/2+4, down-3))
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

// drawKept draws what is above the line.
func (p Picture) drawKept(c *canvas, s Subject, up float64) {
	above := []history.Outcome{history.Completed, history.Refused, history.Unsent}
	for _, stack := range stacks(s.Buckets, above, up, -up/float64(max(p.Up, 1))) {
		c.add(`<path class="bar %s" d="%s"/>`, outcomeClass(stack.outcome), stack.bars)
	}
}

// lostOutcomes are those below the line.
func lostOutcomes() []history.Outcome {
	return []history.Outcome{history.Dropped, history.Failed, history.Rejected}
}

// drawLost draws what is below the line: as wide as its stretch of time, and a
// stroke that is never too thin to be seen.
func (p Picture) drawLost(c *canvas, s Subject, up, down float64) {
	for _, stack := range stacks(s.Buckets, lostOutcomes(), up, down/float64(max(p.Down, 1))) {
		c.add(`<path class="bar %s" d="%s"/>`, outcomeClass(stack.outcome), stack.bars)
		c.add(`<path class="%s" stroke-width="%d" vector-effect="non-scaling-stroke" d="%s"/>`, outcomeClass(stack.outcome), leastBar, stack.strokes)
	}
}

// labelLost says beside the highest bar below the line how many are there in all.
func (p Picture) labelLost(c *canvas, s Subject, y float64) {
	var all history.Counts
	highest, used := 0, 0
	for i, b := range s.Buckets {
		all = all.Plus(b.Counts)
		if b.down() > 0 {
			used++
		}
		if b.down() > s.Buckets[highest].down() {
			highest = i
		}
	}
	words := lostWords(all)
	if words == "" {
		return
	}
	if used > 1 {
		words += " in all"
	}
	x, anchor := float64(highest+1)/float64(len(s.Buckets)), "start"
	if leansLeft(x) {
		x, anchor = float64(highest)/float64(len(s.Buckets)), "end"
	}
	c.text("marktext m-lost", x, y, anchor, words)
}

func lostWords(all history.Counts) string {
	var parts []string
	names := map[history.Outcome]string{history.Dropped: "lost", history.Failed: "wrong", history.Rejected: "rejected"}
	for _, o := range lostOutcomes() {
		if n := countOf(all, o); n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+names[o])
		}
	}
	return strings.Join(parts, ", ")
}

// stack is one outcome in every bucket: as rectangles, and as strokes in their
// middle.
type stack struct {
	outcome       history.Outcome
	bars, strokes string
}

// stacks puts outcomes upon each other, from y on; scale is pixels for each, and
// negative upwards.
func stacks(buckets []Bucket, outcomes []history.Outcome, y, scale float64) []stack {
	width := float64(wide) / float64(max(len(buckets), 1))
	base := make([]float64, len(buckets))
	var all []stack
	for _, o := range outcomes {
		var bars, strokes strings.Builder
		for i, b := range buckets {
			h := float64(countOf(b.Counts, o)) * scale
			if h == 0 {
				continue
			}
			if scale > 0 { // one among many is a loss too
				h = max(h, leastLoss)
			}
			left, top := float64(i)*width, trim(y+base[i], 2)
			fmt.Fprintf(&bars, "M%s %sh%sv%sh-%[3]sz", trim(left, 0), top, trim(max(width-width*0.12, 1), 0), trim(h, 2))
			fmt.Fprintf(&strokes, "M%s %sv%s", trim(left+width*0.44, 0), top, trim(h, 2))
			base[i] += h
		}
		if bars.Len() > 0 {
			all = append(all, stack{o, bars.String(), strokes.String()})
		}
	}
	return all
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
