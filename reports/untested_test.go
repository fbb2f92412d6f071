package reports

import (
	"strings"
	"testing"

	"lastcall/harness/result"
)

// TestUntested: what a pass does not mean stands under the table, once for all of
// whom it is true.
func TestUntested(t *testing.T) {
	const writes, lag = "no-lost-ack (keep a ledger, or name --applied)", "serves-through-lag (set --lag)"
	with := func(name string, untested ...string) result.Subject {
		s := subject(name, result.Pass)
		s.Untested = untested
		return s
	}
	for _, tt := range []struct {
		name     string
		subjects []result.Subject
		want     []string
	}{
		{"all was tested", []result.Subject{with("a"), with("b")}, nil},
		{"one server", []result.Subject{with("a", writes)}, []string{"not tested: " + writes}},
		{"two things", []result.Subject{with("a", lag, writes)}, []string{"not tested: " + lag + "; " + writes}},
		{"the same of all", []result.Subject{with("a", writes), with("b", writes)}, []string{"not tested: " + writes}},
		{"of two of three", []result.Subject{with("a", writes), with("b"), with("c", writes)}, []string{"a, c: not tested: " + writes}},
		{"of each something else", []result.Subject{with("a", writes), with("b", lag)}, []string{"a: not tested: " + writes, "b: not tested: " + lag}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := suiteOf(tt.subjects...)
			var table, page strings.Builder
			if err := (Style{}).Table(&table, s); err != nil {
				t.Fatal(err)
			}
			if err := Markdown(&page, s); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(table.String(), "not tested"); n != len(tt.want) {
				t.Errorf("the table says it %d times, want %d", n, len(tt.want))
			}
			flat := strings.Join(strings.Fields(table.String()), " ") // a long one is wrapped
			for _, line := range tt.want {
				if !strings.Contains(flat, " "+line+" ") || !strings.Contains(page.String(), "\n"+markdown(line)+"\n") {
					t.Errorf("nobody says %q:\n%s\n%s", line, table.String(), page.String())
				}
			}
		})
	}
}
