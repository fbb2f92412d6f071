package picture

import (
	"strings"

	"lastcall/harness/history"
)

// The measures of a swimlane, in pixels.
const (
	markRow   = 17.0 // a label's row: each mark has one of its own, so that none meets another
	footRoom  = 22.0 // for the axis
	widest    = 6.0  // a lane with much room around it
	lowest    = 150.0
	usual     = 640.0
	highest   = 1000.0
	symbolsIn = 6.0 // half a shape, beyond the first and the last lane
)

// Layout is where the lanes of a drawn swimlane are, in pixels from its top.
type Layout struct {
	Top   float64 `json:"top"`
	Pitch float64 `json:"pitch"`
}

// Layout says where the lanes are. Many lanes are thin: they are a texture then,
// and a pointer still finds each.
func (s *Swimlane) Layout() Layout {
	n := float64(max(len(s.Lanes), 1))
	height := min(max(n*widest, lowest), usual)
	if thin := n * 0.45; thin > height {
		height = min(thin, highest)
	}
	return Layout{Top: float64(len(s.Marks))*markRow + symbolsIn + 4, Pitch: min(height/n, widest)}
}

// Draw draws the swimlane. What is behind comes first: the time between signal and
// exit, the axis, the lanes, the shapes of those that were not answered, and the
// marks on top.
func (s *Swimlane) Draw() Drawing {
	c, l := new(canvas), s.Layout()
	height := l.Pitch * float64(len(s.Lanes))
	bottom := l.Top + height + symbolsIn
	from, to := s.Axis.At(0), s.Axis.At(s.Over)
	c.add(`<rect class="draining" x="%s" width="%s" y="%s" height="%s"/>`, percent(from), percent(to-from), px(l.Top-symbolsIn), px(bottom-l.Top+symbolsIn))
	c.ticks(s.Axis, l.Top-symbolsIn, bottom, offsetLabel)
	c.stretch(l.Top, height)
	s.drawLives(c, l)
	c.endStretch()
	s.drawEnds(c, l)
	s.drawMarks(c, bottom)
	return Drawing{Height: bottom + footRoom, SVG: c.String()}
}

// drawLives draws all stretches of one phase and outcome as one path: a few
// elements are quick where thousands are not.
func (s *Swimlane) drawLives(c *canvas, l Layout) {
	type kind struct {
		outcome history.Outcome
		phase   PhaseKind
	}
	paths := make(map[kind]*strings.Builder)
	for i, lane := range s.Lanes {
		y := trim((float64(i)+0.5)*l.Pitch, 2)
		for _, p := range lane.Phases {
			from, to := s.units(p)
			if to == from {
				continue // too short to see: the shape at its end is there
			}
			path := paths[kind{lane.Outcome, p.Kind}]
			if path == nil {
				path = new(strings.Builder)
				paths[kind{lane.Outcome, p.Kind}] = path
			}
			path.WriteString("M" + trim(from, 0) + " " + y + "h" + trim(to-from, 0))
		}
	}
	stroke := px(max(l.Pitch*0.78, min(l.Pitch, 1)))
	for _, o := range painted() {
		for _, p := range PhaseKinds() {
			if path := paths[kind{o, p}]; path != nil {
				c.add(`<path class="%s %s" stroke-width="%s" d="%s"/>`, outcomeClass(o), p, stroke, path.String())
			}
		}
	}
}

// painted are the outcomes from what is painted first to what must not be hidden.
func painted() []history.Outcome {
	return []history.Outcome{
		history.Pending, history.Completed, history.Refused, history.Unsent, history.Rejected, history.Failed, history.Dropped,
	}
}

// units are the begin and the end of a phase across a stretched drawing.
func (s *Swimlane) units(p Phase) (from, to float64) {
	return float64(int(s.Axis.At(p.From) * wide)), float64(int(s.Axis.At(p.To)*wide + 0.5))
}

// drawEnds puts a shape where each request ended that was not answered well.
func (s *Swimlane) drawEnds(c *canvas, l Layout) {
	signal := s.Signal
	for _, o := range painted() {
		if o == history.Completed || o == history.Pending {
			continue
		}
		open := false
		for i, lane := range s.Lanes {
			if lane.Outcome != o {
				continue
			}
			if !open {
				c.add(`<g class="end %s">`, outcomeClass(o))
				open = true
			}
			c.shape(o.String(), s.Axis.At(lane.End-signal), l.Top+(float64(i)+0.5)*l.Pitch)
		}
		if open {
			c.WriteString(`</g>`)
		}
	}
}

// drawMarks draws each mark with its label in a row of its own, on the side where
// there is room.
func (s *Swimlane) drawMarks(c *canvas, bottom float64) {
	rows := s.rows()
	for i, m := range s.Marks {
		c.upright("mark m-"+m.Kind.String(), s.Axis.At(m.At), float64(rows[i])*markRow+3, bottom)
	}
	for i, m := range s.Marks { // after all lines: none crosses a word
		x, anchor := s.Axis.At(m.At), "start"
		if leansLeft(x) {
			anchor = "end"
		}
		c.text("marktext m-"+m.Kind.String(), x, float64(rows[i])*markRow+13, anchor, m.Text)
	}
}

// rows gives each mark's label a row of its own. A line begins in its label's row
// and goes down: those whose words lie left of their line come first, the last of
// them on top, and then the others, the first of them on top, so that hardly a
// line meets another's words.
func (s *Swimlane) rows() []int {
	rows := make([]int, len(s.Marks))
	next := 0
	for i := len(s.Marks) - 1; i >= 0; i-- {
		if leansLeft(s.Axis.At(s.Marks[i].At)) {
			rows[i] = next
			next++
		}
	}
	for i, m := range s.Marks {
		if !leansLeft(s.Axis.At(m.At)) {
			rows[i] = next
			next++
		}
	}
	return rows
}

// leansLeft reports whether there is more room for words left of a place, on a
// phone too.
func leansLeft(x float64) bool { return x > 0.6 }
