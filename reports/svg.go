package reports

import (
	"fmt"
	"html"
	"io"
	"strings"

	"lastcall/harness/result"
	"lastcall/reports/picture"
)

// The measures of a drawing that stands alone, in pixels.
const (
	svgWide    = 880.0
	svgMargin  = 24.0
	svgHead    = 46.0 // a subject's name and verdict, and the headline
	svgGap     = 18.0 // between subjects
	svgColumns = 150  // of a line of words
	svgLanes   = 42   // of each subject: a picture in a README is small
)

// SVG writes the worst shutdown of each subject as one drawing that needs nothing
// else: for a README, a slide, a chat. It is light or dark as its reader's page is.
func (style Style) SVG(w io.Writer, s result.Suite) error {
	sheet, err := asset("marks.css")
	if err != nil {
		return fmt.Errorf("write svg report: %w", err)
	}
	var body strings.Builder
	y, p := svgMargin, picture.Of(s, style.Histories)
	for i, subject := range s.Subjects {
		y += svgSubject(&body, y, subject, p.Subjects[i].Swimlane)
	}
	if len(s.Subjects) == 0 {
		y += svgLine(&body, "marktext", y, "No subject was judged.")
	}
	y += svgLine(&body, "ticktext", y, "A line is a request, from its start to its end: a sample of the worst shutdown of each. ✕ dropped, ◆ rejected, ■ failed, ○ refused.")
	y += svgLine(&body, "ticktext", y, conditions(s))
	_, err = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]g %[2]g" width="%[1]g" height="%[2]g" role="img" aria-label="%[3]s">`+
		"<style>%s%s</style>%s<rect class=\"ground\" width=\"100%%\" height=\"100%%\" rx=\"8\"/>%s</svg>\n",
		svgWide, y+svgMargin/2, html.EscapeString(title(s)), sheet, svgSheet, picture.Symbols, body.String())
	if err != nil {
		return fmt.Errorf("write svg report: %w", err)
	}
	return nil
}

// svgSheet is what a drawing that stands alone paints in addition to its marks.
const svgSheet = `.ground{fill:var(--ground)}.name{font-size:17px;font-weight:700}.said{font-size:13px;fill:var(--soft)}` +
	`.PASS{fill:#00614a}.FAIL{fill:#a83f00}.INCONCLUSIVE{fill:#6d5200}` +
	`@media (prefers-color-scheme:dark){.PASS{fill:#5fd3b0}.FAIL{fill:#ff9a57}.INCONCLUSIVE{fill:#e8c75a}}`

// svgSubject draws one subject from y on, and returns how high it is.
func svgSubject(b *strings.Builder, y float64, s result.Subject, swim *picture.Swimlane) float64 {
	verdict := Style{}.verdict(s.Verdict)
	fmt.Fprintf(b, `<text class="name" x="%g" y="%g">%s <tspan class="%s">%s</tspan></text>`, svgMargin, y+14,
		html.EscapeString(shorten(clean(bounded(s.Name)), maxName)), verdict, verdict)
	svgLine(b, "said", y+20, headline(s))
	if swim == nil {
		return svgHead + svgLine(b, "said", y+svgHead, "Its recorded history is missing: it cannot be drawn.") + svgGap
	}
	d := swim.Thin(svgLanes).Draw()
	fmt.Fprintf(b, `<svg x="%g" y="%g" width="%g" height="%g" overflow="visible">%s</svg>`, svgMargin, y+svgHead, svgWide-2*svgMargin, d.Height, d.SVG)
	return svgHead + d.Height + svgGap
}

// svgLine writes a line of words below y, and returns how high it is.
func svgLine(b *strings.Builder, class string, y float64, words string) float64 {
	fmt.Fprintf(b, `<text class="%s" x="%g" y="%g">%s</text>`, class, svgMargin, y+14, html.EscapeString(shorten(clean(bounded(words)), svgColumns)))
	return 20
}
