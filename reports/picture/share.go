package picture

import "lastcall/harness/history"

// DrawShare draws how so many requests ended as one bar: what was kept from the
// left, what was lost from the right.
func DrawShare(counts history.Counts) Drawing {
	var parts []Part
	for _, o := range []history.Outcome{history.Completed, history.Refused, history.Unsent, history.Rejected, history.Failed, history.Dropped} {
		parts = append(parts, Part{o, countOf(counts, o)})
	}
	return DrawParts(counts.Total, parts)
}

// Part is so many of something, in the colour of an outcome.
type Part struct {
	Colour history.Outcome
	N      int
}

// DrawParts draws the parts of a total as one bar, from the left.
func DrawParts(total int, parts []Part) Drawing {
	const height = 12.0
	c := new(canvas)
	c.add(`<rect class="share-room" width="100%%" height="%s"/>`, px(height))
	at := 0.0
	for _, p := range parts {
		if p.N == 0 {
			continue
		}
		share := float64(p.N) / float64(total)
		c.add(`<rect class="%s bar" x="%s" width="%s" height="%s"/>`, outcomeClass(p.Colour), percent(at), percent(share), px(height))
		at += share
	}
	return Drawing{Height: height, SVG: c.String()}
}
