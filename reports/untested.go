package reports

import (
	"slices"
	"strings"

	"lastcall/harness/result"
)

// untested says what a pass does not mean, one line for all subjects of which the
// same is to be said: they are named only where it is not true of all.
func untested(s result.Suite) (lines []string) {
	var said []string
	for _, subject := range s.Subjects {
		what := strings.Join(subject.Untested, "; ")
		if what == "" || slices.Contains(said, what) {
			continue
		}
		said = append(said, what)
		var names []string
		for _, other := range s.Subjects {
			if strings.Join(other.Untested, "; ") == what {
				names = append(names, clean(other.Name))
			}
		}
		line := "not tested: " + what
		if len(names) < len(s.Subjects) {
			line = strings.Join(names, ", ") + ": " + line
		}
		lines = append(lines, line)
	}
	return lines
}
