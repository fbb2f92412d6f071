package spelling

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"naive", "with-cancel", "signal-notify", "close", "kill", "--all", "--rate", "--report"}
	for _, c := range []struct{ name, wrong, want string }{
		{"half of its letters", "lost", ""},
		{"two of its letters", "kept", ""},
		{"one of its letters, and dashes", "--url", ""},
		{"a flag with a letter missing", "--rte", "--rate"},
		{"a flag without its dashes", "rate", "--rate"},
		{"four letters, two of them swapped", "klil", "kill"},
		{"another ending", "naif", "naive"},
		{"three letters of four", "kil", "kill"},
		{"a prefix of a flag", "--rep", "--report"},
		{"two letters swapped", "niave", "naive"},
		{"a letter missing", "signal-notfy", "signal-notify"},
		{"a prefix", "with", "with-cancel"},
		{"capitals", "NAIVE", "naive"},
		{"far from all", "kubernetes", ""},
		{"nothing", "", ""},
		{"too short to guess", "xy", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Nearest(c.wrong, names); got != c.want {
				t.Errorf("Nearest(%q) = %q, want %q", c.wrong, got, c.want)
			}
		})
	}
}

func TestHint(t *testing.T) {
	names := []string{"naive", "with-cancel", "signal-notify"}
	for wrong, want := range map[string]string{
		"niave":      "did you mean naive?",
		"kubernetes": "use one of naive, with-cancel, signal-notify",
	} {
		if got := Hint(wrong, names); got != want {
			t.Errorf("Hint(%q) = %q, want %q", wrong, got, want)
		}
	}
}
