package reports

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestHostilePage: whatever a server calls itself or says, it is text.
func TestHostilePage(t *testing.T) {
	const evil = `</script><script>alert(1)</script><img src=x onerror=alert(1)> "'&{{.}} ]]>`
	suite := failing()
	s := &suite.Subjects[0]
	s.Name = evil
	s.Story = []string{evil, evil + strings.Repeat(" and on", 200_000), evil}
	s.Findings[0].Rule, s.Findings[0].Detail, s.Findings[0].Expected, s.Findings[0].Reference = evil, evil, evil, evil
	s.Exits[0].Signal = evil
	s.Details[1].Stderr = []string{evil, strings.Repeat("x", 1<<20)}
	suite.Warnings = slices.Repeat([]string{evil}, 500)
	suite.Scenario.Name, suite.Scenario.Purpose, suite.Environment.Kernel, suite.Tool.Version = evil, evil, evil, evil
	suite.Scenario.Disruption.Signal = evil
	h := recorded(evil, 1, 50, history.Dropped)
	h.Signal.Name, h.Header.Scenario.Load.Method, h.Methods = evil, evil, []string{evil}
	h.Events = append(h.Events, history.Event{Name: evil, At: h.Signal.Before})
	text, page := pageOf(t, suite, []*history.History{h})
	if n := len(all(page, called("script"))); n != 2 {
		t.Errorf("%d scripts, want the page's and the data of one swimlane", n)
	}
	if len(all(page, called("img"))) != 0 || !strings.Contains(textOf(page), "<img src=x onerror=alert(1)>") {
		t.Error("a name is markup, or is not there")
	}
	if len(text) > 400_000 {
		t.Errorf("%d bytes: long texts are not shortened", len(text))
	}
	svg := render(t, Style{Histories: []*history.History{h}}.SVG, suite)
	if strings.Contains(svg, "<script") || strings.Contains(svg, "<img") {
		t.Error("a name is markup in the drawing that stands alone")
	}
}

// TestPageStaysSmall: twenty subjects with as much as there may be of everything.
func TestPageStaysSmall(t *testing.T) {
	var subjects []result.Subject
	var histories []*history.History
	for i := range 20 {
		s := failing().Subjects[0]
		s.Name = fmt.Sprintf("subject-%d", i)
		for range 100 {
			f := s.Findings[0]
			f.Detail = strings.Repeat("again and ", 1000)
			s.Findings = append(s.Findings, f)
		}
		subjects = append(subjects, s)
		histories = append(histories, recorded(s.Name, 1, 4000, history.Dropped))
		for n := range 200 {
			one := recorded(s.Name, n+2, 1, history.Completed)
			one.Exit.At += time.Duration(n) * time.Millisecond
			histories = append(histories, one)
		}
	}
	text, page := pageOf(t, suiteOf(subjects...), histories)
	if len(text) > 2_000_000 {
		t.Errorf("%d bytes", len(text))
	}
	if findings := textOf(byID(t, page, "findings")); !strings.Contains(findings, "76 more seen --report json has all of them") {
		t.Error("it does not say that findings are left out")
	}
	caption := textOf(all(page, called("figcaption"))[0])
	for _, want := range []string{"500 lines", "A sample", "Lost requests come first"} {
		if !strings.Contains(caption, want) {
			t.Errorf("%q does not say %q", caption, want)
		}
	}
}

// TestHeadlines: each is true of its numbers.
func TestHeadlines(t *testing.T) {
	of := func(v result.Verdict, c history.Counts, late history.Counts) result.Subject {
		s := subject("it", v)
		s.InFlight, s.Late = c, late
		return s
	}
	broken := of(result.Fail, history.Counts{Total: 9, Completed: 9}, history.Counts{})
	broken.Findings = []result.Finding{{Rule: "exit-status", Status: result.Violated}, {Rule: "no-failed", Status: result.Satisfied}}
	overdue := broken
	overdue.Story = []string{"It was killed.", "It waits for what never ends."}
	for want, s := range map[string]result.Subject{
		"dropped 1,100 of the 1,200 requests in flight.":        of(result.Fail, history.Counts{Total: 1200, Completed: 100, Dropped: 1100}, history.Counts{}),
		"rejected 7 of the 9 requests in flight.":               of(result.Fail, history.Counts{Total: 9, Rejected: 7, Dropped: 1, Completed: 1}, history.Counts{}),
		"gave a wrong answer to 7 of the 9 requests in flight.": of(result.Fail, history.Counts{Total: 9, Failed: 7, Rejected: 1, Dropped: 1}, history.Counts{}),
		"It was killed.":                           overdue,
		"broke a rule: exit-status.":               broken,
		"completed the one request in flight.":     of(result.Pass, history.Counts{Total: 1, Completed: 1}, history.Counts{}),
		"could not be judged.":                     of(result.Inconclusive, history.Counts{Total: 9, Dropped: 9}, history.Counts{}),
		"completed all 9 requests in flight.":      of(result.Pass, history.Counts{Total: 9, Completed: 9}, history.Counts{Dropped: 2}),
		"dropped 2 of the 9 requests in flight.":   of(result.Pass, history.Counts{Total: 9, Completed: 7, Dropped: 2}, history.Counts{}), // known from a baseline
		"completed 8 of the 9 requests in flight.": of(result.Pass, history.Counts{Total: 9, Completed: 8, Refused: 1}, history.Counts{}),
		"had no request in flight.":                of(result.Pass, history.Counts{}, history.Counts{}),
	} {
		if got := headline(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
