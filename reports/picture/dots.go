package picture

// The measures of a row of dots or of a box, in pixels.
const (
	rowRoom = 26.0
	middle  = rowRoom / 2
)

// apart is how many places for a dot there are across a drawing: of those that
// would lie on top of each other one is drawn.
const apart = 500

// DrawExits draws the exit of every shutdown of a subject as a dot.
func (p Picture) DrawExits(s Subject) Drawing {
	c := new(canvas)
	p.Exits.guide(c, rowRoom)
	type place struct {
		how ExitKind
		at  int
	}
	taken := make(map[place]bool)
	for _, e := range s.Exits {
		at := place{e.How, int(p.Exits.At(e.At) * apart)}
		if taken[at] {
			continue
		}
		taken[at] = true
		c.add(`<g class="exit e-%s">`, e.How)
		c.shape(e.How.String(), inset(p.Exits.At(e.At)), middle)
		c.WriteString(`</g>`)
	}
	return Drawing{Height: rowRoom, SVG: c.String()}
}

// DrawLatency draws how long the answered requests of a subject took: those that
// were answered before the signal in the upper half, the others in the lower.
func (p Picture) DrawLatency(s Subject) Drawing {
	c := new(canvas)
	const each = rowRoom * 0.75
	p.Latency.guide(c, 2*each)
	for i, b := range []Box{s.Before, s.After} {
		if b.N == 0 {
			continue
		}
		y, class := each*(float64(i)+0.5), [...]string{"before", "after"}[i]
		at := func(share float64) float64 { return inset(share) }
		lo, p5, p50, p95, hi := at(p.Latency.At(b.Min)), at(p.Latency.At(b.P5)), at(p.Latency.At(b.P50)), at(p.Latency.At(b.P95)), at(p.Latency.At(b.Max))
		c.add(`<g class="box b-%s">`, class)
		c.add(`<line x1="%s" x2="%s" y1="%[3]s" y2="%[3]s"/>`, percent(lo), percent(hi), px(y))
		c.add(`<rect x="%s" width="%s" y="%s" height="8"/>`, percent(p5), percent(max(p95-p5, 0.004)), px(y-4))
		c.add(`<line class="median" x1="%[1]s" x2="%[1]s" y1="%[2]s" y2="%[3]s"/>`, percent(p50), px(y-7), px(y+7))
		c.WriteString(`</g>`)
	}
	return Drawing{Height: 2 * each, SVG: c.String()}
}

// DrawAxis draws the labels that stand once below many rows.
func (a Axis) DrawAxis() Drawing {
	c := new(canvas)
	for i, at := range a.Ticks {
		x := inset(a.At(at))
		anchor := "middle"
		switch {
		case x < 0.06 && at != 0: // a zero is narrow, and stands under its line
			anchor = "start"
		case x > 0.94:
			anchor = "end"
		}
		c.text("ticktext", x, 14, anchor, plainLabel(a, i))
	}
	return Drawing{Height: 20, SVG: c.String()}
}

func (a Axis) guide(c *canvas, height float64) {
	for _, at := range a.Ticks {
		c.upright("tick", inset(a.At(at)), 0, height)
	}
}

// inset keeps half a shape's room at both edges.
func inset(share float64) float64 { return 0.015 + share*0.97 }
