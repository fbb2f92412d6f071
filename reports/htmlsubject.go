package reports

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/reports/picture"
)

// pageSubject is what the page says of one subject.
type pageSubject struct {
	ID, Name, Class, Icon, Verdict string
	Card                           string // the verdict, in the words of the card
	Headline, Why                  string
	Sentence                       bool // the headline is one of its own
	Share                          *drawn
	ShareText                      string
	Cells                          []pageCell
	Swim                           *pageSwim
	Bars, Exits, Latency           *drawn
	ExitText, LatencyText          string
	Told                           []string
	Remedy, Cure                   string // the cure is the remedy in the card: for who did not simply pass
	Strip                          string
	Broken, Kept                   []pageRule
	Words                          *pageWords
	Loaded                         bool // it was put under load
	Probes                         []pageProbe
	ProbeCounts, MoreProbes        string
}

type pageWords struct {
	Where string
	Lines []string
	Open  bool // where nothing else says what is wrong
}

func newPageSubject(i int, s result.Subject, all []column, p picture.Picture) pageSubject {
	drawing := p.Subjects[i]
	one := pageSubject{
		ID: subjectID(i), Name: shorten(clean(bounded(s.Name)), maxName), Class: s.Verdict.String(), Icon: icon(s.Verdict),
		Verdict: Style{}.verdict(s.Verdict), Headline: headline(s), Why: why(s), ShareText: shareText(s),
		Cells: cells(all, s), Strip: "", ExitText: exitText(s), LatencyText: latencyText(s),
	}
	if s.InFlight.Total > 0 {
		one.Share = show(picture.DrawShare(s.InFlight), "")
	}
	if drawing.Swimlane != nil {
		one.Swim = newPageSwim(one.Name, s, drawing.Swimlane)
		one.Bars = show(p.DrawBuckets(drawing, true), one.Name+": how its requests ended over time. The counts are in the table above.")
		one.Latency = show(p.DrawLatency(drawing), "")
		if len(drawing.Exits) > 0 {
			one.Exits = show(p.DrawExits(drawing), "")
		}
	} else {
		one.Strip = strings.Join(timelineLines(s), "\n")
	}
	one.Loaded = loaded(s)
	if one.Probes = pageProbes(one.ID, s); len(one.Probes) > 0 {
		one.ProbeCounts = probeCounts(s)
		if more := len(s.Probes) - len(one.Probes); more > 0 {
			one.MoreProbes = fmt.Sprintf("And %s more; --report json has all of them.", number(more))
		}
	}
	if !one.Loaded {
		one.onlyProbed(s)
	}
	one.Sentence = one.Sentence || len(s.Story) > 0 && one.Headline == short(s.Story[0])
	one.Told, one.Remedy = told(s)
	one.Card = one.Verdict
	if besides(s) {
		one.Card, one.Class, one.Icon = one.Verdict+withWarning, "warned", "!"
	}
	if (s.Verdict != result.Pass || besides(s)) && one.Remedy != one.Why {
		one.Cure = one.Remedy
	}
	one.Broken, one.Kept = pageRules(s, drawing.Swimlane)
	if lines, shutdown := words(s); len(lines) > 0 && s.Verdict != result.Pass {
		one.Words = &pageWords{fmt.Sprintf("%s %d", occasion(s), shutdown), shortAll(lines), s.Verdict == result.Inconclusive}
	}
	return one
}

func icon(v result.Verdict) string {
	return map[result.Verdict]string{result.Pass: "✓", result.Fail: "✕", result.Inconclusive: "?"}[v]
}

// headline says in a few words what became of the requests in flight, whatever
// the verdict: a known failure that is no regression is still one. If nothing did,
// it is what the story begins with.
func headline(s result.Subject) string {
	c := s.InFlight
	switch {
	case s.Verdict == result.Inconclusive:
		return "could not be judged."
	case c.Dropped > 0 && c.Dropped >= c.Rejected && c.Dropped >= c.Failed:
		return "dropped " + inFlight(c.Dropped, c.Total)
	case c.Rejected > 0 && c.Rejected >= c.Failed:
		return "rejected " + inFlight(c.Rejected, c.Total)
	case c.Failed > 0:
		return "gave a wrong answer to " + inFlight(c.Failed, c.Total)
	case s.Verdict == result.Fail && len(s.Story) > 1:
		return short(s.Story[0])
	case s.Verdict == result.Fail:
		return "broke a rule: " + strings.Join(violated(s), ", ") + "."
	case c.Total == 0:
		return "had no request in flight."
	}
	return "completed " + inFlight(c.Completed, c.Total)
}

// inFlight are that many of the requests in flight.
func inFlight(n, total int) string {
	switch {
	case total == 1 && n == 1:
		return "the one request in flight."
	case n == total:
		return fmt.Sprintf("all %s requests in flight.", number(total))
	}
	return fmt.Sprintf("%s of the %s requests in flight.", number(n), number(total))
}

func violated(s result.Subject) []string {
	var rules []string
	for _, f := range findings(s) {
		if f.Status == result.Violated && len(rules) < 3 {
			rules = append(rules, short(f.name))
		}
	}
	return rules
}

// why is the cause, which the story tells after what happened.
func why(s result.Subject) string {
	switch {
	case len(s.Story) == 0:
		return ""
	case s.Verdict == result.Fail && len(s.Story) > 1:
		return short(s.Story[1])
	}
	return short(s.Story[0])
}

func shareText(s result.Subject) string {
	if s.InFlight.Total == 0 {
		return "nothing in flight"
	}
	return fmt.Sprintf("completed %s of %s in flight", number(s.InFlight.Completed), number(s.InFlight.Total))
}

// told splits a story into what happened, and what would help.
func told(s result.Subject) (what []string, remedy string) {
	story := slices.DeleteFunc(slices.Clone(s.Story), func(sentence string) bool { return sentence == s.Remedy })
	return shortAll(story), short(s.Remedy)
}

func exitText(s result.Subject) string {
	e := s.ExitSeconds
	if len(s.Exits) == 0 {
		return "no exit was seen"
	}
	if s.Shutdowns == 1 || e.Min == e.Max {
		return seconds(e.Median)
	}
	return fmt.Sprintf("%s; %s to %s", seconds(e.Median), seconds(e.Min), seconds(e.Max))
}

// latencyText are the quantiles of the suite, which are of all completed requests.
func latencyText(s result.Subject) string {
	l := s.LatencyMS
	return fmt.Sprintf("p50 %s, p99 %s", seconds(l.P50/1000), seconds(l.P99/1000))
}

// wrongly are the outcomes that a lane is walked to by.
func wrongly(o history.Outcome) bool {
	return o == history.Dropped || o == history.Rejected || o == history.Failed
}
