package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// source is a file as it was written: what its mistakes are shown in.
type source struct {
	file  string
	lines []string
}

func newSource(file, text string) source {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return source{file, lines}
}

// place is where something stands in a file. Both count from 1, the column in
// characters.
type place struct{ line, column int }

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

// located is a mistake at a place in a file. All that Parse refuses is one.
type located struct {
	source source
	at     place
	what   error
}

func (s source) mistake(at place, format string, args ...any) error {
	return s.locate(at, fmt.Errorf(format, args...))
}

func (s source) locate(at place, what error) error {
	if already, ok := errors.AsType[*located](what); ok {
		return already
	}
	at.line = min(at.line, len(s.lines))
	at.column = min(at.column, utf8.RuneCountInString(s.lines[at.line-1])+1)
	return &located{s, at, what}
}

// Error returns "file:line:column: what" and the source beneath.
func (l *located) Error() string {
	what := oneLine.Replace(l.what.Error())
	return fmt.Sprintf("%s:%d:%d: %s\n%s", l.source.file, l.at.line, l.at.column, what, l.source.excerpt(l.at))
}

// oneLine keeps a value that has several lines from tearing its message apart.
var oneLine = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`)

// Unwrap returns the mistake without its place.
func (l *located) Unwrap() error { return l.what }

// from returns what stands in a place's line from there on.
func (s source) from(at place) string {
	if at.line > len(s.lines) {
		return ""
	}
	runes := []rune(s.lines[at.line-1])
	return string(runes[min(at.column-1, len(runes)):])
}

// around is how many lines are shown before and after the one in question, and
// halfLine how many characters of it before and after the column.
const (
	around   = 3
	halfLine = 70
)

// excerpt shows a place with the lines around it, and a caret beneath.
func (s source) excerpt(at place) string {
	var b strings.Builder
	first, last := max(at.line-around, 1), min(at.line+around, len(s.lines))
	for last > at.line && strings.TrimSpace(s.lines[last-1]) == "" {
		last-- // the empty end of a file is not shown
	}
	digits := len(fmt.Sprint(last))
	for n := first; n <= last; n++ {
		mark := " "
		if n == at.line {
			mark = ">"
		}
		text, before := window(s.lines[n-1], at.column)
		fmt.Fprintf(&b, "%s %*d | %s\n", mark, max(digits, 2), n, text)
		if n == at.line {
			fmt.Fprintf(&b, "%*s^\n", max(digits, 2)+5+before, "")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// window returns the part of a line that lies around a column, and how many
// characters precede the column in it.
func window(line string, column int) (text string, before int) {
	runes := []rune(strings.Map(visible, line))
	before = min(column-1, len(runes))
	from, to := max(before-halfLine, 0), min(before+halfLine, len(runes))
	text = string(runes[from:to])
	if from > 0 {
		text, before = "…"+text, before-from+1
	}
	if to < len(runes) {
		text += "…"
	}
	return strings.TrimRight(text, " "), before
}

// visible replaces what a terminal would obey.
func visible(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case unicode.IsControl(r):
		return unicode.ReplacementChar
	}
	return r
}
