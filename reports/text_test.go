package reports

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567", -1: "-1", -999: "-999", -1000: "-1,000",
		math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestNumberIsTheNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int().Draw(t, "n")
		text := number(n)
		if back, err := strconv.Atoi(strings.ReplaceAll(text, ",", "")); err != nil || back != n {
			t.Fatalf("number(%d) = %s", n, text)
		}
		if !regexp.MustCompile(`^-?\d{1,3}(,\d{3})*$`).MatchString(text) {
			t.Fatalf("number(%d) = %s is not in groups of three", n, text)
		}
	})
}

func TestBrief(t *testing.T) {
	for n, want := range map[int]string{
		0: "0", 9999: "9,999", 10000: "10k", 12345: "12k", 999499: "999k", 999999: "1.0M", 1234567: "1.2M",
		12345678: "12M", 1234567890: "1.2G", -12345: "-12k", math.MaxInt64: "9.2E",
	} {
		if got := brief(n); got != want {
			t.Errorf("brief(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for s, want := range map[float64]string{
		0: "0 ms", 0.0004: "<1 ms", 0.0012: "1 ms", 0.1604: "160 ms", 0.9994: "999 ms", 0.9996: "1 s", 1: "1 s", 10.04: "10 s", 1.25: "1.2 s", 200: "3 min 20 s", 3600: "1 h", 7500: "2 h 5 min",
	} {
		if got := seconds(s); got != want {
			t.Errorf("seconds(%v) = %q, want %q", s, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"naive", 5, "naive"},
		{"naive", 4, "nai…"},
		{"", 3, ""},
		{"äöüäöü", 3, "äö…"},
		{"漢字漢字", 8, "漢字漢字"}, // each is two columns wide
		{"漢字漢字", 6, "漢字…"},
		{"漢字漢字", 4, "漢…"},
	} {
		if got := shorten(c.text, c.most); got != c.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", c.text, c.most, got, c.want)
		}
	}
}

func TestWrapKeepsEveryWordAndTheWidth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[a-z漢]{1,240}`)).Draw(t, "words")
		wrapped := wrap(strings.Join(words, " "), "  ")
		for line := range strings.SplitSeq(wrapped, "\n") {
			if columns(line) > width || !strings.HasPrefix(line, "  ") {
				t.Fatalf("line %q", line)
			}
		}
		if got, want := squeeze(wrapped), strings.Join(words, ""); got != want {
			t.Fatalf("wrap changed the text: %q, want %q", got, want)
		}
	})
}

// squeeze removes all blanks.
func squeeze(text string) string { return strings.Join(strings.Fields(text), "") }

func TestWrapFillsItsLines(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat("word ", 60))
	lines := strings.Split(wrap(text, "  "), "\n")
	for _, line := range lines[:len(lines)-1] {
		if columns(line)+len(" word") <= width {
			t.Errorf("there was room for one more word in %q", line)
		}
	}
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain words", "Hello, wörld 漢字!", "Hello, wörld 漢字!"},
		{"a tab is a blank", "a\tb", "a b"},
		{"escape sequence", "\x1b[31mred", "·[31mred"},
		{"one-byte escape", "\u009b2J", "·2J"},
		{"line breaks", "a\r\nb\vc", "a··b·c"},
		{"bell, delete, nul", "\a\x7f\x00", "···"},
		{"right-to-left override", "a\u202eb", "a·b"},
		{"line separator", "a\u2028b", "a·b"},
		{"no UTF-8", "a\xffb", "a·b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := clean(c.text); got != c.want {
				t.Errorf("clean(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestCleanTextIsPrintable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, r := range clean(rapid.String().Draw(t, "text")) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q is left", r)
			}
		}
	})
}

// drawCounts draws counts that sum to their total.
func drawCounts(t *rapid.T) history.Counts {
	one := rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(0, 1_000_000_000))
	c := history.Counts{
		Completed: one.Draw(t, "completed"), Rejected: one.Draw(t, "rejected"), Failed: one.Draw(t, "failed"),
		Refused: one.Draw(t, "refused"), Dropped: one.Draw(t, "dropped"), Unsent: one.Draw(t, "unsent"),
	}
	c.Total = c.Completed + c.Rejected + c.Failed + c.Refused + c.Dropped + c.Unsent
	return c
}

func drawExit(t *rapid.T) result.Exit {
	return result.Exit{
		Code:   rapid.IntRange(-1, 255).Draw(t, "code"),
		Signal: rapid.SampledFrom([]string{"", "", "SIGTERM", "SIGVTALRM", "signal 64"}).Draw(t, "signal"),
		Killed: rapid.Bool().Draw(t, "killed"), Count: 1,
	}
}

func drawSubject(t *rapid.T) result.Subject {
	lines := rapid.SliceOfN(rapid.StringN(-1, 200, -1), 0, 3)
	return result.Subject{
		Name:     rapid.StringN(1, 80, -1).Draw(t, "name"),
		Verdict:  rapid.SampledFrom([]result.Verdict{result.Pass, result.Fail, result.Inconclusive}).Draw(t, "verdict"),
		Story:    lines.Draw(t, "story"),
		Requests: drawCounts(t), InFlight: drawCounts(t), Late: drawCounts(t),
		Exits:       rapid.SliceOfN(rapid.Custom(drawExit), 0, 8).Draw(t, "exits"),
		ExitSeconds: result.Spread{Median: rapid.Float64Range(0, 3600).Draw(t, "median")},
		Probes:      rapid.SliceOfN(rapid.Custom(drawProbe), 0, 3).Draw(t, "probes"),
		Shutdowns:   rapid.IntRange(0, 1).Draw(t, "shutdowns"),
		Ledger:      result.Ledger{LostAcks: rapid.IntRange(0, 1_000_000).Draw(t, "lost acks")},
		Details: []result.Detail{{
			Shutdown: 1000, Stderr: lines.Draw(t, "stderr"), Intact: true,
			Parked: []result.Parked{{Held: rapid.IntRange(0, 1).Draw(t, "held"), Cut: rapid.IntRange(0, 1_000_000).Draw(t, "cut")}},
		}},
	}
}

func drawProbe(t *rapid.T) result.Probe {
	text := rapid.StringN(-1, 200, -1)
	return result.Probe{
		Probe: text.Draw(t, "probe"), Variant: text.Draw(t, "variant"),
		Status: result.ProbeStatus(rapid.IntRange(0, 6).Draw(t, "status")), // two of them of a later version
		Seen:   text.Draw(t, "seen"), State: text.Draw(t, "state"), Requirement: text.Draw(t, "requirement"), Remedy: text.Draw(t, "remedy"),
	}
}

func drawSuite(t *rapid.T) result.Suite {
	suite := passing()
	suite.Subjects = rapid.SliceOfN(rapid.Custom(drawSubject), 0, 5).Draw(t, "subjects")
	suite.Warnings = rapid.SliceOfN(rapid.String(), 0, 2).Draw(t, "warnings")
	suite.Status = rapid.SampledFrom([]result.Overall{result.SuitePass, result.SuiteInterrupted}).Draw(t, "status")
	return suite
}

func TestTableIsNeverTooWide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		suite := drawSuite(t)
		var out strings.Builder
		style, most := Style{Matrix: rapid.Bool().Draw(t, "matrix")}, width
		if style.Matrix && probesOnly(suite) {
			most = matrixWidth
		}
		if err := style.Table(&out, suite); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			if columns(line) > most {
				t.Fatalf("%d columns: %q", columns(line), line)
			}
		}
	})
}

func TestOutcomeLineCountsEveryRequestOnce(t *testing.T) {
	numbers := regexp.MustCompile(`[\d,]*\d`)
	rapid.Check(t, func(t *rapid.T) {
		suite := drawSuite(t)
		var got []int
		for _, text := range numbers.FindAllString(outcomes(suite), -1) {
			n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if len(got) != 7 {
			t.Fatalf("%d numbers in %q, want the total and six outcomes", len(got), outcomes(suite))
		}
		want, sum := 0, 0
		for _, s := range suite.Subjects {
			want += s.Requests.Total
		}
		for _, n := range got[1:] {
			sum += n
		}
		if got[0] != want || sum != want {
			t.Fatalf("%q: want a total of %d and outcomes that sum to it, not %d", outcomes(suite), want, sum)
		}
	})
}

func TestEverySubjectHasItsRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		suite := passing()
		suite.Subjects = nil
		for i := range rapid.IntRange(1, 6).Draw(t, "subjects") {
			s := drawSubject(t)
			s.Name, s.Story = fmt.Sprintf("subject-%d", i), nil
			suite.Subjects = append(suite.Subjects, s)
		}
		var out strings.Builder
		if err := (Style{}).comparison(&out, suite); err != nil {
			t.Fatal(err)
		}
		_, below, _ := strings.Cut(out.String(), "─\n") // the rule under the header
		rows := strings.Split(strings.TrimSuffix(below, "\n"), "\n")
		if len(rows) != len(suite.Subjects) {
			t.Fatalf("%d rows for %d subjects:\n%s", len(rows), len(suite.Subjects), out.String())
		}
		for i, s := range suite.Subjects {
			if !strings.HasPrefix(rows[i], " "+s.Name+" ") || !strings.HasSuffix(rows[i], " "+strings.ToUpper(s.Verdict.String())) {
				t.Fatalf("row %q, want %s with %s", rows[i], s.Name, s.Verdict)
			}
		}
	})
}

// TestAUnitStaysWithItsNumber, also at the end of a line.
func TestAUnitStaysWithItsNumber(t *testing.T) {
	for n := range 12 {
		text := wrap(strings.Repeat("x", 88+n)+" after 4 ms, or 1.2 s (of 3 min 20 s)", "  ")
		for _, torn := range []string{"4\n", "1.2\n", "3\n", "20\n"} {
			if strings.Contains(text, torn) {
				t.Errorf("a number and its unit are torn apart:\n%s", text)
			}
		}
	}
}
