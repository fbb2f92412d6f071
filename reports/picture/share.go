package picture

import "lastcall/harness/history"

// DrawShare draws how so many requests ended as one bar: what was kept from the
// left, what was lost from the right.
func DrawShare(counts history.Counts) Drawing {
	const height = 12.0
	c := new(canvas)
	c.add(`<rect class="share-room" width="100%%" height="%s"/>`, px(height))
	at := 0.0
	for _, o := range []history.Outcome{history.Completed, history.Refused, history.Unsent, history.Rejected, history.Failed, history.Dropped} {
		n := countOf(counts, o)
		if n == 0 {
			continue
		}
		share := float64(n) / float64(counts.Total)
		c.add(`<rect class="%s bar" x="%s" width="%s" height="%s"/>`, outcomeClass(o), percent(at), percent(share), px(height))
		at += share
	}
	return Drawing{Height: height, SVG: c.String()}
}
