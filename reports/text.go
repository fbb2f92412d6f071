package reports

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"lastcall/harness/scenario"
)

// number separates thousands: 1234567 is 1,234,567.
func number(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// brief is a number for a cell that has little room: 12345 is 12k, 1234567 is
// 1.2M.
func brief(n int) string {
	const units = "kMGTPE"
	if n > -10_000 && n < 10_000 {
		return number(n)
	}
	scaled, unit := float64(n)/1000, 0
	for (scaled >= 999.5 || scaled <= -999.5) && unit < len(units)-1 {
		scaled, unit = scaled/1000, unit+1
	}
	digits := 0
	if scaled > -9.95 && scaled < 9.95 {
		digits = 1
	}
	return strconv.FormatFloat(scaled, 'f', digits, 64) + units[unit:unit+1]
}

// seconds renders a time for a cell.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d > 0 && d < time.Millisecond {
		return "<1 ms"
	}
	return scenario.InWords(d)
}

// columns is how much room text takes on a terminal, where some letters are
// two columns wide.
func columns(text string) int { return twwidth.Width(text) }

// Labelled puts a label before text that is wrapped to a report's width, its
// lines one below the other:
//
//	label  text that goes on and
//	       on
//
// The label is padded to so many columns.
func Labelled(label string, wide int, text string) string {
	head := fmt.Sprintf("  %-*s  ", wide, label)
	indent := strings.Repeat(" ", columns(head))
	return head + strings.TrimPrefix(wrap(text, indent), indent)
}

// wrap breaks text into lines of the report's width, each with an indent. A word
// that is longer than a line is broken too.
func wrap(text, indent string) string {
	var lines []string
	line := indent
	for _, word := range withUnits(strings.Fields(text)) {
		if line != indent && columns(line)+1+columns(word) > width {
			lines = append(lines, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		head := prefix(word, width-columns(line))
		for len(head) < len(word) {
			lines = append(lines, line+head)
			line, word = indent, word[len(head):]
			head = prefix(word, width-columns(line))
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

// withUnits makes one word of a number and its unit, so that no line ends between them.
func withUnits(words []string) (joined []string) {
	for _, word := range words {
		last := len(joined) - 1
		switch strings.TrimRight(word, ".,;:)") {
		case "ms", "s", "µs", "min", "h":
			if last >= 0 && endsInDigit(joined[last]) {
				joined[last] += " " + word
				continue
			}
		}
		joined = append(joined, word)
	}
	return joined
}

func endsInDigit(word string) bool {
	last := word[len(word)-1]
	return last >= '0' && last <= '9'
}

// shorten cuts text to so many columns.
func shorten(text string, most int) string {
	if columns(text) <= most {
		return text
	}
	return prefix(text, most-1) + "…"
}

// prefix returns what of text fits into so many columns, but at least one
// letter.
func prefix(text string, most int) string {
	end := 0
	for end < len(text) {
		_, size := utf8.DecodeRuneInString(text[end:])
		if end > 0 && columns(text[:end+size]) > most {
			break
		}
		end += size
	}
	return text[:end]
}

// clean removes what a terminal would obey: a server's words are text, and only
// text. That includes the invisible letters that turn the direction of writing.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r), r == utf8.RuneError:
			return '·'
		}
		return r
	}, text)
}
