package demo

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Each language is one file of texts, by key. {name} in a text is filled in; a
// text that counts something comes in two forms, KEY.one and KEY.other.
//
//go:embed lang-*.json
var languages embed.FS

// DefaultLanguage is the one that is complete by definition.
const DefaultLanguage = "en"

// Texts are all words of the page in one language.
type Texts struct {
	Lang  string
	words map[string]string
}

// Languages returns the languages that there are.
func Languages() []string {
	files, _ := languages.ReadDir(".") // what is embedded can be read
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(f.Name(), "lang-"), ".json"))
	}
	return names
}

// LoadTexts reads a language.
func LoadTexts(lang string) (Texts, error) {
	t := Texts{Lang: lang}
	if !slices.Contains(Languages(), lang) {
		return t, fmt.Errorf("there are no texts in %q, only in %s", lang, strings.Join(Languages(), ", "))
	}
	text, err := languages.ReadFile("lang-" + lang + ".json")
	if err == nil {
		err = json.Unmarshal(text, &t.words)
	}
	if err != nil {
		return t, fmt.Errorf("read the texts in %s: %w", lang, err)
	}
	return t, nil
}

// Say returns a text with its placeholders filled in: names and values in turn.
// A key without a text is shown as itself, so that it is seen.
func (t Texts) Say(key string, filling ...string) string {
	text, ok := t.words[key]
	if !ok {
		return key
	}
	for i := 0; i+1 < len(filling); i += 2 {
		text = strings.ReplaceAll(text, "{"+filling[i]+"}", filling[i+1])
	}
	return text
}

// Count is Say for a text that counts: {n} is the number.
func (t Texts) Count(key string, n int, filling ...string) string {
	form := ".other"
	if n == 1 {
		form = ".one"
	}
	return t.Say(key+form, append(filling, "n", thousands(n))...)
}

// thousands sets a number so that it is read from the back row.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
