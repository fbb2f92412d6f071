package probe

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
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

// short renders a time for a sentence: "3 ms", "620 ms", "5.1 s".
func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
