package scenarios

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"lastcall/harness/scenario"
)

// FuzzParse looks for input that makes the loader panic, or return what harness
// would refuse, or refuse something without saying where.
func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		source, _ := Source(name)
		f.Add(source)
	}
	for _, c := range broken {
		f.Add(c.text)
	}
	for _, text := range []string{
		"", "\t", "---\n---", "load: {rate: &a 5, max-open: *a}", "<<: *x", "? [a]\n: b", "load: !!int 5", "%YAML 1.2\n---\n", "a: |\n", "- 1",
		"load: &l {rate: 5, <<: *l}", "name: \x00", "shutdowns: 1e3", "subject: {delay: !!str 5s}",
	} {
		f.Add(text)
	}
	where := regexp.MustCompile(`^fuzz\.yaml:([0-9]+):[0-9]+: .`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("fuzz.yaml", []byte(text))
		if err == nil {
			err := scenario.Validate(scenario.Complete(s))
			graced := []string{"load.timeout", "load.rate", "disruption.signal", "disruption.lag"} // what the policy's grace decides
			if invalid, ok := errors.AsType[*scenario.Invalid](err); ok && !slices.Contains(graced, invalid.Field) {
				t.Errorf("accepted, but %v", err)
			}
			return
		}
		first, excerpt, _ := strings.Cut(err.Error(), "\n")
		at := where.FindStringSubmatch(first)
		if at == nil {
			t.Fatalf("%q names no line", first)
		}
		if !regexp.MustCompile(`(?m)^> +` + at[1] + ` \|`).MatchString(excerpt) {
			t.Errorf("%q does not show line %s", excerpt, at[1])
		}
		if strings.ContainsFunc(err.Error(), unfit) {
			t.Errorf("%q would reach the terminal", err)
		}
	})
}

// unfit reports whether a character would do something to a terminal.
func unfit(r rune) bool { return unicode.IsControl(r) && r != '\n' }
