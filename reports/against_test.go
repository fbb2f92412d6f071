package reports

import (
	"slices"
	"strings"
	"testing"

	"lastcall/harness/result"
)

// since is a comparison of naive in which its one violated rule was so before.
func since(verdict result.Verdict, before result.Status, regression bool, reasons ...string) result.Diff {
	return diffOf(verdict, result.SubjectDiff{
		Name: "naive", Verdict: verdict, InOld: true, InNew: true, Reasons: reasons,
		Changes: []result.Change{
			{Name: "verdict", Regression: regression, Old: status(result.Fail), New: status(result.Fail)},
			{Name: "in-flight-completes", Rule: true, Regression: regression, Old: status(before), New: status(result.Violated), Detail: "150 dropped"},
		},
	}, result.SubjectDiff{Name: "signal-notify", Verdict: result.Pass, InOld: true, InNew: true})
}

// TestMachinesAreToldWhatTheExitCodeSays: a run without a regression has no
// failure in it, one with a regression has, and one that cannot be compared is an
// error and no failure.
func TestMachinesAreToldWhatTheExitCodeSays(t *testing.T) {
	for _, c := range []struct {
		name          string
		diff          result.Diff
		fails, errors int
		worst, says   string
	}{
		{"known", since(result.Pass, result.Violated, false), 0, 0, "warning", "known from the baseline: 150 dropped"},
		{"regression", since(result.Fail, result.Satisfied, true), 2, 0, "error", "regression: verdict: fail, was fail; in-flight-completes: 150 dropped"},
		{"a regression beside what is known", func() result.Diff {
			d := since(result.Fail, result.Violated, false)
			d.Subjects[0].Changes[0].Regression = true
			return d
		}(), 1, 0, "error", "known from the baseline: 150 dropped"},
		{"nobody can tell", since(result.Inconclusive, result.NotExercised, false, "It was not judged."), 0, 2, "error", "cannot be judged: It was not judged."},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := against(failing(), c.diff)
			got := parseJUnit(t, s)
			wantJUnitCounts(t, s, got)
			if got.Fails != c.fails || got.Errors != c.errors {
				t.Errorf("%d failures, %d errors, want %d and %d", got.Fails, got.Errors, c.fails, c.errors)
			}
			all := parseGitHub(t, s)
			if all[0].command != c.worst {
				t.Errorf("the worst is %+v", all[0])
			}
			if !slices.ContainsFunc(all, func(a annotation) bool { return strings.Contains(a.message, c.says) }) {
				t.Errorf("nobody says %q in %+v", c.says, all)
			}
		})
	}
	if failing().Subjects[0].Findings[0].Status != result.Violated || failing().Subjects[0].Verdict != result.Fail {
		t.Error("the suite itself was changed")
	}
}

// TestWhatIsGoneOrNewIsNotGreen asks for an error where one side is missing.
func TestWhatIsGoneOrNewIsNotGreen(t *testing.T) {
	d := diffOf(
		result.Inconclusive,
		result.SubjectDiff{Name: "with-cancel", InOld: true, Reasons: []string{"It is gone."}},
		result.SubjectDiff{Name: "signal-notify", InNew: true, Reasons: []string{"It is new."}},
	)
	got := parseJUnit(t, against(passing(), d))
	if got.Fails != 0 || got.Errors != 2 || len(got.Suites) != 2 {
		t.Errorf("%+v", got)
	}
}

// TestEveryFormatKnowsOfTheBaseline asks that people see what was measured and
// what it was compared with, and that JSON stays as measured.
func TestEveryFormatKnowsOfTheBaseline(t *testing.T) {
	d := since(result.Pass, result.Violated, false)
	for _, f := range Against(Style{}, d) {
		got := renderText(t, f.Render, failing())
		switch f.Name {
		case "table":
			want := renderText(t, Style{}.Table, failing()) + "\nAgainst the baseline:\n\n" + renderDiff(t, Style{}.DiffTable, d)
			if got != want {
				t.Errorf("table:\n%s", got)
			}
		case "markdown":
			if !strings.HasPrefix(got, renderText(t, Markdown, failing())) || !strings.HasSuffix(got, renderDiff(t, DiffMarkdown, d)) ||
				!strings.Contains(got, "Against the baseline: **NO REGRESSION**") {
				t.Errorf("markdown:\n%s", got)
			}
		case "json":
			if got != renderText(t, JSON, failing()) {
				t.Errorf("the JSON is not as measured:\n%s", got)
			}
		case "svg":
			if got != renderText(t, Style{}.SVG, failing()) {
				t.Errorf("the drawing is not as measured:\n%s", got)
			}
		case "html":
			for _, want := range []string{"<strong>NO REGRESSION</strong>", "</span> FAIL</strong>", `id="baseline"`} {
				if !strings.Contains(got, want) {
					t.Errorf("html: %s is missing in\n%s", want, got)
				}
			}
		case "github", "junit":
			if !strings.Contains(got, "known from the baseline") {
				t.Errorf("%s:\n%s", f.Name, got)
			}
		default:
			t.Errorf("the format %s is not tested", f.Name)
		}
	}
}
