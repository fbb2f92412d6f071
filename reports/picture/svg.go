package picture

import (
	"fmt"
	"html"
	"strconv"
	"strings"

	"lastcall/harness/history"
)

// Drawing is the inside of an <svg> element of that height in pixels. Across it is
// measured in percent, so that it can be drawn as wide as there is room, with its
// letters as large as ever.
type Drawing struct {
	Height float64
	SVG    string
}

// canvas gathers the elements of a drawing. What it is given is escaped, all else
// is numbers and its own words.
type canvas struct{ strings.Builder }

func (c *canvas) add(format string, args ...any) { fmt.Fprintf(&c.Builder, format, args...) }

// text writes words at a place, anchored so that they stay within the drawing.
func (c *canvas) text(class string, x, y float64, anchor, words string) {
	shift := map[string]string{"start": "0.35em", "end": "-0.35em"}[anchor]
	if shift != "" {
		shift = ` dx="` + shift + `"`
	}
	c.add(`<text class="%s" x="%s" y="%s" text-anchor="%s"%s>%s</text>`, class, percent(x), px(y), anchor, shift, html.EscapeString(words))
}

func (c *canvas) upright(class string, x, y1, y2 float64) {
	c.add(`<line class="%s" x1="%[2]s" x2="%[2]s" y1="%[3]s" y2="%[4]s"/>`, class, percent(x), px(y1), px(y2))
}

func (c *canvas) shape(name string, x, y float64) {
	c.add(`<use href="#lc-%s" x="%s" y="%s"/>`, name, percent(x), px(y))
}

// ticks draws an axis below what ends at y: its lines through what begins at top,
// and its labels. The ones at the edges lean inwards.
func (c *canvas) ticks(a Axis, top, y float64, label func(Axis, int) string) {
	for i, at := range a.Ticks {
		x := a.At(at)
		c.upright("tick", x, top, y)
		anchor := "middle"
		switch {
		case x < 0.06:
			anchor = "start"
		case x > 0.94:
			anchor = "end"
		}
		if words := label(a, i); words != "" {
			c.text("ticktext", x, y+14, anchor, words)
		}
	}
}

func offsetLabel(a Axis, i int) string { return Offset(a.Ticks[i]) }
func plainLabel(a Axis, i int) string  { return Brief(a.Ticks[i]) }

// percent is a share of the width.
func percent(x float64) string { return trim(x*100, 2) + "%" }

// px is a number of pixels.
func px(y float64) string { return trim(y, 2) }

func trim(f float64, digits int) string {
	text := strconv.FormatFloat(f, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// wide is how many units across a stretched drawing is: what lies within it is
// given in whole units, which are short to write.
const wide = 10_000

// stretch opens an element whose inside is stretched to the drawing's width.
func (c *canvas) stretch(y, height float64) {
	c.add(`<svg class="marks" x="0" y="%s" width="100%%" height="%s" viewBox="0 0 %d %[2]s" preserveAspectRatio="none" aria-hidden="true">`, px(y), px(height), wide)
}

func (c *canvas) endStretch() { c.WriteString(`</svg>`) }

// Symbols are the shapes that drawings use, one for each outcome and exit: who
// cannot tell the colours apart can tell these. They stand once in a page.
const Symbols = `<symbol id="lc-dropped" overflow="visible"><path d="M-3.2-3.2 3.2 3.2M-3.2 3.2 3.2-3.2"/></symbol>` +
	`<symbol id="lc-rejected" overflow="visible"><path d="M0-3.6 3.6 0 0 3.6-3.6 0z"/></symbol>` +
	`<symbol id="lc-failed" overflow="visible"><path d="M-2.8-2.8h5.6v5.6h-5.6z"/></symbol>` +
	`<symbol id="lc-refused" overflow="visible"><circle r="1.9"/></symbol>` +
	`<symbol id="lc-unsent" overflow="visible"><path d="M-3 0h6"/></symbol>` +
	`<symbol id="lc-completed" overflow="visible"><path d="M-6-2h9v4h-9z"/></symbol>` +
	`<symbol id="lc-clean" overflow="visible"><circle r="4.5"/></symbol>` +
	`<symbol id="lc-unclean" overflow="visible"><path d="M-4-4h8v8h-8z"/></symbol>` +
	`<symbol id="lc-signaled" overflow="visible"><path d="M0-5 5 4h-10z"/></symbol>` +
	`<symbol id="lc-killed" overflow="visible"><path d="M-4-4 4 4M-4 4 4-4"/></symbol>`

// outcomeClass is the class by which an outcome gets its colour.
func outcomeClass(o history.Outcome) string { return "o-" + o.String() }
