package check

import (
	"fmt"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// brokeOff says that a subject was shut down less often than was planned, and why if
// that is known: what was not done could have shown a breach, so that no pass is earned.
// A breach that was seen stays proved.
func brokeOff(observations []*observation, why string) []result.Finding {
	last := observations[len(observations)-1]
	planned, done := last.Header.Scenario.Shutdowns, len(observations)
	if done >= planned || givenUp(last) {
		return nil
	}
	detail := fmt.Sprintf("the run broke off after %d of %s", done, plural(planned, "shutdown"))
	if why != "" {
		detail += ": " + why
	}
	return []result.Finding{{
		Rule: Integrity, Status: result.Unjudged, Count: planned - done, Judged: done,
		Expected: count(planned, "shutdown"), Detail: detail,
		Evidence: []result.Evidence{}, Reference: "every verdict is earned",
	}}
}

// brokenOff is what brokeOff has said of a subject, "" if nothing.
func brokenOff(s result.Subject) string {
	for _, f := range s.Findings {
		if f.Rule == Integrity && len(f.Evidence) == 0 { // the others point at a shutdown
			return f.Detail
		}
	}
	return ""
}

// givenUp reports whether nothing was to follow a shutdown: it was interrupted, or showed
// that the next would come to the same. It has said so itself.
func givenUp(o *observation) bool {
	return o.Interrupted || o.Error != "" || len(overload(o)) > 0
}

// absent is how many subjects of the run were never stopped. A recording of old does not
// know.
func absent(first history.Header, groups [][]*history.History) int {
	return max(0, first.Subjects-len(groups))
}
