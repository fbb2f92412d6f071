package probe

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tally says how many were lost, and how all ended, the most frequent first.
func tally(lost, of int, how map[string]int) string {
	var parts []string
	keys := slices.SortedFunc(maps.Keys(how), func(a, b string) int {
		if how[a] != how[b] {
			return how[b] - how[a]
		}
		return strings.Compare(a, b)
	})
	for _, text := range keys {
		parts = append(parts, fmt.Sprintf("%d %s", how[text], text))
	}
	return fmt.Sprintf("%d of %d lost: %s", lost, of, strings.Join(parts, ", "))
}
