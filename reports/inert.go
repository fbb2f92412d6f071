package reports

import (
	"bytes"
	"html"
	"io"
	"regexp"
	"strings"
)

// A CI system reads commands from what a step prints, whoever said it. So the words of
// a server must not become one in any format. GitHub takes "::name ...::" at the begin
// of a line, after blanks, and "##[name]" anywhere; Azure Pipelines "##vso[...]" and
// TeamCity "##teamcity[...]" anywhere.
//
// https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
// https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands
var (
	lineCommand = regexp.MustCompile(`(?m)((?:^|\r)[\s\p{Z}\x{85}]*):(:.*::)`)
	hashCommand = regexp.MustCompile(`#(#\w*\[)`)
)

// notation makes the text of a report inert: what it holds no longer is a command, and
// its reader finds the same value in it, as far as the format has another way to write
// a letter.
type notation func(text string) string

// written is the notation in which one letter of each command is written as those.
func written(colon, hash string) notation {
	return func(text string) string {
		text = hashCommand.ReplaceAllStringFunc(text, func(found string) string { return "#" + hash + found[2:] })
		return lineCommand.ReplaceAllString(text, "${1}"+colon+"${2}")
	}
}

var (
	inertText = written("·", "·") // for text for people: it has no other way to write a letter
	inertJSON = written(`\u003a`, `\u0023`)
	inertRefs = written("&#58;", "&#35;")
)

// Inert returns a text for people, such as an error that quotes a server or a file, in
// which neither a terminal nor a CI system reads a command. Its lines stay what they are.
func Inert(text string) string {
	return inertText(strings.Join(cleanAll(strings.Split(text, "\n")), "\n"))
}

// verbatim is a part of XML or HTML in which no reference is read.
var verbatim = regexp.MustCompile(`(?s)<!\[CDATA\[.*?\]\]>|<script\b.*?</script>`)

// inertMarkup is the notation of XML and HTML. A CDATA section that holds a command
// becomes text with references; a script has its strings escaped as JSON has.
func inertMarkup(text string) string {
	var out strings.Builder
	for {
		at := verbatim.FindStringIndex(text)
		if at == nil {
			out.WriteString(inertRefs(text))
			return out.String()
		}
		out.WriteString(inertRefs(text[:at[0]]))
		out.WriteString(inertVerbatim(text[at[0]:at[1]]))
		text = text[at[1]:]
	}
}

func inertVerbatim(part string) string {
	inner, ok := strings.CutPrefix(part, "<![CDATA[")
	switch {
	case !ok:
		return inertJSON(part)
	case inertText(part) == part:
		return part
	}
	return inertRefs(html.EscapeString(strings.TrimSuffix(inner, "]]>")))
}

// inertAnnotations is the notation of a report that is made of commands. Each of its
// lines begins with one of ours, and what a server said stands behind it.
func inertAnnotations(text string) string {
	return hashCommand.ReplaceAllStringFunc(text, func(found string) string { return "#·" + found[2:] })
}

// sealed are formats whose reports are inert.
func sealed[T any](formats []FormatOf[T]) []FormatOf[T] {
	for i, f := range formats {
		formats[i].Render = func(w io.Writer, value T) error {
			var text bytes.Buffer
			if err := f.Render(&text, value); err != nil {
				return err
			}
			_, err := io.WriteString(w, f.inert(text.String()))
			return err
		}
	}
	return formats
}
