package reports

import (
	"fmt"
	"slices"

	"lastcall/harness/result"
	"lastcall/reports/picture"
)

// pageRule is what the page says of one finding.
type pageRule struct {
	Name, Class, Status, Seen, Expected, Reference, Evidence string
	Stories                                                  []string
}

// maxStories is how many requests that prove a finding tell their story.
const maxStories = 5

// pageRules splits the findings into those that matter and those that held.
func pageRules(s result.Subject, swim *picture.Swimlane) (broken, kept []pageRule) {
	for _, f := range ruleFindings(s) { // the probes have a section of their own
		r := pageRule{
			Name: short(f.name), Status: f.Status.String(), Seen: short(seen(f.Finding)), Expected: short(f.Expected),
			Reference: short(f.Reference), Evidence: evidence(f.Finding, occasion(s)), Stories: stories(f.Finding, swim),
		}
		switch f.Status {
		case result.Violated:
			r.Class = "fail"
		case result.Warned, result.Unjudged:
			r.Class = "inconclusive"
		case result.Satisfied:
			r.Class = "pass"
		case result.NotExercised:
			r.Class = "soft"
		}
		if f.Status == result.Satisfied || f.Status == result.NotExercised {
			kept = append(kept, r)
		} else {
			broken = append(broken, r)
		}
	}
	return limited(broken), limited(kept)
}

// limited leaves out what is too long to read, and says so.
func limited(rules []pageRule) []pageRule {
	more := len(rules) - maxListed
	if more <= 0 {
		return rules
	}
	return append(rules[:maxListed:maxListed], pageRule{Name: fmt.Sprintf("%s more", number(more)), Class: "soft", Seen: "--report json has all of them"})
}

// stories are those of the requests that prove a finding, as far as they are in
// the picture.
func stories(f result.Finding, swim *picture.Swimlane) []string {
	var told []string
	if swim == nil {
		return nil
	}
	for _, e := range f.Evidence {
		if e.Seq == nil || e.Shutdown != swim.Shutdown || len(told) == maxStories {
			continue
		}
		i := slices.IndexFunc(swim.Lanes, func(l picture.Lane) bool { return l.Seq == *e.Seq })
		if i >= 0 {
			told = append(told, swim.Lanes[i].Story.String())
		}
	}
	return told
}
