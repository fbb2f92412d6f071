package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseStatusSet(t *testing.T) {
	tests := map[string]struct {
		text, prints string
		has, not     []int
	}{
		"one code":                  {"204", "204", []int{204}, []int{200, 203, 205, 0, -1, 604}},
		"codes":                     {"200,204", "200,204", []int{200, 204}, []int{201, 203}},
		"a range and its two ends":  {"300-399", "300-399", []int{300, 350, 399}, []int{299, 400, 200}},
		"codes and ranges":          {"200,204,300-399", "200,204,300-399", []int{200, 204, 307}, []int{503, 404}},
		"blanks are allowed":        {" 200 , 300 - 302 ", "200,300-302", []int{200, 301}, []int{303}},
		"ranges that touch are one": {"200-299,300-399", "200-399", []int{299, 300}, []int{400}},
		"ranges that overlap":       {"210-220,200-215", "200-220", []int{200, 220}, []int{221}},
		"a code twice":              {"200,200", "200", []int{200}, []int{201}},
		"a range of one":            {"200-200", "200", []int{200}, []int{201}},
		"everything there is":       {"100-599", "100-599", []int{100, 599}, []int{99, 600}},
		"the ends of a word":        {"163,164,227,228", "163-164,227-228", []int{163, 164, 227, 228}, []int{162, 165, 226, 229}},
		"a refusal that is wanted":  {"503", "503", []int{503}, []int{200, 502}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := ParseStatusSet(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.String(); got != tt.prints {
				t.Errorf("it prints as %q, want %q", got, tt.prints)
			}
			for _, code := range tt.has {
				if !s.Has(code) {
					t.Errorf("it lacks %d", code)
				}
			}
			for _, code := range tt.not {
				if s.Has(code) {
					t.Errorf("it has %d", code)
				}
			}
		})
	}
}

func TestZeroStatusSetIsTheUsualOne(t *testing.T) {
	var s StatusSet
	if s.String() != "200-399" || !s.Has(200) || !s.Has(399) || s.Has(199) || s.Has(400) || s.Has(503) {
		t.Errorf("the zero set is %s", s)
	}
}

// Each error says what would be right.
func TestParseStatusSetRefuses(t *testing.T) {
	tests := map[string]struct{ text, says string }{
		"nothing":             {"", "write codes and ranges, as 200,204,300-399"},
		"blanks":              {"  ", "write codes and ranges"},
		"a class":             {"2xx", `"2xx" is not a status: write a code, as 204, or a range, as 200-299`},
		"a word":              {"ok", `"ok" is not a status`},
		"a comma too many":    {"200,,204", `"" is not a status`},
		"a comma at the end":  {"200,", `"" is not a status`},
		"half a range":        {"200-", `"" is not a status`},
		"a range of three":    {"200-300-400", `"300-400" is not a status`},
		"a range backwards":   {"399-200", `the range "399-200" runs backwards: write 200-399`},
		"too small":           {"99", "99 is not a status: a status is from 100 to 599"},
		"too large":           {"200-600", "600 is not a status: a status is from 100 to 599"},
		"much too large":      {"99999999999999999999", "is not a status"},
		"a sign":              {"+200", `"+200" is not a status`},
		"a leading zero":      {"0200", `"0200" is not a status`},
		"another separator":   {"200;204", `"200;204" is not a status`},
		"digits of elsewhere": {"２００", "is not a status"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := ParseStatusSet(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "status set ") {
				t.Errorf("%v, want an error that says %q", err, tt.says)
			}
			if s != (StatusSet{}) {
				t.Errorf("and yet a set: %s", s)
			}
		})
	}
}

// What a set prints reads back as the same set.
func TestStatusSetReadsBack(t *testing.T) {
	code := rapid.IntRange(minStatus, maxStatus)
	rapid.Check(t, func(t *rapid.T) {
		want := make(map[int]bool)
		var parts []string
		for range rapid.IntRange(1, 20).Draw(t, "parts") {
			a, b := code.Draw(t, "code"), code.Draw(t, "code")
			if rapid.Bool().Draw(t, "range") {
				a, b = min(a, b), max(a, b)
				parts = append(parts, fmt.Sprintf("%d-%d", a, b))
			} else {
				b = a
				parts = append(parts, strconv.Itoa(a))
			}
			for ; a <= b; a++ {
				want[a] = true
			}
		}
		s, err := ParseStatusSet(strings.Join(parts, ","))
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseStatusSet(s.String())
		if err != nil || back != s {
			t.Fatalf("%s reads back as %s, %v", s, back, err)
		}
		for c := range 700 {
			if s.Has(c) != want[c] {
				t.Fatalf("%s has %d: %t", s, c, s.Has(c))
			}
		}
	})
}
