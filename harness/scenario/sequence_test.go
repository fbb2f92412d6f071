package scenario

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParseSequence(t *testing.T) {
	term, kill, second := syscall.SIGTERM, syscall.SIGKILL, time.Second
	tests := []struct {
		text string
		want []Step
	}{
		{"SIGTERM", []Step{{term, 0}}},
		{"term", []Step{{term, 0}}},
		{"15", []Step{{term, 0}}},
		{"SIGTERM,2s,SIGTERM", []Step{{term, 0}, {term, 2 * second}}},
		{" TERM , 500ms ,9 ", []Step{{term, 0}, {kill, second / 2}}},
		{"SIGTERM,SIGTERM", []Step{{term, 0}, {term, 0}}},
		{"SIGTERM,0s,SIGKILL", []Step{{term, 0}, {kill, 0}}},
		{"SIGUSR1,1m30s,SIGTERM,10s,SIGKILL", []Step{{syscall.SIGUSR1, 0}, {term, 90 * second}, {kill, 10 * second}}},
		{"SIGTERM,1h,SIGKILL", []Step{{term, 0}, {kill, time.Hour}}},
		{strings.Repeat("INT,", 9) + "INT", slices.Repeat([]Step{{syscall.SIGINT, 0}}, 10)},
	}
	for _, tt := range tests {
		got, err := ParseSequence(tt.text)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q is %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
}

func TestBadSequence(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "is not a signal",
		",":                                "is not a signal",
		"SIGTERM,":                         "is not a signal",
		"SIGTERM,,SIGKILL":                 "is not a signal",
		"SIGFOO":                           `"SIGFOO" is not a signal`,
		"SIGTERM,2,SIGFOO":                 `"SIGFOO" is not a signal`,
		"SIGTERM,soon,SIGKILL":             `"soon" is not a signal`,
		"2s":                               "must begin with a signal, as in SIGTERM,2s,SIGKILL",
		"2s,SIGTERM":                       "must begin with a signal",
		"0":                                "must begin with a signal",
		"SIGTERM,2s":                       "after 2s must come a signal, as in SIGTERM,2s,SIGTERM",
		"SIGTERM,1s,2s,SIGKILL":            "between 1s and 2s must be a signal",
		"SIGTERM,-1s,SIGKILL":              "-1s is negative",
		"SIGTERM,1h1ns,SIGKILL":            "more than an hour",
		"SIGTERM,31m,SIGINT,31m,SIGKILL":   "more than an hour",
		"SIGTERM,2562047h,INT,2562047h,9":  "more than an hour",
		strings.Repeat("INT,", 10) + "INT": "has 11 signals, at most 10",
	} {
		steps, err := ParseSequence(text)
		if err == nil || steps != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %v, %v, want an error with %q", text, steps, err, want)
		}
		if err != nil && strings.Contains(text, ",") && !strings.HasPrefix(err.Error(), "sequence ") {
			t.Errorf("%q: the error %q does not quote the whole", text, err)
		}
	}
}

// FuzzParseSequence: what is read is within the bounds, and can be written and
// read again.
func FuzzParseSequence(f *testing.F) {
	for _, seed := range []string{"SIGTERM,2s,SIGTERM", "15,1ms,SIGRTMIN+3, 0s ,kill", "TERM,TERM", "1h,", "0", "SIGTERM,9223372036s,9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := ParseSequence(text)
		if err != nil {
			return
		}
		var total time.Duration
		for _, s := range steps {
			if s.After < 0 || !known(s.Signal) {
				t.Errorf("%q has the step %+v", text, s)
			}
			total += s.After
		}
		if len(steps) == 0 || len(steps) > maxSteps || steps[0].After != 0 || total > maxSequence {
			t.Errorf("%q is out of bounds: %v", text, steps)
		}
		again, err := ParseSequence(FormatSequence(steps))
		if err != nil || !slices.Equal(again, steps) {
			t.Errorf("%q is written %q, which reads as %v, %v", text, FormatSequence(steps), again, err)
		}
	})
}
