// Package reports renders a result.Suite for people and for machines. It counts
// nothing and judges nothing: what it prints stands in the suite.
//
// To add a format, write one file with one function of type Renderer and add
// one line to All, with the notation that keeps it inert.
package reports

import (
	"io"
	"slices"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// Renderer writes one report.
type Renderer = func(w io.Writer, s result.Suite) error

// Format is a named way to render a suite.
type Format = FormatOf[result.Suite]

// FormatOf is a named way to render a result of some kind.
type FormatOf[T any] struct {
	Name    string
	Summary string
	Render  func(w io.Writer, value T) error
	inert   notation // how the report gives no command to the CI system that logs it
}

// namesOf returns the names of formats, sorted.
func namesOf[T any](formats []FormatOf[T]) []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

// Style says how much a report can show.
type Style struct {
	Color     bool               // of a terminal: colour the verdicts; never their only carrier
	Histories []*history.History // what was judged, for the formats that draw it; without them they say so
	Matrix    bool               // probes are shown as a table of subjects by probes
}

// All returns every format. The slice is fresh.
func All(style Style) []Format {
	return sealed([]Format{
		{"table", "for people: the comparison, and a story for each subject", style.Table, inertText},
		{"json", "for machines: " + result.Schema + ", described by `lastcall schema suite`", JSON, inertJSON},
		{"junit", "for CI: JUnit XML, a suite for each subject, a case for each rule", JUnit, inertMarkup},
		{"markdown", "for CI: a job summary, with the findings folded", Markdown, inertRefs},
		{"html", "for people: one page with pictures, findings and remedies, without any network", style.HTML, inertMarkup},
		{"svg", "for a README: the worst shutdown of each subject as one drawing", style.SVG, inertMarkup},
		{"github", "for CI: workflow commands, which GitHub shows as annotations", GitHub, inertAnnotations},
	})
}

// Names returns the names of all formats.
func Names() []string {
	return namesOf(All(Style{}))
}
