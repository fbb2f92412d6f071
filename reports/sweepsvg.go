package reports

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"lastcall/harness/result"
)

// The measures of a sweep's picture, in pixels. The room for the bins lies within the
// margins; above it stand the title and the legend.
const (
	sweepWide, sweepHigh = 880.0, 440.0
	sweepLeft            = 68.0
	sweepRight           = sweepWide - 24
	sweepTop             = 118.0
	sweepBottom          = sweepHigh - 62
	sweepCap             = 3.0 // half the width of an interval's ends
)

// sweepSheet paints a sweep's picture. The two lanes have colours of Okabe and Ito's
// palette, and two shapes, by which a reader who sees fewer colours can tell them apart.
const sweepSheet = `.ground{fill:var(--ground)}.name{font-size:15px;font-weight:700}.lane-0{--paint:var(--dropped)}.lane-1{--paint:var(--completed-strong)}` +
	`.rate{fill:none;stroke:var(--paint);stroke-width:1.6}.interval{fill:none;stroke:var(--paint);stroke-opacity:.55}` +
	`.dot{fill:var(--paint);stroke:var(--ground);stroke-width:.6}.cross{fill:none;stroke:var(--paint);stroke-width:1.4}` +
	`.signal{stroke:var(--ink);stroke-width:1.4;stroke-dasharray:5 4}`

// sweepPicture is the picture of one sweep as it is drawn.
type sweepPicture struct {
	strings.Builder
	from, to float64 // the first instant and the last, in milliseconds
}

// SweepSVG draws a sweep as a picture: the share that was lost by the instant of
// sending, with its 95% intervals, and a line at the signal.
func SweepSVG(w io.Writer, s result.Sweep) error {
	sheet, err := asset("marks.css")
	if err != nil {
		return fmt.Errorf("write svg sweep: %w", err)
	}
	p := new(sweepPicture)
	for _, lane := range s.Lanes {
		for _, b := range lane.Bins {
			p.from, p.to = math.Min(p.from, b.FromUS/1000), math.Max(p.to, b.ToUS/1000)
		}
	}
	p.words("name", sweepLeft, 30, "start", sweepTitle(s))
	p.axes(s)
	for i, lane := range s.Lanes {
		p.lane(lane, i)
	}
	p.signal(s)
	p.legend(s)
	_, err = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]g %[2]g" width="%[1]g" height="%[2]g" role="img" aria-label="%[3]s">`+
		"<style>%s%s</style><rect class=\"ground\" width=\"100%%\" height=\"100%%\" rx=\"8\"/>%s</svg>\n",
		sweepWide, sweepHigh, html.EscapeString(sweepTitle(s)), sheet, sweepSheet, p.String())
	if err != nil {
		return fmt.Errorf("write svg sweep: %w", err)
	}
	return nil
}

// x is where an instant stands, in milliseconds from the signal.
func (p *sweepPicture) x(ms float64) float64 {
	if p.to == p.from {
		return sweepLeft
	}
	return sweepLeft + (ms-p.from)/(p.to-p.from)*(sweepRight-sweepLeft)
}

// y is where a share stands.
func (p *sweepPicture) y(share float64) float64 { return sweepBottom - share*(sweepBottom-sweepTop) }

func (p *sweepPicture) words(class string, x, y float64, anchor, text string) {
	fmt.Fprintf(p, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, class, x, y, anchor, html.EscapeString(shorten(clean(bounded(text)), svgColumns)))
}

func (p *sweepPicture) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(p, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x1, y1, x2, y2)
}

// axes draws the grid, with round instants and shares.
func (p *sweepPicture) axes(s result.Sweep) {
	for tenth := 0; tenth <= 10; tenth += 2 {
		y := p.y(float64(tenth) / 10)
		p.line("tick", sweepLeft, y, sweepRight, y)
		p.words("ticktext", sweepLeft-8, y+4, "end", fmt.Sprintf("%d%%", 10*tenth))
	}
	every := tick(1000*(p.to-p.from)) / 1000
	for n := math.Ceil(p.from/every - 1e-9); n*every <= p.to+1e-9; n++ {
		at := math.Round(n*every*1e6) / 1e6 // to the nanosecond: 0.1 has no end in binary
		p.line("tick", p.x(at), sweepTop, p.x(at), sweepBottom)
		p.words("ticktext", p.x(at), sweepBottom+18, "middle", fmt.Sprintf("%g", at))
	}
	p.line("base", sweepLeft, sweepBottom, sweepRight, sweepBottom)
	p.words("marktext", (sweepLeft+sweepRight)/2, sweepBottom+42, "middle", fmt.Sprintf("sent after %s, in ms (negative: before it)", clean(s.Signal)))
	p.words("marktext", sweepLeft, sweepTop-12, "start", "dropped, of those at risk")
}

// place is where a bin of the lane of that index stands, in milliseconds: two lanes
// stand a little apart, so that one does not hide the other.
func place(b result.SweepBin, index int) float64 {
	return ((b.FromUS+b.ToUS)/2 + (float64(index)-0.5)*0.2*(b.ToUS-b.FromUS)) / 1000
}

// lane draws the bins that have requests at risk, and prove something: those that follow
// one another are joined by a line. A bin that proves nothing is a cross.
func (p *sweepPicture) lane(lane result.SweepLane, index int) {
	fmt.Fprintf(p, `<g class="lane-%d">`, index%2)
	var joined, dots strings.Builder
	command := "M"
	for _, b := range lane.Bins {
		x := p.x(place(b, index))
		switch {
		case b.ProvesNothing:
			p.cross(x, p.y(0))
			command = "M"
		case b.Rate == nil || b.Low == nil || b.High == nil:
			command = "M"
		default:
			y, low, high := p.y(*b.Rate), p.y(*b.Low), p.y(*b.High)
			fmt.Fprintf(&joined, "%s%.1f %.1f", command, x, y)
			command = "L"
			fmt.Fprintf(p, `<path class="interval" d="M%.1f %.1fH%.1fM%.1f %.1fV%.1fM%.1f %.1fH%.1f"/>`,
				x-sweepCap, high, x+sweepCap, x, high, low, x-sweepCap, low, x+sweepCap)
			shape(&dots, index, x, y)
		}
	}
	if joined.Len() > 0 {
		fmt.Fprintf(p, `<path class="rate" d="%s"/>`, joined.String())
	}
	p.WriteString(dots.String() + "</g>") // the dots last: above the lines
}

// shape draws the dot of a lane: round, or square.
func shape(w io.Writer, index int, x, y float64) {
	if index%2 == 0 {
		fmt.Fprintf(w, `<circle class="dot" cx="%.1f" cy="%.1f" r="2.8"/>`, x, y)
		return
	}
	fmt.Fprintf(w, `<rect class="dot" x="%.1f" y="%.1f" width="5" height="5"/>`, x-2.5, y-2.5)
}

func (p *sweepPicture) cross(x, y float64) {
	fmt.Fprintf(p, `<path class="cross" d="M%.1f %.1fl6 6m0-6l-6 6"/>`, x-3, y-3)
}

// signal draws the line at the signal, and its name.
func (p *sweepPicture) signal(s result.Sweep) {
	p.line("signal", p.x(0), sweepTop-8, p.x(0), sweepBottom)
	x, anchor := p.x(0)+6, "start"
	if p.x(0) > (sweepLeft+sweepRight)/2 {
		x, anchor = p.x(0)-6, "end"
	}
	p.words("marktext m-signal", x, sweepTop+4, anchor, clean(s.Signal))
}

// legend says what the lanes are, and what a cross is where there is one.
func (p *sweepPicture) legend(s result.Sweep) {
	y, doubtful := 52.0, -1
	for i, lane := range s.Lanes {
		text := fmt.Sprintf("%s: %d of %d dropped", laneName(lane.Connections), lane.Sum.Lost, lane.Sum.AtRisk)
		if n := lane.Discarded(); n > 0 {
			text += fmt.Sprintf(", %d discarded", n)
		}
		fmt.Fprintf(p, `<g class="lane-%d">`, i%2)
		shape(p, i, sweepLeft+4, y-4)
		p.WriteString("</g>")
		p.words("marktext", sweepLeft+14, y, "start", text)
		y += 18
		for _, b := range lane.Bins {
			if b.ProvesNothing {
				doubtful = i
			}
		}
	}
	if doubtful >= 0 {
		fmt.Fprintf(p, `<g class="lane-%d">`, doubtful%2)
		p.cross(sweepLeft+4, y-4)
		p.WriteString("</g>")
		p.words("marktext", sweepLeft+14, y, "start", fmt.Sprintf("proves nothing: fewer than %d requests count, none was dropped", s.EnoughShots))
	}
}
