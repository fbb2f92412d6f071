// Package spelling finds the name that somebody meant who wrote another.
package spelling

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Hint says what would be right: the nearest name if one is near, else all.
func Hint(wrong string, names []string) string {
	if near := Nearest(wrong, names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "use one of " + strings.Join(names, ", ")
}

// Nearest returns the name that is at most a third of its letters away, or "".
func Nearest(wrong string, names []string) string {
	best, distance := "", len(wrong)/3+2
	for _, name := range names {
		d := levenshtein.ComputeDistance(strings.ToLower(wrong), name)
		if len(wrong) > 2 && strings.HasPrefix(name, wrong) {
			d = 1
		}
		if d < distance {
			best, distance = name, d
		}
	}
	return best
}
