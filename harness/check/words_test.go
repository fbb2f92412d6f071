package check

import (
	"testing"
)

func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{
		0: "0%", 1: "100%", 0.001: "0.1%", 0.0149: "1.49%", 0.139512: "14%", 0.0997123: "9.97%", 0.00001234567: "0.00123%", 0.0000001: "0.00001%",
	} {
		if got := percent(share); got != want {
			t.Errorf("percent(%v) = %s, want %s", share, got, want)
		}
	}
}

// TestGrammar: of one thing is spoken as of one.
func TestGrammar(t *testing.T) {
	for _, r := range Rules() {
		if grammar(2, r.Unit) != r.Unit || grammar(0, r.Breach) != r.Breach {
			t.Errorf("%s: many are not spoken of as many", r.Name)
		}
		if grammar(1, r.Unit) == r.Unit {
			t.Errorf("%s: 1 %s", r.Name, r.Unit)
		}
	}
	for many, one := range map[string]string{
		"requests in flight":           "request in flight",
		"requests sent during the lag": "request sent during the lag",
		"last answers":                 "last answer",
		"shutdowns":                    "shutdown",
		"were dropped after the server had done the work":      "was dropped after the server had done the work",
		"did not say Connection: close":                        "did not say Connection: close",
		"refused connections while the readiness check passed": "refused connections while the readiness check passed",
		"left the server without the signal":                   "left the server without the signal",
	} {
		if got := grammar(1, many); got != one {
			t.Errorf("of one: %q, want %q", got, one)
		}
	}
}
