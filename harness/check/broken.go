package check

import (
	"slices"

	"lastcall/harness/result"
)

// Broken returns the required rules that a subject violated, in their order,
// without those that come with another: whoever loses what is in flight, or what a
// balancer still sends, loses what came late as well.
func Broken(s result.Subject) []string {
	all := violated(&s)
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return comesWith(name, all) })
}

// violated returns all rules that a subject violated, in their order.
func violated(s *result.Subject) []string {
	rules := []string{}
	for _, f := range s.Findings {
		if f.Status == result.Violated {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}

// comesWith reports whether a rule's violation is no news where these are
// violated.
func comesWith(name string, rules []string) bool {
	return name == LateRequestsAnswered &&
		(slices.Contains(rules, InFlightCompletes) || slices.Contains(rules, ServesThroughLag))
}
