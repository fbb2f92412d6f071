// Package prose forms the words of messages: number, verb and sentence.
package prose

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Count is a number of things: "1 shutdown", "3 shutdowns".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Plural(n, noun)
}

// Plural is for what stands after "of": "1 of 1 shutdowns".
func Plural(n int, noun string) string { return fmt.Sprintf("%d %ss", n, noun) }

// Was is the verb for so many: "1 was", "3 were".
func Was(n int) string { return Verb(n, "was", "were") }

// Verb chooses between the forms for one and for many.
func Verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Sentence makes a detail a sentence: with a capital, and with a full stop unless it ends
// a sentence already.
func Sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	end := "."
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") { // what a program said may be one already
		end = ""
	}
	return string(unicode.ToUpper(first)) + s[size:] + end
}
