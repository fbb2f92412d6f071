package reports

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/reports/picture"
)

// What came from a server is cut to so many columns: a page must stay one that a
// browser opens.
const (
	maxName     = 60
	maxSentence = 500
	maxListed   = 25 // of what there may be any number of
)

// page is what the template prints.
type page struct {
	Policy, Title         string
	Style                 template.CSS
	Script                template.JS
	Symbols               template.HTML
	Phrases               phrases
	Conditions            string
	Doubt                 *pageDoubt
	Baseline              *pageBaseline
	Noun, Outcomes        string
	Head                  pageHead
	Warnings              []string
	Subjects              []pageSubject
	Loaded, Probed        bool // a subject was put under load, and one was probed
	Matrix                *pageMatrix
	Missing               string // whose histories, in a sentence
	Lanes, Exited         bool   // a subject has some, and one did
	Columns               string // of swimlanes beside each other
	Legend, BarLegend     []pageLegend
	Width                 string // of a bucket
	ExitAxis, LatencyAxis *drawn
	Facts                 []pageFact
	Command               string
	Same                  string // the flags that make a user's command the same run
}

type (
	pageDoubt  struct{ Class, Word, Why string }
	pageLegend struct{ Class, Text string }
	pageFact   struct{ Name, Text string }
)

func newPage(s result.Suite, histories []*history.History) (page, error) {
	sheet, script, err := assets()
	if err != nil {
		return page{}, err
	}
	drawings := picture.Of(s, histories)
	p := page{
		Policy: policy(sheet, script), Title: title(s), Style: template.CSS(sheet), Script: template.JS(script),
		Symbols: picture.Symbols, Phrases: phrasesOf(s), Conditions: short(conditions(s)), Noun: noun(s), Outcomes: outcomes(s),
		Warnings: shortAll(s.Warnings), Facts: facts(s), Command: short(repeatCommand(s)), Same: sameFlags(s),
		Loaded: !probesOnly(s), Matrix: newPageMatrix(s),
		Width: picture.Brief(drawings.Width), Columns: beside(len(s.Subjects) - onlyProbedOf(s)), Missing: missing(s, drawings), Legend: laneLegends(drawings), BarLegend: barLegends(drawings),
		ExitAxis: show(drawings.Exits.DrawAxis(), ""), LatencyAxis: show(drawings.Latency.DrawAxis(), ""),
	}
	if came, why := doubt(s); why != "" {
		p.Doubt = &pageDoubt{Class: came, Word: strings.ToUpper(came), Why: why}
	}
	all := Style{}.columnsOf(s)
	p.Head = headOf(all)
	for i, subject := range s.Subjects {
		one := newPageSubject(i, subject, all, drawings)
		p.Subjects = append(p.Subjects, one)
		p.Lanes = p.Lanes || one.Swim != nil
		p.Exited = p.Exited || one.Exits != nil
		p.Probed = p.Probed || len(one.Probes) > 0
	}
	return p, nil
}

// assets are the page's style and its script.
func assets() (sheet, script string, err error) {
	for _, name := range []string{"marks.css", "page.css", "probes.css"} {
		text, err := asset(name)
		if err != nil {
			return "", "", err
		}
		sheet += text
	}
	script, err = asset("page.js")
	return sheet, script, err
}

// phrases are the words that differ with what a server was put through.
type phrases struct {
	Question string
	Moment   string // what the drawings are aligned on
	Span     string // what is shaded in them
	End      string // of what is shaded
	Occasion string // what was repeated
}

func phrasesOf(s result.Suite) phrases {
	if len(s.Scenario.Disruption.While) > 0 {
		return phrases{"Does it lose requests while it promises to stay up?", "the command", "while the command ran", "its end, the last of all runs", "run"}
	}
	return phrases{"Does it lose requests when it is told to stop?", "the signal", "from the signal to the exit", "the exit, the last of all shutdowns", "shutdown"}
}

// beside is how many swimlanes stand beside each other where there is room: such
// that none is left alone.
func beside(subjects int) string {
	switch {
	case subjects == 1:
		return "one"
	case subjects == 2, subjects == 4:
		return "two"
	}
	return "three"
}

// title is the page's name in a list of tabs.
func title(s result.Suite) string {
	var names []string
	for _, subject := range s.Subjects[:min(len(s.Subjects), 3)] {
		names = append(names, shorten(clean(subject.Name), 20)+" "+Style{}.verdict(subject.Verdict))
	}
	return strings.Join(append(names, "lastcall"), " · ")
}

// missing says whose requests cannot be drawn, and what would help, or "".
func missing(s result.Suite, p picture.Picture) string {
	var without []string
	of := 0 // those that were only probed have no requests
	for i, subject := range s.Subjects {
		if !loaded(subject) {
			continue
		}
		of++
		if p.Subjects[i].Histories == 0 {
			without = append(without, shorten(clean(subject.Name), maxName))
		}
	}
	const remedy = " Draw them during the run, or from histories saved with --record DIR: lastcall report DIR --report html=report.html."
	switch {
	case len(without) == 0:
		return ""
	case len(without) == of:
		return "The requests cannot be drawn: the recorded histories of this result are missing." + remedy
	}
	return short("The requests of "+strings.Join(without, ", ")+" cannot be drawn: their recorded histories are missing.") + remedy
}

// laneLegends explain the outcomes of the lanes.
func laneLegends(p picture.Picture) []pageLegend {
	occurs := make(map[history.Outcome]bool)
	for _, s := range p.Subjects {
		if s.Swimlane == nil {
			continue
		}
		for _, lane := range s.Swimlane.Lanes {
			occurs[lane.Outcome] = true
		}
	}
	return legends(occurs)
}

// barLegends explain those of the bars, which are of every shutdown.
func barLegends(p picture.Picture) []pageLegend {
	occurs := make(map[history.Outcome]bool)
	for _, s := range p.Subjects {
		for _, b := range s.Buckets {
			for _, o := range history.Outcomes() {
				occurs[o] = occurs[o] || b.Of(o) > 0
			}
		}
	}
	return legends(occurs)
}

// legends explain outcomes that are drawn, the good ones first.
func legends(occurs map[history.Outcome]bool) []pageLegend {
	texts := map[history.Outcome]string{
		history.Completed: "completed", history.Rejected: "rejected, with 503 or 429", history.Failed: "failed: a wrong answer",
		history.Refused: "refused: no process listened", history.Dropped: "dropped: no whole answer", history.Unsent: "unsent: lastcall's own fault",
	}
	var all []pageLegend
	for _, o := range history.Outcomes() {
		if occurs[o] && texts[o] != "" {
			all = append(all, pageLegend{o.String(), texts[o]})
		}
	}
	return all
}

// facts say on what it was run, and when.
func facts(s result.Suite) []pageFact {
	e := s.Environment
	all := []pageFact{
		{"conditions", conditions(s)},
		{"machine", fmt.Sprintf("%s/%s, %d CPUs, kernel %s, built with %s", e.OS, e.Arch, e.CPUs, e.Kernel, e.Go)},
		{"lastcall", s.Tool.Version},
		{"started", s.Started.Format(time.RFC3339)},
	}
	if !probesOnly(s) { // else nothing is left to a seed, and the scenario was not carried out
		all = append(all, pageFact{"seed", strconv.FormatUint(s.Seed, 10)}, pageFact{"scenario", join(": ", s.Scenario.Name, s.Scenario.Purpose)})
	}
	for i := range all {
		all[i].Text = short(all[i].Text)
	}
	return all
}

func join(between, a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + between + b
}

// short is text from outside, as a page takes it.
func short(text string) string { return shorten(clean(bounded(text)), maxSentence) }

// bounded cuts off what nobody will read, before anything goes through it letter
// by letter.
func bounded(text string) string {
	const most = 8 * maxSentence
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

func shortAll(texts []string) []string {
	var all []string
	for _, text := range texts[:min(len(texts), maxListed)] {
		all = append(all, short(text))
	}
	if more := len(texts) - len(all); more > 0 {
		all = append(all, fmt.Sprintf("and %s more; --report json has all of them", number(more)))
	}
	return all
}
