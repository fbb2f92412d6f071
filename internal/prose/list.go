package prose

import (
	"fmt"
	"strings"
)

// Part is a number of things of one kind: "3 refused".
type Part struct {
	n    int
	what string
}

// Of is a part.
func Of(n int, what string) Part { return Part{n, what} }

// List names the parts that are not 0, or "none".
func List(parts ...Part) string {
	var said []string
	for _, p := range parts {
		if p.n > 0 {
			said = append(said, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if len(said) == 0 {
		return "none"
	}
	return strings.Join(said, ", ")
}
