package scenarios

import (
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// deepest is how deep brackets may be nested: a scenario needs four. The parser
// takes time that grows with the square of the depth.
const deepest = 16

// readable refuses what YAML 1.2 (section 5.1) does not allow in a file at all.
// It is also what makes a file's lines fit to be shown on a terminal.
func (s source) readable() error {
	for n, line := range s.lines {
		column := 1
		for i, r := range line {
			if r == utf8.RuneError {
				if _, size := utf8.DecodeRuneInString(line[i:]); size == 1 {
					return s.mistake(place{n + 1, column}, "the byte 0x%02X is not UTF-8: save the file as UTF-8", line[i])
				}
			}
			if control := r < ' ' && r != '\t' || r >= 0x7F && r < 0xA0 && r != 0x85 || r == 0xFEFF; control {
				return s.mistake(place{n + 1, column}, `the invisible character %U is not allowed: in double quotes it can be written as "\u%04x"`, r, r)
			}
			column++
		}
	}
	return nil
}

// plain refuses those parts of YAML that a scenario has no use for, and in which
// one thing is written and another is meant: a second document, anchors and
// what refers to them, tags, directives, keys that are no words, tabs that look
// like indentation.
func (s source) plain(tokens token.Tokens) error {
	var p plainness
	for _, t := range tokens {
		if column := s.tab(t); column > 0 {
			return s.mistake(place{placeOf(t).line, column}, "a tab in the indentation: YAML wants spaces there")
		}
		if problem := p.next(t); problem != "" {
			return s.mistake(placeOf(t), "%s", problem)
		}
	}
	return nil
}

// tab returns the column of a tab that stands where the indentation of a token
// should, or 0. The lines of a block of text may begin with tabs.
func (s source) tab(t *token.Token) int {
	at := placeOf(t)
	if inBlock(t) || at.line > len(s.lines) || t.Prev != nil && placeOf(t.Prev).line == at.line {
		return 0
	}
	line := s.lines[at.line-1]
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	return strings.Index(indent, "\t") + 1
}

// inBlock reports whether a token is the text of a block, after | or >.
func inBlock(t *token.Token) bool {
	return t.Prev != nil && (t.Prev.Type == token.LiteralType || t.Prev.Type == token.FoldedType)
}

// plainness is what has been seen of a file so far.
type plainness struct {
	content, header, end bool
	depth, line, entries int
}

// next returns what is wrong with a token, or "".
func (p *plainness) next(t *token.Token) string {
	switch t.Type {
	case token.CommentType:
		return ""
	case token.DocumentHeaderType:
		if p.content || p.header || p.end {
			return "a second document: a file holds one scenario"
		}
		p.header = true
		return ""
	case token.DocumentEndType:
		p.end = true
		return ""
	default:
	}
	if p.end {
		return "a second document: a file holds one scenario"
	}
	p.content = true
	if p.nests(t) > deepest {
		return "nested too deeply"
	}
	if t.Type == token.StringType && !inBlock(t) && strings.Contains(strings.TrimSpace(t.Origin), "\t") {
		return "a tab in a text without quotes, where it would be lost: put the text in double quotes" // goccy/go-yaml drops it
	}
	return notPlain[t.Type]
}

// notPlain says what to write instead.
var notPlain = map[token.Type]string{
	token.AnchorType:     "an anchor: write the value wherever it is needed; a text that begins with & needs quotes",
	token.AliasType:      "an alias: write the value itself; a text that begins with * needs quotes",
	token.MergeKeyType:   "a merge key: write the keys themselves",
	token.TagType:        "a tag: the types are known without it; a text that begins with ! needs quotes",
	token.DirectiveType:  "a directive: a scenario is YAML 1.2 without any; a text that begins with % needs quotes",
	token.MappingKeyType: `a key after a question mark: write "key: value"`,
}

// nests returns how deep a token is nested, in brackets or in one line's dashes.
func (p *plainness) nests(t *token.Token) int {
	if line := placeOf(t).line; line != p.line {
		p.line, p.entries = line, 0
	}
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		p.depth++
	case token.SequenceEndType, token.MappingEndType:
		p.depth--
	case token.SequenceEntryType:
		p.entries++
	default:
	}
	return max(p.depth, p.entries)
}
