package scenario

import (
	"fmt"
)

// States returns the states in which a signal can find a subject.
func States() []string { return []string{Loaded, Ready, Started} }

// validWhen refuses what needs a load where none is sent.
func validWhen(s Scenario) error {
	d := s.Disruption
	if d.When == "" {
		return nil
	}
	if err := oneOf("disruption.when", d.When, States()); err != nil || !d.Unloaded() {
		return err
	}
	for _, clash := range []struct {
		field string
		given bool
	}{
		{"disruption.while", len(d.While) > 0},
		{"disruption.lag", d.Lag.Duration > 0},
		{"load.parked", len(s.Load.Parked) > 0},
		{"load.requests", len(s.Load.Requests) > 0},
		{"load.requests-file", s.Load.RequestsFile != ""},
		{"overrides.max-loss", s.Overrides.MaxLoss > 0},
	} {
		if clash.given {
			return &Invalid{Field: "disruption.when", Problem: fmt.Sprintf(
				"is %s, so no load is sent, and %s has no effect: leave one out", d.When, clash.field)}
		}
	}
	if d.When == Started && d.Target == Owner {
		return &Invalid{Field: "disruption.when", Problem: fmt.Sprintf(
			"is %s, when no process may listen yet, and disruption.target is %s, the process that listens: use %s or %s", d.When, d.Target, Leader, Group)}
	}
	return nil
}
