package check

import (
	"slices"

	"lastcall/harness/result"
)

// Broken returns the required rules that a subject violated, in their order,
// without those that come with another.
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

// explains are the rules whose violation brings that of another with it: whoever
// hangs up on what is in flight, or has to be killed, hangs up on the rest as well.
var explains = map[string][]string{
	LateRequestsAnswered: {InFlightCompletes, ExitsInGrace, ServesThroughLag},
	ClosesCleanly:        {InFlightCompletes, ExitsInGrace},
}

// comesWith reports whether a rule's violation is no news where these are
// violated.
func comesWith(name string, rules []string) bool {
	return slices.ContainsFunc(explains[name], func(cause string) bool { return slices.Contains(rules, cause) })
}
