package reports

import "testing"

func TestProse(t *testing.T) {
	for text, want := range map[string]string{
		"call `a < b` first": "call <code>a &lt; b</code> first",
		"`<script>` ` one":   "<code>&lt;script&gt;</code> ` one",
		"<b>plain</b>":       "&lt;b&gt;plain&lt;/b&gt;",
	} {
		if got := string(prose(text)); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
