package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// diffOf is a comparison as harness/check would fill it, with these subjects.
func diffOf(verdict result.Verdict, subjects ...result.SubjectDiff) result.Diff {
	origin := result.Origin{
		Tool:        history.Tool{Version: "v1.2.3"},
		Environment: history.Environment{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26", Kernel: "6.1"},
		Scenario:    scenario.Complete(scenario.Default()), Seed: 7,
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Status: result.SuitePass,
	}
	d := result.Diff{Schema: result.DiffSchema, Old: origin, New: origin, Verdict: verdict, Subjects: subjects, Warnings: []string{}}
	d.New.Scenario.Shutdowns = 1
	d.New.Started = origin.Started.Add(24 * time.Hour)
	return d
}

func shareOf(count, of int) result.Value {
	return result.Value{Share: &result.Share{Count: count, Of: of}}
}

func spreadOf(least, median, most float64) result.Value {
	return result.Value{Seconds: &result.Spread{Min: least, Median: median, Max: most}}
}

func status(s fmt.Stringer) result.Value { return result.Value{Status: s.String()} }

func p(value float64) *float64 { return &value }

func figures(old, latest result.Verdict) []result.Change {
	return []result.Change{
		{Name: "verdict", Direction: result.Same, Old: status(old), New: status(latest)},
		{Name: "lost-in-flight", Direction: result.Same, Old: shareOf(0, 150), New: shareOf(0, 151)},
		{Name: "lost-late", Old: shareOf(2, 4), New: shareOf(1, 6), PRequests: p(0.333), PShutdowns: p(0.5), Detail: "1 of 3 shutdowns that had any lost some, before: 2 of 2: it may be chance"},
		{Name: "shutdowns-failed", Direction: result.Same, Old: shareOf(0, 3), New: shareOf(0, 3)},
		{Name: "exit-time", Direction: result.Same, Old: spreadOf(0.13, 0.138, 0.151), New: spreadOf(0.13, 0.139, 0.999)},
		{Name: "in-flight-completes", Rule: true, Direction: result.Same, Old: status(result.Satisfied), New: status(result.Satisfied)},
		{Name: "announces-close", Rule: true, Old: status(result.NotExercised), New: status(result.NotExercised)},
	}
}

func steadyDiff() result.Diff {
	return diffOf(result.Pass, result.SubjectDiff{Name: "signal-notify", Verdict: result.Pass, InOld: true, InNew: true, Reasons: []string{}, Changes: figures(result.Pass, result.Pass)})
}

// regressed has every direction in it, and a subject that nobody can judge.
func regressed() result.Diff {
	worse := result.SubjectDiff{Name: "signal-notify", Verdict: result.Fail, InOld: true, InNew: true, Reasons: []string{}, Changes: []result.Change{
		{Name: "verdict", Direction: result.Worse, Regression: true, Old: status(result.Pass), New: status(result.Fail), Detail: "it passed, and fails now"},
		{
			Name: "lost-in-flight", Direction: result.Worse, Regression: true, Old: shareOf(0, 150), New: shareOf(149, 1500),
			PRequests: p(1e-30), PShutdowns: p(0.05), Detail: "3 of 3 shutdowns that had any lost some, before: 0 of 3",
		},
		{Name: "exit-time", Direction: result.Better, Old: spreadOf(9.8, 10.04, 10.1), New: spreadOf(0.1, 0.102, 0.2), PShutdowns: p(0.014), Detail: "9.9s shorter in the median"},
		{Name: "in-flight-completes", Rule: true, Direction: result.Worse, Regression: true, Old: status(result.Satisfied), New: status(result.Violated), Detail: "149 of 1500 requests in flight were not completed, in 3 of 3 shutdowns"},
		{Name: "late-requests-answered", Rule: true, Direction: result.Worse, Old: status(result.Violated), New: status(result.Violated), PShutdowns: p(0.01)},
		{Name: "no-survivors", Rule: true, New: status(result.Satisfied), Detail: "the old report was not judged by this rule; now: 3 shutdowns judged, no violation"},
	}}
	unjudged := result.SubjectDiff{Name: "naive", InOld: true, InNew: true, Reasons: []string{"The new report could not judge it: the load ran behind its schedule."}, Changes: []result.Change{
		{Name: "verdict", Old: status(result.Pass), New: status(result.Inconclusive)},
		{Name: "exit-time", Old: spreadOf(0.13, 0.138, 0.151), Detail: "no exit was seen in the new report"},
	}}
	d := diffOf(
		result.Fail, worse, unjudged,
		result.SubjectDiff{Name: "with-cancel", InOld: true, Reasons: []string{"It is missing: the new report does not have it."}, Changes: []result.Change{}},
		result.SubjectDiff{Name: "hurry", InNew: true, Reasons: []string{"It is new: the old report does not have it."}, Changes: []result.Change{}},
	)
	d.Warnings = []string{"the two runs had different conditions, which may explain the differences: shutdowns 1 (was 3), policy strict (was default)"}
	return d
}

func hostileDiff() result.Diff {
	d := regressed()
	for i := range d.Subjects {
		s := &d.Subjects[i]
		s.Name = "\x1b[31mred\x1b[0m\r\nNO REGRESSION\u202egnp.exe<script>|"
		s.Reasons = []string{"It said \x1b]0;title\x07 and | <b>bold</b>, @all.", "\xff\xfe"}
		for j := range s.Changes {
			c := &s.Changes[j]
			c.Name, c.Detail = "~|\x1b[2J`x`"+c.Name, "50%\r\n# no\x00 "+strings.Repeat("long ", 40)
			if c.Old.Status != "" {
				c.Old.Status = "pa\x1bss|"
			}
		}
	}
	d.Warnings = []string{"\x1b[5mblink " + strings.Repeat("x", 250)}
	d.Old.Tool.Version, d.New.Scenario.Policy = "v\x1b[7m<i>", "default\u2028"
	return d
}

func hugeDiff() result.Diff {
	d := steadyDiff()
	s := &d.Subjects[0]
	s.Name = "a-strategy-with-a-name-that-is-far-too-long-for-a-table"
	s.Changes[1].Old, s.Changes[1].New = shareOf(123456789, 1234567890), shareOf(1234567889, 1234567890)
	s.Changes[4].Old, s.Changes[4].New = spreadOf(100000, 123456.7, 234567.8), spreadOf(100000, 123456.7, 234567.8)
	return d
}

func diffs() map[string]result.Diff {
	return map[string]result.Diff{
		"steady": steadyDiff(), "regressed": regressed(), "hostile": hostileDiff(), "huge": hugeDiff(),
		"empty": diffOf(result.Inconclusive),
	}
}

func renderDiff(t fataler, r DiffRenderer, d result.Diff) string {
	t.Helper()
	var out bytes.Buffer
	if err := r(&out, d); err != nil {
		t.Fatalf("render: %v", err)
	}
	return out.String()
}

func TestDiffGoldens(t *testing.T) {
	for name, d := range diffs() {
		for _, f := range DiffFormats(Style{}) {
			t.Run(name+"/"+f.Name, func(t *testing.T) {
				golden(t, filepath.Join("testdata", "diff-"+name+"."+f.Name), renderDiff(t, f.Render, d))
			})
		}
	}
	t.Run("regressed/coloured table", func(t *testing.T) {
		golden(t, "testdata/diff-regressed.coloured.table", renderDiff(t, Style{Color: true}.DiffTable, regressed()))
	})
}

func TestDiffJSONParsesBackEqual(t *testing.T) {
	for name, d := range diffs() {
		if name == "hostile" {
			continue // its bytes that are no UTF-8 cannot survive JSON
		}
		var got result.Diff
		if err := json.Unmarshal([]byte(renderDiff(t, DiffJSON, d)), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, got); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
	}
}

func TestDiffJSONIsSafeInAPage(t *testing.T) {
	if text := renderDiff(t, DiffJSON, hostileDiff()); strings.ContainsAny(text, "<>\x1b\u2028") {
		t.Errorf("markup or control characters in\n%s", text)
	}
}

func TestDiffColourIsOnlyColour(t *testing.T) {
	for name, d := range diffs() {
		plain, coloured := renderDiff(t, Style{}.DiffTable, d), renderDiff(t, Style{Color: true}.DiffTable, d)
		if strings.Contains(plain, "\x1b") || !strings.Contains(coloured, "\x1b[") {
			t.Errorf("%s: colour where none was asked for, or none where it was", name)
		}
		for _, code := range []string{green, red, yellow, "\x1b[0m"} {
			coloured = strings.ReplaceAll(coloured, code, "")
		}
		if diff := cmp.Diff(plain, coloured); diff != "" {
			t.Errorf("%s: colour changes more than the colour (-plain +coloured):\n%s", name, diff)
		}
	}
}

func TestDirectionsAreWords(t *testing.T) {
	for direction, word := range map[result.Direction]string{
		result.CannotTell: "~", result.Same: "same", result.Better: "better", result.Worse: "worse",
	} {
		d := steadyDiff()
		d.Subjects[0].Changes[1].Direction = direction
		text := renderDiff(t, Style{}.DiffTable, d)
		if row := lineWith(t, text, "   lost-in-flight "); !strings.HasSuffix(row, "  "+word) {
			t.Errorf("row %q does not end with %s", row, word)
		}
	}
	for verdict, words := range map[result.Verdict]string{
		result.Pass: "NO REGRESSION", result.Fail: "REGRESSION", result.Inconclusive: "CANNOT BE JUDGED",
	} {
		d := steadyDiff()
		d.Subjects[0].Verdict = verdict
		if want := "\nsignal-notify: " + words + "\n"; !strings.Contains(renderDiff(t, Style{}.DiffTable, d), want) {
			t.Errorf("the table does not say %q", want)
		}
		if want := "\n- **" + words + "** signal-notify\n"; !strings.Contains(renderDiff(t, DiffMarkdown, d), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestSpan(t *testing.T) {
	for want, s := range map[string]result.Spread{
		"138 ms (130-151)":  {Min: 0.13, Median: 0.1384, Max: 0.1509},
		"0 ms (0-0)":        {},
		"999 ms (999-999)":  {Min: 0.999, Median: 0.9994, Max: 0.99949},
		"1.0 s (0.1-1.0)":   {Min: 0.1, Median: 0.9996, Max: 0.9996},
		"10.0 s (0.0-12.3)": {Min: 0.001, Median: 10.04, Max: 12.34},
	} {
		if got := span(s); got != want {
			t.Errorf("%+v is %q, want %q", s, got, want)
		}
	}
}

func TestChance(t *testing.T) {
	for want, value := range map[string]*float64{
		"": nil, "<0.001": p(0.0004), "0.001": p(0.0006), "0.050": p(0.05), "1.000": p(1),
	} {
		if got := chance(value); got != want {
			t.Errorf("%v is %q, want %q", value, got, want)
		}
	}
}

func TestADiffWriterThatFailsIsNotHidden(t *testing.T) {
	for _, f := range DiffFormats(Style{}) {
		for _, room := range []int{0, 100} {
			if err := f.Render(&tornPipe{room}, regressed()); !errors.Is(err, errTorn) {
				t.Errorf("%s with room for %d bytes: error %v, want %v", f.Name, room, err, errTorn)
			}
		}
	}
}

func TestDiffFormatsAreFormatsToo(t *testing.T) {
	for _, name := range DiffNames() {
		if !slices.Contains(Names(), name) {
			t.Errorf("%s is a format of comparisons alone: --report would mean two things", name)
		}
	}
	for _, f := range DiffFormats(Style{}) {
		if f.Name == "" || f.Summary == "" || f.Render == nil {
			t.Errorf("%+v", f)
		}
	}
}

// drawDiff is any comparison, with words that break out of lines and cells.
func drawDiff(t *rapid.T) result.Diff {
	text, texts := nasty(), rapid.SliceOfN(nasty(), 0, 2)
	value := rapid.Custom(func(t *rapid.T) result.Value {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return result.Value{Status: text.Draw(t, "status")}
		case 1:
			return shareOf(rapid.IntRange(0, 1e12).Draw(t, "count"), rapid.IntRange(0, 1e12).Draw(t, "of"))
		case 2:
			return spreadOf(rapid.Float64Range(0, 1e9).Draw(t, "min"), rapid.Float64Range(0, 1e9).Draw(t, "median"), rapid.Float64Range(0, 1e9).Draw(t, "max"))
		}
		return result.Value{}
	})
	change := rapid.Custom(func(t *rapid.T) result.Change {
		return result.Change{
			Name: text.Draw(t, "name"), Rule: rapid.Bool().Draw(t, "rule"), Direction: result.Direction(rapid.IntRange(0, 3).Draw(t, "direction")),
			Old: value.Draw(t, "old"), New: value.Draw(t, "new"), Detail: text.Draw(t, "detail"),
			PRequests: p(rapid.Float64Range(0, 1).Draw(t, "p")), PShutdowns: nil,
		}
	})
	subject := rapid.Custom(func(t *rapid.T) result.SubjectDiff {
		return result.SubjectDiff{
			Name: text.Draw(t, "subject"), Verdict: result.Verdict(rapid.IntRange(0, 2).Draw(t, "verdict")), InOld: rapid.Bool().Draw(t, "old"), InNew: rapid.Bool().Draw(t, "new"),
			Reasons: texts.Draw(t, "reasons"), Changes: rapid.SliceOfN(change, 0, 4).Draw(t, "changes"),
		}
	})
	d := diffOf(result.Fail, rapid.SliceOfN(subject, 0, 3).Draw(t, "subjects")...)
	d.Warnings = texts.Draw(t, "warnings")
	d.Old.Tool.Version, d.Old.Scenario.Policy = text.Draw(t, "version"), text.Draw(t, "policy")
	return d
}

func TestDiffTableIsNeverTooWideNorObeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := renderDiff(t, Style{}.DiffTable, drawDiff(t))
		if strings.ContainsAny(text, "\x1b\r\x07\u2028") {
			t.Fatalf("control characters in %q", text)
		}
		for line := range strings.SplitSeq(text, "\n") {
			if columns(line) > width {
				t.Fatalf("%d columns in %q", columns(line), line)
			}
		}
	})
}

// TestHostileWordsNeverBreakTheDiffPage asks that every line is of its kind, and
// every row of the table as wide as its header.
func TestHostileWordsNeverBreakTheDiffPage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const bars = 8 // around seven cells
		for line := range strings.SplitSeq(renderDiff(t, DiffMarkdown, drawDiff(t)), "\n") {
			got := len(wantedBars.FindAllString(line, -1))
			switch {
			case strings.Contains(ownTags.ReplaceAllString(line, ""), "<"):
				t.Fatalf("a foreign element in %q", line)
			case strings.HasPrefix(line, "|") && got != bars, !strings.HasPrefix(line, "|") && got > 0:
				t.Fatalf("%d bars in %q", got, line)
			case strings.HasPrefix(line, "```"), strings.HasPrefix(line, "#") && line != "## lastcall diff":
				t.Fatalf("line %q", line)
			}
		}
	})
}
