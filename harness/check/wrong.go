package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/history"
)

// whatWentWrong says how the requests before the signal failed, and what would
// help: a gate that is set up wrongly should say so in one line.
func (o *observation) whatWentWrong() string {
	statuses, causes := make(map[uint16]int), make(map[history.Cause]int)
	unexpected := 0
	o.each(history.Before, func(r *history.Request) {
		switch r.Outcome {
		case history.Failed, history.Rejected:
			statuses[r.Status]++
			if r.Reason == history.UnexpectedBody {
				unexpected++
			}
		case history.Dropped:
			causes[r.Cause]++
		case history.Completed, history.Refused, history.Unsent, history.Pending:
		}
	})
	var said []string
	for _, status := range commonest(statuses) {
		said = append(said, fmt.Sprintf("%d answered %d", statuses[status], status))
	}
	for _, cause := range commonest(causes) {
		said = append(said, fmt.Sprintf("%d %s", causes[cause], cause))
	}
	if len(said) == 0 {
		return ""
	}
	return ": " + strings.Join(said, ", ") + helpAgainst(statuses, causes, unexpected)
}

// helpAgainst is what would help against the commonest of them.
func helpAgainst(statuses map[uint16]int, causes map[history.Cause]int, unexpected int) string {
	switch {
	case unexpected > 0:
		return "; the bodies are not what is expected: look at --expect-body"
	case len(statuses) > 0:
		return "; ask for something that the server answers (--url), or say that it is right (--expect-status)"
	case causes[history.Hung] > 0:
		return "; no answer came by the deadline: give it more time (--timeout)"
	}
	return ""
}

// commonest returns the keys of a count, the greatest first.
func commonest[K interface{ ~uint8 | ~uint16 }](counts map[K]int) []K {
	var keys []K
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return int(a) - int(b)
	})
	return keys
}
