package prose

import "testing"

func TestSentence(t *testing.T) {
	for given, want := range map[string]string{
		"":                    "",
		"it broke":            "It broke.",
		"It broke.":           "It broke.",
		"how?":                "How?",
		"oh!":                 "Oh!",
		"élan":                "Élan.",
		"3 of 4":              "3 of 4.",
		"\xff is no letter":   "\ufffd is no letter.",
		"(#1, ...): received": "(#1, ...): received.",
	} {
		if got := Sentence(given); got != want {
			t.Errorf("Sentence(%q) = %q, want %q", given, got, want)
		}
	}
}
