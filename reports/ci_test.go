package reports

import (
	"encoding/xml"
	"errors"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jstemmer/go-junit-report/v2/junit"
	"pgregory.net/rapid"

	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// xmlSuites is how a CI system reads the XML: with its own idea of the format.
type xmlSuites struct {
	XMLName xml.Name   `xml:"testsuites"`
	Time    string     `xml:"time,attr"`
	Tests   int        `xml:"tests,attr"`
	Fails   int        `xml:"failures,attr"`
	Errors  int        `xml:"errors,attr"`
	Skipped int        `xml:"skipped,attr"`
	Suites  []xmlSuite `xml:"testsuite"`
}

type xmlSuite struct {
	Name      string    `xml:"name,attr"`
	Time      string    `xml:"time,attr"`
	Timestamp string    `xml:"timestamp,attr"`
	Tests     int       `xml:"tests,attr"`
	Fails     int       `xml:"failures,attr"`
	Errors    int       `xml:"errors,attr"`
	Skipped   int       `xml:"skipped,attr"`
	Cases     []xmlCase `xml:"testcase"`
}

type xmlCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	Failure *xmlResult `xml:"failure"`
	Error   *xmlResult `xml:"error"`
	Skipped *xmlResult `xml:"skipped"`
	Out     string     `xml:"system-out"`
}

type xmlResult struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// fataler is a test or a property.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func renderText(t fataler, r Renderer, s result.Suite) string {
	t.Helper()
	var out strings.Builder
	if err := r(&out, s); err != nil {
		t.Fatalf("render: %v", err)
	}
	return out.String()
}

func parseJUnit(t fataler, s result.Suite) xmlSuites {
	t.Helper()
	text := renderText(t, JUnit, s)
	var got xmlSuites
	decoder := xml.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(&got); err != nil {
		t.Fatalf("%v in\n%q", err, text)
	}
	for { // nothing but blanks follows the document
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if blank, ok := token.(xml.CharData); err != nil || !ok || strings.TrimSpace(string(blank)) != "" {
			t.Fatalf("after the document: %v, %v", token, err)
		}
	}
	return got
}

// wantJUnitCounts asks that all numbers agree with the cases that are there, and
// that a suite is green only if all its subjects passed.
func wantJUnitCounts(t fataler, s result.Suite, got xmlSuites) {
	t.Helper()
	var all xmlSuite
	for _, suite := range got.Suites {
		var one xmlSuite
		names := make(map[string]bool)
		for _, c := range suite.Cases {
			if names[c.Name] {
				t.Fatalf("two cases %q in %q", c.Name, suite.Name)
			}
			names[c.Name] = true
			one.Tests++
			one.Fails += count(c.Failure)
			one.Errors += count(c.Error)
			one.Skipped += count(c.Skipped)
		}
		if suite.Tests != one.Tests || suite.Fails != one.Fails || suite.Errors != one.Errors || suite.Skipped != one.Skipped || one.Tests == 0 {
			t.Fatalf("suite %q says %+v, counted %+v", suite.Name, suite, one)
		}
		all.Tests, all.Fails, all.Errors, all.Skipped = all.Tests+one.Tests, all.Fails+one.Fails, all.Errors+one.Errors, all.Skipped+one.Skipped
	}
	if got.Tests != all.Tests || got.Fails != all.Fails || got.Errors != all.Errors || got.Skipped != all.Skipped || all.Tests == 0 {
		t.Fatalf("all say %+v, counted %+v", got, all)
	}
	green := all.Fails+all.Errors == 0
	if green && slices.ContainsFunc(s.Subjects, func(s result.Subject) bool { return s.Verdict != result.Pass || len(s.Findings)+len(s.Probes) == 0 }) {
		t.Fatalf("green, though not every subject has earned its pass")
	}
}

func count(r *xmlResult) int {
	if r == nil {
		return 0
	}
	return 1
}

func TestJUnitReadsBack(t *testing.T) {
	for name, suite := range goldens() {
		t.Run(name, func(t *testing.T) {
			got := parseJUnit(t, suite)
			wantJUnitCounts(t, suite, got)
			for _, s := range got.Suites {
				if s.Time != "9.870" || s.Timestamp != "2026-01-02T03:04:05Z" {
					t.Errorf("suite %q took %s from %s", s.Name, s.Time, s.Timestamp)
				}
			}
			var theirs junit.Testsuites
			if err := xml.Unmarshal([]byte(renderText(t, JUnit, suite)), &theirs); err != nil {
				t.Fatal(err)
			}
			want := testsuites(suite)
			theirs.XMLName = xml.Name{}
			if diff := cmp.Diff(want, &theirs); diff != "" {
				t.Errorf("by the library (-written +read):\n%s", diff)
			}
		})
	}
}

func TestJUnitSaysWhatEachRuleCameTo(t *testing.T) {
	got := parseJUnit(t, ruled()).Suites[0]
	if got.Tests != 8 || got.Fails != 1 || got.Errors != 4 || got.Skipped != 1 {
		t.Errorf("counts %+v", got)
	}
	cases := make(map[string]xmlCase)
	for _, c := range got.Cases {
		cases[c.Name] = c
		if c.Class != "moody" {
			t.Errorf("case %q is of %q", c.Name, c.Class)
		}
	}
	for _, name := range []string{"integrity", "integrity, shutdown 1", "integrity, shutdown 2", "integrity, shutdown 2 (2)"} {
		if cases[name].Error == nil {
			t.Errorf("%q is no error", name)
		}
	}
	failure := cases["in-flight-completes"].Failure
	want := "expected: every one is completed\nseen: 25 dropped\nreference: RFC 9112 9.6\n" +
		"evidence: shutdown 3: #1000, #1001, #1002, #1003, #1004, #1005, #1006, #1007, #1008, #1009, " +
		"#1010, #1011, #1012, #1013, #1014, #1015, #1016, #1017, #1018, #1019 and 5 more\n" +
		"It dropped 2 requests.\nWait for Shutdown to return."
	if failure == nil || failure.Message != "25 dropped" || failure.Text != want {
		t.Errorf("failure %+v, want the text\n%s", failure, want)
	}
	if c := cases["announces-close"]; count(c.Failure)+count(c.Error)+count(c.Skipped) > 0 || !strings.Contains(c.Out, "warning: expected: Connection: close") {
		t.Errorf("a warning is %+v", c)
	}
	if cases["no-lost-ack"].Skipped == nil {
		t.Error("what was not exercised is not skipped")
	}
	if c := cases["exits-in-grace"]; count(c.Failure)+count(c.Error)+count(c.Skipped) > 0 || c.Out != "" {
		t.Errorf("a pass is %+v", c)
	}
}

func TestEvidence(t *testing.T) {
	seq := func(n uint32) *uint32 { return &n }
	for want, given := range map[string][]result.Evidence{
		"":                               nil,
		"shutdown 1":                     {{Shutdown: 1}},
		"shutdown 1; shutdown 2":         {{Shutdown: 1}, {Shutdown: 2}},
		"shutdown 2: #0, #18":            {{Shutdown: 2, Seq: seq(0)}, {Shutdown: 2, Seq: seq(18)}},
		"shutdown 1: #3; shutdown 2":     {{Shutdown: 1, Seq: seq(3)}, {Shutdown: 2}},
		"shutdown 1: #3":                 {{Shutdown: 1}, {Shutdown: 1, Seq: seq(3)}},
		"shutdown 1: #3; shutdown 2: #4": {{Shutdown: 1, Seq: seq(3)}, {Shutdown: 2, Seq: seq(4)}},
	} {
		if got := evidence(result.Finding{Evidence: given}, "shutdown"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNothingIsGreenThatWasNotEarned(t *testing.T) {
	notJudged := subject("it", result.Pass)
	notJudged.Findings = []result.Finding{{Rule: "r", Status: result.NotExercised}}
	later := subject("it", result.Pass)
	later.Findings = []result.Finding{{Rule: "r", Status: result.Satisfied}, {Rule: "new", Status: result.Status(9)}}
	earned := subject("it", result.Pass)
	earned.Findings = []result.Finding{{Rule: "r", Status: result.Satisfied}}
	interrupted, unjudged := suiteOf(earned), suiteOf(earned)
	interrupted.Status, unjudged.Status = result.SuiteInterrupted, result.SuiteInconclusive
	for name, suite := range map[string]result.Suite{
		"no subject": suiteOf(), "no finding": passing(), "nothing exercised": suiteOf(notJudged),
		"a fail without a finding": suiteOf(subject("it", result.Fail)), "inconclusive": inconclusive(),
		"a status of a later version": suiteOf(later), "interrupted": interrupted, "an inconclusive suite": unjudged,
	} {
		t.Run(name, func(t *testing.T) {
			if got := parseJUnit(t, suite); got.Fails+got.Errors == 0 {
				t.Errorf("JUnit is green: %+v", got)
			}
			lines := renderText(t, GitHub, suite)
			if !strings.Contains(lines, "::error ") {
				t.Errorf("GitHub is green: %s", lines)
			}
		})
	}
	if got := parseJUnit(t, suiteOf(earned)); got.Fails+got.Errors > 0 {
		t.Errorf("an earned pass is not green: %+v", got)
	}
	if text := renderText(t, Markdown, suiteOf()); !strings.Contains(text, "- **INCONCLUSIVE** No subject was judged.\n") {
		t.Errorf("nothing is green in\n%s", text)
	}
}

// commandLine is how GitHub's runner reads a command, and the only line it may
// read as one.
var commandLine = regexp.MustCompile(`^::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)$`)

func parseGitHub(t fataler, s result.Suite) []annotation {
	t.Helper()
	text := renderText(t, GitHub, s)
	if text == "" {
		return nil
	}
	unescape := strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",")
	var got []annotation
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		parts := commandLine.FindStringSubmatch(line)
		if parts == nil {
			t.Fatalf("%q is no command", line)
		}
		if parts[3] == "" {
			t.Fatalf("%q says nothing", line)
		}
		got = append(got, annotation{parts[1], unescape.Replace(parts[2]), unescape.Replace(parts[3])})
	}
	return got
}

func TestGitHubReadsBack(t *testing.T) {
	for name, suite := range goldens() {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(annotations(suite), parseGitHub(t, suite), cmp.AllowUnexported(annotation{})); diff != "" {
				t.Errorf("(-written +read):\n%s", diff)
			}
		})
	}
}

func TestGitHubEscapes(t *testing.T) {
	if got, want := escapeMessage("50%\r\n::a, b"), "50%25%0D%0A::a, b"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got, want := escapeProperty("50%\r\n::a, b"), "50%25%0D%0A%3A%3Aa%2C b"; got != want {
		t.Errorf("property %q, want %q", got, want)
	}
}

func TestGitHubSaysTheWorstFirst(t *testing.T) {
	var got []string
	for _, a := range parseGitHub(t, ruled()) {
		got = append(got, a.command+" "+a.title)
	}
	want := []string{
		"error moody: in-flight-completes",
		"error moody: integrity, shutdown 1", "error moody: integrity, shutdown 2",
		"error moody: integrity, shutdown 2 (2)", "error moody: integrity",
		"warning moody: announces-close", "warning ./server --port 1: announces-close",
		"notice ./server --port 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAnAnnotationHasTheLastWords: whoever reads the run's page has no terminal.
func TestAnAnnotationHasTheLastWords(t *testing.T) {
	s := failing()
	s.Subjects[0].Details[1].Stderr = []string{"one", "two", "three", "four", "five", "::error::six\r\n" + strings.Repeat("x", 500)}
	got := parseGitHub(t, s)[0].message
	_, words, ok := strings.Cut(got, "\nthe last lines of its stderr, in shutdown 2:\n")
	if lines := strings.Split(words, "\n"); !ok || len(lines) != 6 || lines[0] != "| … 1 line …" || !strings.HasPrefix(lines[5], "| ::error::six··xxx") || columns(lines[5]) > 202 {
		t.Errorf("message:\n%s", got)
	}
	for _, a := range annotations(warned()) {
		if strings.Contains(a.message, "last words") {
			t.Errorf("of one that passes: %+v", a)
		}
	}
}

func TestMarkdownEscapes(t *testing.T) {
	for text, want := range map[string]string{
		"plain words, 103 ms.":   "plain words, 103 ms.",
		"a|b":                    `a\|b`,
		`a\|b`:                   `a\\\|b`,
		"`x` ```":                "\\`x\\` \\`\\`\\`",
		"<b>&amp;":               "&lt;b&gt;&amp;amp;",
		"a\n# b\r\n":             "a·# b··",
		"# a":                    `\# a`,
		"- a":                    `\- a`,
		"+ a":                    `\+ a`,
		"===":                    `\===`,
		"12. a":                  `12\. a`,
		"12) a":                  `12\) a`,
		"    code":               "code",
		"*a* _b_ ~c~":            `\*a\* \_b\_ \~c\~`,
		"![x](https://a.b/c)":    `!\[x\](https\://a.b/c)`,
		"www.a.b":                `www\.a.b`,
		"@all $x$":               "<span>@</span>all <span>$</span>x<span>$</span>",
		"in-flight-completes":    "in-flight-completes",
		"\x1b[31m":               `·\[31m`,
		"shutdown 2: #17, #18":   "shutdown 2: #17, #18",
		"\u202egnp.exe \xff\xfe": "·gnp.exe ··",
	} {
		if got := markdown(text); got != want {
			t.Errorf("markdown(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRepeatCommandIsQuoted(t *testing.T) {
	suite := suiteOf(subject("it's $(x)", result.Pass))
	want := `lastcall compare 'it'\''s $(x)' --scenario steady --seed 7 --policy default --shutdowns 3 --delay 100ms ` +
		`--signal SIGTERM --signal-target leader --grace 10s --rate 500 --method GET --connections mixed --timeout 15s`
	if got := repeatCommand(suite); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	suite.Subjects[0].Kind = "command"
	if got := repeatCommand(suite); got != "" {
		t.Errorf("a command that the suite does not hold is made up: %s", got)
	}
}

// nasty draws what breaks out of lines, cells, elements and commands.
func nasty() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{
			"]]>", "<![CDATA[", "</testcase>", "<b>", "</pre>", "</details>", "&amp;", "&#0;", "\"", "'", "\x00", "\x1b[2J", "\xff\xfe", "\ufffe",
			"\n", "\r", "\r\n", "\u2028", "::error::", "\n::set-env name=A::b", "##[error]", "%0A", "%", ",", ":", "|", "\\", "\\|", "`", "```", "\n```\n",
			"~~~", "# ", "- ", "1. ", "===", "$", "@a", "[x](y)", "   ", "\t", "integrity", "(2)",
		}),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 8), func(b []byte) string { return string(b) }),
	)
	return rapid.Map(rapid.SliceOfN(part, 0, 4), func(parts []string) string { return strings.Join(parts, "") })
}

func drawNasty(t *rapid.T) result.Suite {
	text, texts := nasty(), rapid.SliceOfN(nasty(), 0, 2)
	finding := rapid.Custom(func(t *rapid.T) result.Finding {
		f := result.Finding{
			Rule: rapid.OneOf(rapid.SampledFrom([]string{"integrity", "integrity", "r"}), text).Draw(t, "rule"), Status: result.Status(rapid.IntRange(0, 5).Draw(t, "status")),
			Expected: text.Draw(t, "expected"), Detail: text.Draw(t, "detail"), Reference: text.Draw(t, "reference"),
		}
		for range rapid.IntRange(0, 25).Draw(t, "evidence") {
			e := result.Evidence{Shutdown: rapid.IntRange(1, 2).Draw(t, "shutdown")}
			if rapid.Bool().Draw(t, "request") {
				seq := rapid.Uint32().Draw(t, "seq")
				e.Seq = &seq
			}
			f.Evidence = append(f.Evidence, e)
		}
		return f
	})
	suite := passing()
	suite.Subjects = nil
	for range rapid.IntRange(0, 3).Draw(t, "subjects") {
		s := drawSubject(t)
		s.Name, s.Story, s.Findings = text.Draw(t, "name"), texts.Draw(t, "story"), rapid.SliceOfN(finding, 0, 4).Draw(t, "findings")
		s.Kind = rapid.SampledFrom([]string{"strategy", "command"}).Draw(t, "kind")
		s.Details[0].Stderr = texts.Draw(t, "stderr")
		s.Exits = []result.Exit{{Signal: text.Draw(t, "signal")}}
		suite.Subjects = append(suite.Subjects, s)
	}
	suite.Warnings = texts.Draw(t, "warnings")
	suite.Status = result.Overall(rapid.IntRange(0, 4).Draw(t, "status"))
	suite.Tool.Version, suite.Scenario.Policy, suite.Scenario.Subject.URL = text.Draw(t, "version"), text.Draw(t, "policy"), text.Draw(t, "url")
	suite.Scenario.Disruption.Signal, suite.Scenario.Disruption.Target = text.Draw(t, "signal"), text.Draw(t, "target")
	suite.Scenario.Disruption.While = texts.Draw(t, "while")
	for _, url := range texts.Draw(t, "requests") {
		suite.Scenario.Load.Requests = append(suite.Scenario.Load.Requests, scenario.Target{Method: text.Draw(t, "method"), URL: url})
	}
	return suite
}

func TestHostileWordsNeverBreakTheXML(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		suite := drawNasty(t)
		wantJUnitCounts(t, suite, parseJUnit(t, suite))
	})
}

func TestHostileWordsAreNeverACommand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		suite := drawNasty(t)
		if diff := cmp.Diff(annotations(suite), parseGitHub(t, suite), cmp.AllowUnexported(annotation{})); diff != "" {
			t.Fatalf("(-written +read):\n%s", diff)
		}
	})
}

var (
	ownTags    = regexp.MustCompile(`</?(?:details|summary|pre|span)>`)
	unescaped  = regexp.MustCompile("(?:^|[^\\\\])(?:\\\\\\\\)*([`*_\\[\\]~|])")
	backslash  = regexp.MustCompile("\\\\([!-/:-@\\[-`{-~])")
	spanned    = regexp.MustCompile(`<span>([$@])</span>`)
	wantedBars = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\|`)
)

func TestMarkdownShowsTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := nasty().Draw(t, "text")
		escaped := markdown(text)
		if found := unescaped.FindString(escaped); found != "" || strings.ContainsAny(escaped, "\r\n") {
			t.Fatalf("%q is markup in %q", found, escaped)
		}
		if strings.ContainsAny(spanned.ReplaceAllString(escaped, ""), "<>$@") {
			t.Fatalf("an element in %q", escaped)
		}
		shown := html.UnescapeString(backslash.ReplaceAllString(spanned.ReplaceAllString(escaped, "$1"), "$1"))
		if want := strings.TrimSpace(clean(text)); shown != want {
			t.Fatalf("%q is shown as %q, want %q", escaped, shown, want)
		}
	})
}

// TestHostileWordsNeverBreakTheMarkdown asks that the page has the shape that it
// has with harmless words: as many lines, cells and elements.
func TestHostileWordsNeverBreakTheMarkdown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		suite := drawNasty(t)
		text := renderText(t, Markdown, suite)
		inTable, pre := 0, false
		for line := range strings.SplitSeq(text, "\n") {
			if strings.Contains(ownTags.ReplaceAllString(line, ""), "<") {
				t.Fatalf("a foreign element in %q", line)
			}
			pre = (pre || line == "<pre>") && line != "</pre>"
			bars := len(wantedBars.FindAllString(line, -1))
			switch {
			case pre, strings.HasPrefix(line, "<summary>"): // HTML, where nothing is Markdown
			case !strings.HasPrefix(line, "|"):
				inTable = 0
				if bars > 0 || strings.HasPrefix(line, "```") || strings.HasPrefix(line, "#") && line != "## lastcall" {
					t.Fatalf("line %q", line)
				}
			case inTable == 0:
				inTable = bars
			case bars != inTable:
				t.Fatalf("%d bars instead of %d in %q", bars, inTable, line)
			}
		}
		folds := 0
		for _, subject := range suite.Subjects {
			if len(subject.Findings) > 0 || len(subject.Probes) == 0 {
				folds++
			}
			if len(subject.Probes) > 0 {
				folds++
			}
		}
		for _, tag := range []string{"details", "summary"} {
			opened, closed := strings.Count(text, "<"+tag+">"), strings.Count(text, "</"+tag+">")
			if opened != folds || closed != opened {
				t.Fatalf("%d <%s> and %d </%s> for %d folds", opened, tag, closed, tag, folds)
			}
		}
		if opened, closed := strings.Count(text, "<pre>"), strings.Count(text, "</pre>"); opened != closed {
			t.Fatalf("%d <pre>, %d </pre>", opened, closed)
		}
	})
}

func TestMarkdownSaysTheVerdictsFirst(t *testing.T) {
	want := "## lastcall\n\n" +
		"- **FAIL** naive: SIGTERM found 150 requests in flight, over 3 shutdowns: 150 dropped without a whole answer.\n" +
		"- **PASS** signal-notify\n\n| subject |"
	if text := renderText(t, Markdown, failing()); !strings.HasPrefix(text, want) {
		t.Errorf("it begins otherwise than\n%s:\n%s", want, text)
	}
}
