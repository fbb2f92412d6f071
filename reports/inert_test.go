package reports

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"

	"lastcall/harness/result"
)

func TestInertText(t *testing.T) {
	for text, want := range map[string]string{
		"::error::x": "·:error::x", "  ::add-mask::x\n ::stop-commands::y": "  ·:add-mask::x\n ·:stop-commands::y",
		"a ::error::x": "a ::error::x", "  ::1 refuses": "  ::1 refuses", "a ##[error]x": "a #·[error]x", "# ## [": "# ## [",
		"::a ##[error]b::":       "·:a #·[error]b::",
		"\u00a0\t::a::":          "\u00a0\t·:a::",
		"###[group]":             "##·[group]",
		"##vso[task.complete]":   "#·vso[task.complete]",
		"x ##teamcity[message]y": "x #·teamcity[message]y",
	} {
		if got := inertText(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// commands are what a server says to the CI system that runs lastcall.
var commands = []string{
	"::error title=x::no", "::add-mask::a", "  ::stop-commands::t", "\u2003::set-output name=x::y",
	"##[error]pwned", "a ##[group]b", "::x ##[error]y::", "##vso[task.complete result=Succeeded]", "##teamcity[buildStatus status='SUCCESS']",
	"]]>\n::add-mask::b", "</pre>\n::add-mask::c", "</script>\n##[error]d", "\n::add-mask::e", "\r::add-mask::f\r\n::add-mask::g",
}

// obeyed is what a runner finds in what a step printed, read as the runner does.
var obeyed = regexp.MustCompile(`(?m)(?:^|\r)[\s\p{Z}\x{85}]*::.*::|##\w*\[`)

// TestNoFormatGivesACommand: the words of a server, the name of a subject and all else
// that is not of lastcall's own stand in what a step prints.
func TestNoFormatGivesACommand(t *testing.T) {
	for _, word := range commands {
		suite, diff, sweep, matrix := saying(word)
		show := func(kind, name string, render func(io.Writer) error) {
			t.Helper()
			var out bytes.Buffer
			if err := render(&out); err != nil {
				t.Fatalf("%s %s: %v", kind, name, err)
			}
			text := out.String()
			if name == "github" { // its own commands are one a line
				text = ourCommand.ReplaceAllString(text, "ours")
			}
			if found := obeyed.FindString(text); found != "" {
				t.Errorf("%s %s of %q gives the command %q", kind, name, word, found)
			}
			holds(t, kind, name, out.String(), word)
		}
		for _, f := range All(Style{}) {
			show("suite", f.Name, func(w io.Writer) error { return f.Render(w, suite) })
		}
		for _, f := range Against(Style{}, diff) {
			show("against", f.Name, func(w io.Writer) error { return f.Render(w, suite) })
		}
		for _, f := range All(Style{Matrix: true}) {
			show("probes", f.Name, func(w io.Writer) error { return f.Render(w, probedSaying(word)) })
		}
		for _, f := range DiffFormats(Style{}) {
			show("diff", f.Name, func(w io.Writer) error { return f.Render(w, diff) })
		}
		for _, f := range SweepFormats() {
			show("sweep", f.Name, func(w io.Writer) error { return f.Render(w, sweep) })
		}
		for _, f := range MatrixFormats(Style{}) {
			show("matrix", f.Name, func(w io.Writer) error { return f.Render(w, matrix) })
		}
		for _, f := range TrackFormats(Style{}) {
			show("track", f.Name, func(w io.Writer) error { return f.Render(w, matrix) })
		}
		show("comparison", "stderr", func(w io.Writer) error { return Style{}.Comparison(w, diff) })
	}
}

// ourCommand is a whole line of ours.
var ourCommand = regexp.MustCompile(`(?m)^::(?:error|warning|notice) title=[^:\r\n]*::`)

// holds looks whether what is read back is what was said.
func holds(t *testing.T, kind, name, text, word string) {
	t.Helper()
	first, _, _ := strings.Cut(strings.TrimSpace(clean(strings.ReplaceAll(word, "\n", "·"))), "\x00")
	switch name {
	case "json":
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatalf("%s %s of %q: %v", kind, name, word, err)
		}
		if !holdsString(value, word) {
			t.Errorf("%s %s of %q does not hold it", kind, name, word)
		}
	case "junit", "svg":
		decoder, said := xml.NewDecoder(strings.NewReader(text)), ""
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s %s of %q: %v", kind, name, word, err)
			}
			if data, ok := token.(xml.CharData); ok {
				said += string(data)
			}
		}
		if name == "junit" && !strings.Contains(said, first) {
			t.Errorf("%s %s of %q does not hold %q", kind, name, word, first)
		}
	case "html":
		if !strings.Contains(html.UnescapeString(text), first) {
			t.Errorf("%s %s of %q does not hold %q", kind, name, word, first)
		}
	}
}

func holdsString(value any, want string) bool {
	switch v := value.(type) {
	case string:
		return v == want
	case []any:
		for _, one := range v {
			if holdsString(one, want) {
				return true
			}
		}
	case map[string]any:
		for _, one := range v {
			if holdsString(one, want) {
				return true
			}
		}
	}
	return false
}

// saying are results in which everything that is not of lastcall's own is that word.
func saying(word string) (result.Suite, result.Diff, result.Sweep, result.Matrix) {
	s := failing()
	s.Scenario.Name, s.Scenario.Policy, s.Tool.Version = word, word, word
	s.Warnings = []string{word}
	for i := range s.Subjects {
		subject := &s.Subjects[i]
		subject.Name, subject.Kind, subject.Story = word, "command", []string{word, "Then " + word}
		for j := range subject.Findings {
			f := &subject.Findings[j]
			f.Rule, f.Detail, f.Expected, f.Reference = word, word, word, word
		}
		for j := range subject.Details {
			subject.Details[j].Stderr = []string{word, "more", word}
		}
		for j := range subject.Exits {
			subject.Exits[j].Signal = word
		}
	}
	d := regressed()
	d.Warnings = []string{word}
	d.Subjects[0].Name, d.Subjects[0].Reasons = word, []string{word, word}
	for i := range d.Subjects[0].Changes {
		c := &d.Subjects[0].Changes[i]
		c.Name, c.Detail, c.Old.Status, c.New.Status = word, word, word, word
	}
	sweep := sweepOf(sweepLane(word, 40, 100))
	sweep.Subject, sweep.Signal, sweep.Story, sweep.Warnings = word, word, []string{word}, []string{word}
	m := matrixOf(result.SuiteFail, result.Row{Subject: word, Bug: word, Title: word, Breaks: word, Cells: []result.Cell{{
		Scenario: word, Verdict: result.Fail, Shutdowns: 1, Failed: 1, Broken: []string{word}, Expected: []string{word}, Surprise: word,
	}}})
	m.Scenarios = []string{word}
	return s, d, sweep, m
}

func probedSaying(word string) result.Suite {
	probe := probes()[3]
	probe.Probe, probe.Variant, probe.Seen, probe.State, probe.Proof = word, word, word, word, word
	probe.Requirement, probe.Reference, probe.Remedy, probe.Bugs = word, word, word, []string{word}
	s := suiteOf(onlyProbes(word, result.Fail, probe))
	s.Subjects[0].Details = []result.Detail{{Shutdown: 1, Stderr: []string{word}}}
	return s
}

// TestAPageKeepsItsOwnScript: what makes a page inert leaves the scripts and styles that
// its own policy allows by their hashes as they are.
func TestAPageKeepsItsOwnScript(t *testing.T) {
	for _, name := range []string{"page.css", "probes.css", "marks.css", "page.js"} {
		text, err := asset(name)
		if err != nil {
			t.Fatal(err)
		}
		if inertMarkup("<script>"+text+"</script>") != "<script>"+text+"</script>" || inertRefs(text) != text {
			t.Errorf("%s holds what is taken for a command", name)
		}
	}
}
