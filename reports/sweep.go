package reports

import (
	"fmt"
	"io"

	"lastcall/harness/result"
)

// SweepRenderer writes one sweep.
type SweepRenderer = func(w io.Writer, s result.Sweep) error

// SweepFormat is a named way to render a sweep.
type SweepFormat = FormatOf[result.Sweep]

// SweepFormats returns every format of a sweep. The slice is fresh.
func SweepFormats() []SweepFormat {
	return sealed([]SweepFormat{
		{"chart", "for people: bars on a terminal, and what they mean", SweepChart, inertText},
		{"svg", "for people: the same as a picture, with the intervals", SweepSVG, inertMarkup},
		{"json", "for machines: " + result.SweepSchema + ", described by `lastcall schema sweep`", SweepJSON, inertJSON},
	})
}

// SweepNames returns the names of all formats of a sweep.
func SweepNames() []string {
	return namesOf(SweepFormats())
}

// SweepJSON writes the sweep as it is, indented, with a final newline.
func SweepJSON(w io.Writer, s result.Sweep) error {
	return indented(w, "json sweep", s)
}

// laneName is what a kind of connection is called in a chart.
func laneName(connections string) string {
	switch connections {
	case "reused":
		return "kept-alive connections, idle until then"
	case "fresh":
		return "new connections"
	}
	return clean(connections)
}

// sweepTitle heads a chart.
func sweepTitle(s result.Sweep) string {
	return fmt.Sprintf("%s: requests dropped, by the instant of sending (%s at 0, %d shutdowns)", clean(s.Subject), clean(s.Signal), s.Measured)
}
