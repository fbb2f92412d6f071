package check

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/result"
)

// broke is a subject that violated these rules.
func broke(rules ...string) result.Subject {
	s := result.Subject{Name: "it", Verdict: result.Pass, Shutdowns: 1}
	for i, rule := range rules {
		s.Verdict, s.ShutdownsFailed = result.Fail, 1
		s.Findings = append(s.Findings, result.Finding{Rule: rule, Status: result.Violated, Count: 10 + i})
	}
	return s
}

func TestBrokenRulesAreThoseThatExplainTheRest(t *testing.T) {
	for _, c := range []struct{ rules, want []string }{
		{nil, []string{}},
		{[]string{LateRequestsAnswered}, []string{LateRequestsAnswered}},
		{[]string{InFlightCompletes, LateRequestsAnswered, ExitStatus}, []string{InFlightCompletes, ExitStatus}},
		{[]string{ServesThroughLag, LateRequestsAnswered}, []string{ServesThroughLag}},
		{[]string{ExitsInGrace, LateRequestsAnswered, ClosesCleanly}, []string{ExitsInGrace}},
		{[]string{ServesThroughLag, ClosesCleanly}, []string{ServesThroughLag, ClosesCleanly}},
	} {
		s := broke(c.rules...)
		s.Findings = append(s.Findings, result.Finding{Rule: AnnouncesClose, Status: result.Warned, Count: 3})
		if got := Broken(s); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.rules, got, c.want)
		}
	}
}

func TestExpectationsNameRulesInTheirOrder(t *testing.T) {
	expect := map[string][]string{ExpectPass: {"a"}, ExitStatus: {"b"}, InFlightCompletes: {"c", "b"}}
	for name, want := range map[string][]string{
		"a": {ExpectPass}, "b": {InFlightCompletes, ExitStatus}, "c": {InFlightCompletes}, "d": nil,
	} {
		if diff := cmp.Diff(want, Expected(expect, name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSurprises(t *testing.T) {
	inconclusive := result.Subject{Name: "it", Verdict: result.Inconclusive, Shutdowns: 1}
	pass := []string{ExpectPass}
	for _, c := range []struct {
		name     string
		subject  result.Subject
		expected []string
		want     string
	}{
		{"nothing was expected", broke(ExitStatus), nil, ""},
		{"passes as expected", broke(), pass, ""},
		{"fails as expected", broke(InFlightCompletes, ExitStatus), []string{InFlightCompletes, ExitStatus}, ""},
		{"what comes with it is no news", broke(InFlightCompletes, LateRequestsAnswered), []string{InFlightCompletes}, ""},
		{"a miss", broke(), []string{NoFailed}, "PASS, but FAIL by no-failed was expected"},
		{"a false alarm", broke(NoFailed), pass, "FAIL by no-failed, but PASS was expected"},
		{"another reason", broke(NoFailed), []string{NoLostAck}, "FAIL by no-failed, but FAIL by no-lost-ack was expected"},
		{"one reason too many", broke(NoFailed, ExitStatus), []string{NoFailed}, "FAIL by no-failed and exit-status, but FAIL by no-failed was expected"},
		{"was not judged", inconclusive, pass, "was not judged"},
	} {
		if got := CellOf("s", c.subject, c.expected).Surprise; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestACellCountsWhatExplainsTheRest(t *testing.T) {
	if got := CellOf("s", broke(LateRequestsAnswered, InFlightCompletes), nil).Count; got != 11 {
		t.Errorf("count %d, want that of %s, 11", got, InFlightCompletes)
	}
	s := broke()
	s.Late.Dropped = 2
	if got := CellOf("s", s, nil).Count; got != 2 {
		t.Errorf("a pass with 2 late losses counts %d", got)
	}
}

func TestTwoTriesOfACell(t *testing.T) {
	missed := CellOf("s", broke(), []string{NoLostAck})
	caught := CellOf("s", broke(NoLostAck), []string{NoLostAck})
	unjudged := CellOf("s", result.Subject{Verdict: result.Inconclusive, Shutdowns: 1}, []string{NoLostAck})
	for _, c := range []struct {
		name              string
		first, second     result.Cell
		verdict           result.Verdict
		failed, shutdowns int
	}{
		{"missed, then caught", missed, caught, result.Fail, 1, 2},
		{"caught, then missed", caught, missed, result.Fail, 1, 2},
		{"missed twice", missed, missed, result.Pass, 0, 2},
		{"not judged, then caught", unjudged, caught, result.Fail, 1, 1},
		{"missed, then not judged", missed, unjudged, result.Pass, 0, 1},
		{"never judged", unjudged, unjudged, result.Inconclusive, 0, 1},
	} {
		got := Together(c.first, c.second)
		if got.Verdict != c.verdict || got.Failed != c.failed || got.Shutdowns != c.shutdowns {
			t.Errorf("%s: %s in %d of %d, want %s in %d of %d", c.name, got.Verdict, got.Failed, got.Shutdowns, c.verdict, c.failed, c.shutdowns)
		}
	}
}

func TestTheStatusOfAMatrixIsEarned(t *testing.T) {
	of := func(cells ...result.Cell) result.Matrix { return result.Matrix{Rows: []result.Row{{Cells: cells}}} }
	pass := CellOf("s", broke(), []string{ExpectPass})
	caught := CellOf("s", broke(NoFailed), []string{NoFailed})
	missed := CellOf("s", broke(), []string{NoFailed})
	unjudged := CellOf("s", result.Subject{Verdict: result.Inconclusive}, []string{ExpectPass})
	for _, c := range []struct {
		name                  string
		m                     result.Matrix
		asExpected, allJudged result.Overall
	}{
		{"nothing", of(), result.SuiteInconclusive, result.SuiteInconclusive},
		{"no process", result.Matrix{}, result.SuiteInconclusive, result.SuiteInconclusive},
		{"less than was due", result.Matrix{Rows: []result.Row{{Due: 2, Cells: []result.Cell{pass}}}}, result.SuiteInconclusive, result.SuiteInconclusive},
		{"one passes", of(pass), result.SuitePass, result.SuitePass},
		{"one is caught", of(pass, caught), result.SuitePass, result.SuitePass},
		{"one is missed", of(missed, pass), result.SuiteFail, result.SuitePass},
		{"of one nothing was expected", of(CellOf("s", broke(), nil)), result.SuiteFail, result.SuitePass},
		{"one is not judged", of(pass, unjudged), result.SuiteInconclusive, result.SuiteInconclusive},
		{"one is missed, one not judged", of(unjudged, missed), result.SuiteFail, result.SuiteInconclusive},
	} {
		if got := [...]result.Overall{AsExpected(c.m), AllJudged(c.m)}; got != [...]result.Overall{c.asExpected, c.allJudged} {
			t.Errorf("%s: %v, want %v", c.name, got, [...]result.Overall{c.asExpected, c.allJudged})
		}
	}
}
