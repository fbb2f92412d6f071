// Package highlight colours source for terminals, and cuts it for the demo's page.
package highlight

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io"
	"regexp"
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/formatters"
)

// Mistake is how a comment begins that marks the faulty line of a strategy.
const Mistake = "// here is the mistake"

// goStyle colours what teaches: the mistake, and the comments. The colours are the
// sixteen that every terminal has, in the shades that its user has chosen.
var goStyle = chroma.StyleEntries{
	chroma.Comment: "#007f00",
	chroma.Keyword: "#007f7f",
	chroma.Literal: "#7f007f",
	chroma.Error:   "#7f0000",
}

// Go writes Go source in colour. The tokens come from Go's own scanner:
// chroma's lexers would be 200 languages, which every process would load as it
// starts, those that serve a strategy too.
func Go(w io.Writer, source string) error {
	style, err := chroma.NewStyle("lastcall", goStyle)
	if err != nil {
		return fmt.Errorf("highlight: %w", err)
	}
	return formatters.TTY16.Format(w, style, chroma.Literator(tokens(source)...))
}

// yamlComment matches a comment. No value in the catalogue holds a blank and a #.
var yamlComment = regexp.MustCompile(`(?m)(^|[ \t])#.*$`)

// YAML writes a scenario's file with its comments in colour.
func YAML(w io.Writer, source string) error {
	style, err := chroma.NewStyle("lastcall", goStyle)
	if err != nil {
		return fmt.Errorf("highlight: %w", err)
	}
	var all []chroma.Token
	end := 0 // of what has been cut
	for _, at := range yamlComment.FindAllStringIndex(source, -1) {
		all = append(all, chroma.Token{Type: chroma.Text, Value: source[end:at[0]]}, chroma.Token{Type: chroma.Comment, Value: source[at[0]:at[1]]})
		end = at[1]
	}
	all = append(all, chroma.Token{Type: chroma.Text, Value: source[end:]})
	return formatters.TTY16.Format(w, style, chroma.Literator(all...))
}

// tokens cuts Go source into tokens. Put together they are the source again,
// to the letter.
func tokens(source string) (all []chroma.Token) {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(source))
	s.Init(file, []byte(source), nil, scanner.ScanComments)
	end := 0 // of what has been cut
	for {
		pos, kind, text := s.Scan()
		if kind == token.EOF {
			break
		}
		if kind.IsOperator() || text == "\n" {
			continue // it stays in the plain text between two tokens
		}
		start := file.Offset(pos)
		all = append(all, chroma.Token{Type: chroma.Text, Value: source[end:start]}, chroma.Token{Type: colourOf(kind, text), Value: text})
		end = start + len(text)
	}
	return append(all, chroma.Token{Type: chroma.Text, Value: source[end:]})
}

func colourOf(kind token.Token, text string) chroma.TokenType {
	switch {
	case kind == token.COMMENT && strings.HasPrefix(text, Mistake):
		return chroma.Error
	case kind == token.COMMENT:
		return chroma.Comment
	case kind.IsKeyword():
		return chroma.Keyword
	case kind.IsLiteral() && kind != token.IDENT:
		return chroma.Literal
	}
	return chroma.Text
}

// Piece is a part of a source text that is shown in one colour.
type Piece struct {
	Kind string `json:"kind"` // comment, keyword, literal, mistake, or "" for all else
	Text string `json:"text"`
}

// Pieces cuts Go source for a page, in the same colours.
func Pieces(source string) []Piece {
	kinds := map[chroma.TokenType]string{
		chroma.Comment: "comment", chroma.Keyword: "keyword", chroma.Literal: "literal", chroma.Error: "mistake",
	}
	var all []Piece
	for _, t := range tokens(source) {
		if t.Value != "" {
			all = append(all, Piece{Kind: kinds[t.Type], Text: t.Value})
		}
	}
	return all
}
