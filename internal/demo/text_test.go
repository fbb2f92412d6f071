package demo

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// used are the keys that the page, its scripts and the package name, and those
// that they put together.
func used(t *testing.T) map[string]string {
	t.Helper()
	keys := make(map[string]string) // where each is used
	for _, p := range []struct{ files, key, forms string }{
		{"*.html", `Texts\.Say "([a-z0-9.-]+)"`, ""},
		{"*.js", `\bsay\(\s*"([a-z0-9.-]+)"`, ""},
		{"*.js", `count\(\s*"([a-z0-9.-]+)"`, "counts"},
		{"*.js", `"((?:axis|deploy|closeup|whole)[a-z.-]*)"`, ""},
		{"*.go", `t\.Say\("([a-z0-9.-]+)"`, ""},
		{"*.go", `t\.Count\("([a-z0-9.-]+)"`, "counts"},
		{"sentence.go", `\{"(told\.[a-z-]+)", `, "counts"},
	} {
		names, err := fs.Glob(os.DirFS("."), p.files)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v, %v", p.files, names, err)
		}
		found := 0
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range regexp.MustCompile(p.key).FindAllStringSubmatch(string(text), -1) {
				found++
				if strings.HasSuffix(match[1], ".") {
					if built()[match[1]] == nil {
						t.Errorf("%s puts keys together from %s: add it to built", name, match[1])
					}
					continue
				}
				if p.forms == "" {
					keys[match[1]] = name
					continue
				}
				keys[match[1]+".one"], keys[match[1]+".other"] = name, name
			}
		}
		if found == 0 {
			t.Errorf("%s names no key as %s", p.files, p.key)
		}
	}
	for prefix, ends := range built() {
		for _, end := range ends {
			keys[prefix+end] = "built"
		}
	}
	return keys
}

// built are the keys that are put together.
func built() map[string][]string {
	m := Menu()
	b := map[string][]string{
		"phase.":       {string(Booting), string(Warming), string(Serving), string(Stopping), string(Judging), string(Troubled), "next", "coming"},
		"verdict.":     {"pass", "warned", "fail", "inconclusive"},
		"request.":     m.Requests,
		"connections.": nil,
		"legend.":      {"open", "kept", "done", "rejected", "lost", "refused"},
	}
	for _, c := range m.Connections {
		b["connections."] = append(b["connections."], string(c))
	}
	for n := range Steps + 1 {
		prefix := "tour." + string(rune('0'+n)) + "."
		b[prefix] = []string{"title", "look", "why"}
	}
	return b
}

// TestEveryKeyHasItsText asks, of each language, that what is used is there and
// that nothing else is.
func TestEveryKeyHasItsText(t *testing.T) {
	keys := used(t)
	if !slices.Contains(Languages(), DefaultLanguage) {
		t.Fatalf("languages %v", Languages())
	}
	for _, lang := range Languages() {
		texts, err := LoadTexts(lang)
		if err != nil {
			t.Fatal(err)
		}
		for key, where := range keys {
			if strings.TrimSpace(texts.words[key]) == "" {
				t.Errorf("%s: no text for %s, which %s uses", lang, key, where)
			}
		}
		for key := range texts.words {
			if keys[key] == "" {
				t.Errorf("%s: nothing uses %s", lang, key)
			}
		}
	}
}

// TestLanguagesFillInTheSame asks that no language leaves a placeholder out or
// invents one.
func TestLanguagesFillInTheSame(t *testing.T) {
	mark := regexp.MustCompile(`\{[a-z]+\}`)
	base, err := LoadTexts(DefaultLanguage)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range Languages() {
		texts, err := LoadTexts(lang)
		if err != nil {
			t.Fatal(err)
		}
		for key, text := range base.words {
			want, got := mark.FindAllString(text, -1), mark.FindAllString(texts.words[key], -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("%s: %s fills in %v, must be %v", lang, key, got, want)
			}
		}
	}
	if _, err := LoadTexts("tlh"); err == nil {
		t.Error("a language that is not there was loaded")
	}
}

func TestSay(t *testing.T) {
	texts := Texts{words: map[string]string{"a": "{x} and {y}", "n.one": "one", "n.other": "{n} of {of}"}}
	for _, c := range []struct{ got, want string }{
		{texts.Say("a", "x", "1", "y", "{x}"), "1 and {x}"},
		{texts.Say("missing"), "missing"},
		{texts.Count("n", 1), "one"},
		{texts.Count("n", 0, "of", "7"), "0 of 7"},
		{texts.Count("n", 1234567, "of", "7"), "1,234,567 of 7"},
		{texts.list([]string{"a", "b", "c"}), "told.and"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
