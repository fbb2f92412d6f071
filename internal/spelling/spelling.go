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

// Nearest returns the name that is about a third of its letters away at most, and
// has more than half of them in common, or "". Two neighbours that have changed places
// count as one letter.
func Nearest(wrong string, names []string) string {
	bare := strings.TrimLeft(strings.ToLower(wrong), "-") // the dashes of a flag are right, and say nothing
	best, distance := "", len(bare)
	for _, name := range names {
		right := strings.ToLower(strings.TrimLeft(name, "-"))
		d := levenshtein.ComputeDistance(bare, right)
		switch {
		case len(bare) > 2 && strings.HasPrefix(right, bare), swapped(bare, right):
			d = 1
		case d > allowed(bare, right) || 2*d >= max(len(bare), len(right)):
			continue
		}
		if d < distance {
			best, distance = name, d
		}
	}
	return best
}

// allowed is how many letters may be wrong. Of four, two would be half, unless it is
// the ending that is wrong.
func allowed(wrong, right string) int {
	switch letters := len(wrong); {
	case len(wrong) > 2 && strings.HasPrefix(right, wrong[:3]):
		return letters/3 + 1
	case letters < 5:
		return 1
	default:
		return (letters + 1) / 3
	}
}

// swapped reports whether two neighbours have changed places, and nothing else has.
func swapped(a, b string) bool {
	if len(a) != len(b) || a == b {
		return false
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
