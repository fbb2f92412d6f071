package truth

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/result"
)

// Expect is what a row deserves.
type Expect struct {
	Verdicts []result.Verdict // any of these on a quiet machine
	Busy     []result.Verdict // any of these beside burners; nil for Verdicts and Inconclusive
	Rules    []string         // of which one at least must be violated where the verdict is fail
	Story    []string         // of which one at least must stand in the story, in any case of letters; nil for any story
	Never    []string         // what must not stand in the story
}

// allowed returns the verdicts that a run of the row may come to.
func (e Expect) allowed(busy bool) []result.Verdict {
	switch {
	case !busy:
		return e.Verdicts
	case e.Busy != nil:
		return e.Busy
	}
	return append([]result.Verdict{result.Inconclusive}, e.Verdicts...)
}

// faults says what is wrong with a run, one sentence each; none if nothing is.
// Rules and story are asked for only where the verdict is one that the row
// deserves on a quiet machine: what is inconclusive beside burners explains nothing,
// and neither does a pass.
func (e Expect) faults(busy bool, got Outcome) []string {
	if got.Error != "" {
		return []string{got.Error}
	}
	if !slices.Contains(e.allowed(busy), got.Verdict) {
		return []string{fmt.Sprintf("verdict %s, want %s", got.Verdict, either(e.allowed(busy)))}
	}
	if !slices.Contains(e.Verdicts, got.Verdict) || got.Verdict == result.Pass {
		return nil
	}
	var faults []string
	if got.Verdict == result.Fail && !intersect(e.Rules, got.Violated) {
		faults = append(faults, fmt.Sprintf("violated %s, want %s", strings.Join(got.Violated, ", "), strings.Join(e.Rules, " or ")))
	}
	story := strings.ToLower(got.Story)
	says := func(fragment string) bool { return strings.Contains(story, strings.ToLower(fragment)) }
	if len(e.Story) > 0 && !slices.ContainsFunc(e.Story, says) {
		faults = append(faults, "the story does not say "+strings.Join(e.Story, " or "))
	}
	for _, fragment := range e.Never {
		if says(fragment) {
			faults = append(faults, "the story says "+fragment)
		}
	}
	return faults
}

func either(verdicts []result.Verdict) string {
	words := make([]string, len(verdicts))
	for i, v := range verdicts {
		words[i] = v.String()
	}
	return strings.Join(words, " or ")
}

func intersect(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
