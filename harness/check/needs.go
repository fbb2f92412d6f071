package check

import (
	"fmt"
	"slices"

	"lastcall/harness/result"
)

// needed asks that the rules for whose sake a scenario is run have judged
// something. Where they have not, nobody has looked, and a pass would only say
// that nothing else was wrong.
func needed(needs []string, ruled []result.Finding, intact int) (findings []result.Finding) {
	if intact == 0 {
		return nil // integrity has said why
	}
	for _, rule := range Rules() {
		i := slices.IndexFunc(ruled, func(f result.Finding) bool { return f.Rule == rule.Name })
		if !slices.Contains(needs, rule.Name) || i >= 0 && earned(ruled[i]) {
			continue
		}
		detail := fmt.Sprintf("this scenario needs %s, which is off", rule.Name) // judged again under another policy
		if i >= 0 {
			detail = fmt.Sprintf("this scenario needs %s, and %s", rule.Name, ruled[i].Detail)
		}
		if rule.Needs != "" {
			detail += ". It takes " + rule.Needs
		}
		findings = append(findings, result.Finding{
			Rule: sampleName, Status: result.Unjudged, Count: 0, Judged: 0,
			Expected: "something that " + rule.Name + " can judge", Detail: detail,
			Evidence: []result.Evidence{}, Reference: "every verdict is earned",
		})
	}
	return findings
}
