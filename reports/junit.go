package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"lastcall/harness/result"
)

// JUnit writes JUnit XML: a testsuite for each subject, a testcase for each
// rule. What failed is a failure, what could not be judged an error, and what
// met nothing to judge is skipped; a warning passes and stands in system-out.
func JUnit(w io.Writer, s result.Suite) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write junit report: %w", err)
	}
	all := testsuites(s)
	if err := all.WriteXML(w); err != nil {
		return fmt.Errorf("write junit report: %w", err)
	}
	return nil
}

func testsuites(s result.Suite) *junit.Testsuites {
	all := &junit.Testsuites{Name: "lastcall", Time: junitSeconds(s.Seconds)}
	if came, why := doubt(s); why != "" {
		whole := emptyTestsuite("lastcall", s)
		whole.AddTestcase(junit.Testcase{
			Name: "result", Classname: "lastcall",
			Error: &junit.Result{Message: why, Type: came, Data: why},
		})
		all.AddSuite(whole)
	}
	for _, subject := range s.Subjects {
		ts := testsuite(subject, s)
		ts.ID = len(all.Suites)
		all.AddSuite(ts)
	}
	return all
}

// emptyTestsuite says under what its cases were judged, so that it can be done
// again. Shutdowns of all subjects are interleaved, so the time of each is the
// time of all.
func emptyTestsuite(name string, s result.Suite) junit.Testsuite {
	ts := junit.Testsuite{Name: name, Time: junitSeconds(s.Seconds)}
	if !s.Started.IsZero() {
		ts.SetTimestamp(s.Started)
	}
	ts.AddProperty("lastcall", clean(s.Tool.Version))
	ts.AddProperty("seed", strconv.FormatUint(s.Seed, 10))
	ts.AddProperty("policy", clean(s.Scenario.Policy))
	ts.AddProperty("conditions", clean(conditions(s)))
	if len(s.Warnings) > 0 {
		ts.SystemOut = &junit.Output{Data: strings.Join(cleanAll(s.Warnings), "\n")}
	}
	return ts
}

func testsuite(subject result.Subject, s result.Suite) junit.Testsuite {
	ts := emptyTestsuite(clean(subject.Name), s)
	for _, f := range findings(subject) {
		ts.AddTestcase(testcase(f, subject))
	}
	if lines, _ := words(subject); len(lines) > 0 {
		ts.SystemErr = &junit.Output{Data: strings.Join(cleanAll(lines), "\n")}
	}
	return ts
}

func testcase(f named, subject result.Subject) junit.Testcase {
	about := explanation(f, occasion(subject))
	outcome := func(lines []string) *junit.Result {
		return &junit.Result{Message: seen(f.Finding), Type: f.Status.String(), Data: strings.Join(lines, "\n")}
	}
	withStory := slices.Concat(about, cleanAll(subject.Story))
	c := junit.Testcase{Name: f.name, Classname: clean(subject.Name)}
	switch f.Status {
	case result.Satisfied:
	case result.Warned:
		c.SystemOut = &junit.Output{Data: "warning: " + strings.Join(about, "\n")}
	case result.NotExercised:
		c.Skipped = outcome(about)
	case result.Violated:
		c.Failure = outcome(withStory)
	case result.Unjudged:
		c.Error = outcome(withStory)
	default: // a status of a later version is never green
		c.Error = outcome(withStory)
	}
	return c
}

func junitSeconds(s float64) string { return strconv.FormatFloat(s, 'f', 3, 64) }
