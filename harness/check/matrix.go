package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/result"
)

// ExpectPass is what a scenario calls the strategies that it expects to pass.
const ExpectPass = "pass"

// Expected returns what a scenario's expectations say of a subject: the rules that
// it breaks, in their order, or ExpectPass alone. It is nil if they say nothing.
func Expected(expect map[string][]string, subject string) []string {
	if slices.Contains(expect[ExpectPass], subject) {
		return []string{ExpectPass}
	}
	var rules []string
	for _, rule := range RuleNames() {
		if slices.Contains(expect[rule], subject) {
			rules = append(rules, rule)
		}
	}
	return rules
}

// CellOf sums up how a subject did in a scenario, and how that differs from what
// was expected of it.
func CellOf(scenario string, s result.Subject, expected []string) result.Cell {
	c := result.Cell{
		Scenario: scenario, Verdict: s.Verdict, Broken: Broken(s), Expected: expected,
		Shutdowns: s.Shutdowns, Failed: s.ShutdownsFailed, Count: s.InFlight.Dropped + s.LateOrEdge().Dropped,
	}
	if len(c.Broken) > 0 {
		first := slices.IndexFunc(s.Findings, func(f result.Finding) bool { return f.Rule == c.Broken[0] })
		c.Count = s.Findings[first].Count
	}
	if len(s.Story) > 0 {
		c.Why = s.Story[0]
	}
	c.Surprise = surprise(c)
	return c
}

// surprise says how a cell differs from what was expected, or "". Nothing
// expected is no surprise.
func surprise(c result.Cell) string {
	broken := c.Broken
	switch {
	case c.Expected == nil:
		return ""
	case c.Verdict == result.Inconclusive:
		return "was not judged"
	case c.Verdict == result.Pass:
		broken = []string{ExpectPass}
	}
	if slices.Equal(broken, c.Expected) {
		return ""
	}
	return fmt.Sprintf("%s, but %s was expected", byWhich(broken), byWhich(c.Expected))
}

func byWhich(rules []string) string {
	if slices.Equal(rules, []string{ExpectPass}) {
		return "PASS"
	}
	return "FAIL by " + strings.Join(rules, " and ")
}

// AsExpected returns the status of a matrix that is to be as expected: Fail if any
// cell that could be judged is not, or nothing was expected of it, Inconclusive if
// any was not judged or a subject has none, else Pass.
func AsExpected(m result.Matrix) result.Overall {
	return statusOf(m, func(c result.Cell) bool { return c.Expected != nil && c.Surprise == "" })
}

// AllJudged returns the status of a matrix whose verdicts are its result.
func AllJudged(m result.Matrix) result.Overall {
	return statusOf(m, func(result.Cell) bool { return true })
}

func statusOf(m result.Matrix, right func(result.Cell) bool) result.Overall {
	status := result.SuitePass
	for _, row := range m.Rows {
		if len(row.Cells) == 0 || len(row.Cells) < row.Due { // it was not put through all of them
			status = result.SuiteInconclusive
		}
		for _, c := range row.Cells {
			switch {
			case c.Verdict == result.Inconclusive:
				status = result.SuiteInconclusive
			case !right(c):
				return result.SuiteFail
			}
		}
	}
	if len(m.Rows) == 0 {
		return result.SuiteInconclusive
	}
	return status
}

// Together sums up two tries of one cell. One that was judged comes before one that
// could not be, and then the one that is as expected: a bug that shows in one try is
// there.
func Together(first, second result.Cell) result.Cell {
	sum, other := second, first
	if better(first, second) {
		sum, other = first, second
	}
	if other.Verdict != result.Inconclusive {
		sum.Shutdowns += other.Shutdowns
		sum.Failed += other.Failed
	}
	return sum
}

func better(a, b result.Cell) bool {
	if judged := a.Verdict != result.Inconclusive; judged != (b.Verdict != result.Inconclusive) {
		return judged
	}
	return a.Surprise == "" && b.Surprise != ""
}
