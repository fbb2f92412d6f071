package history_test

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// equal takes an empty list for none: JSON cannot always tell them apart.
func equal(a, b any) bool { return cmp.Equal(a, b, cmpopts.EquateEmpty()) }

// TestRequestIsSmallAndPlain: a hundred thousand records must cost the garbage
// collector nothing.
func TestRequestIsSmallAndPlain(t *testing.T) {
	if size := unsafe.Sizeof(history.Request{}); size > 128 {
		t.Errorf("a record has %d bytes, at most 128 are allowed", size)
	}
	if path := pointerIn(reflect.TypeFor[history.Request](), "Request"); path != "" {
		t.Errorf("%s is, or holds, a pointer", path)
	}
	// The search itself must find one where there is one.
	if path := pointerIn(reflect.TypeFor[struct{ A [2]struct{ B string } }](), "X"); path == "" {
		t.Error("a string within an array was not found")
	}
}

// pointerIn returns the path to the first pointer within the type, or "".
func pointerIn(t reflect.Type, path string) string {
	switch t.Kind() {
	case reflect.Pointer, reflect.UnsafePointer, reflect.String, reflect.Slice, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func:
		return path
	case reflect.Array:
		return pointerIn(t.Elem(), path+"[]")
	case reflect.Struct:
		for i := range t.NumField() {
			if found := pointerIn(t.Field(i).Type, path+"."+t.Field(i).Name); found != "" {
				return found
			}
		}
	default: // a number or a truth holds no pointer
	}
	return ""
}

// text is an enumeration that writes and reads itself.
type text interface {
	comparable
	fmt.Stringer
	encoding.TextMarshaler
}

// roundTrip asks that the first n values of an enumeration have names of their
// own that read back as themselves, that the next one has none, and that an
// unknown name is an error.
func roundTrip[E text](t *testing.T, kind string, n int, value func(int) E) {
	t.Helper()
	names := make(map[string]bool)
	for i := range n {
		v := value(i)
		written, err := v.MarshalText()
		var back E
		if err != nil || any(&back).(encoding.TextUnmarshaler).UnmarshalText(written) != nil || back != v {
			t.Errorf("%s %d is written as %q, %v, and read back as %v", kind, i, written, err, back)
		}
		if names[v.String()] || string(written) != v.String() || strings.Contains(v.String(), "(") {
			t.Errorf("%s %d is called %q", kind, i, v)
		}
		names[v.String()] = true
	}
	beyond := value(n)
	if want := fmt.Sprintf("%s(%d)", kind, n); beyond.String() != want {
		t.Errorf("beyond the last %s comes %q, want %q: the test does not know all of them", kind, beyond, want)
	}
	for _, foreign := range []string{"", "nonsense", beyond.String(), strings.ToUpper(value(0).String())} {
		kept := value(n - 1)
		err := any(&kept).(encoding.TextUnmarshaler).UnmarshalText([]byte(foreign))
		if err == nil || kept != value(n-1) {
			t.Errorf("the %s %q was read as %v, %v", kind, foreign, kept, err)
		}
	}
}

func TestEnumerationsReadBack(t *testing.T) {
	roundTrip(t, "outcome", 7, func(i int) history.Outcome { return history.Outcome(i) })
	roundTrip(t, "cause", 6, func(i int) history.Cause { return history.Cause(i) })
	roundTrip(t, "reason", 14, func(i int) history.Reason { return history.Reason(i) })
	roundTrip(t, "framing", 5, func(i int) history.Framing { return history.Framing(i) })
	roundTrip(t, "fact", 5, func(i int) history.Fact { return history.Fact(i) })
}

// TestZeroValues: none of them claims that something went well.
func TestZeroValues(t *testing.T) {
	var r history.Request
	if r.Outcome != history.Pending || r.Cause != history.None || r.Reason != history.NoReason {
		t.Errorf("a zero record is %v, %v, %v", r.Outcome, r.Cause, r.Reason)
	}
	var f history.Fact
	if f != history.Unknown {
		t.Errorf("the zero fact is %v", f)
	}
}

func TestWindowNames(t *testing.T) {
	for w, want := range map[history.Window]string{
		history.Before: "before", history.InFlight: "in-flight", history.Late: "late", history.After: "after", history.Edge: "edge", 5: "window(5)",
	} {
		if w.String() != want {
			t.Errorf("window %d is called %q, want %q", uint8(w), w, want)
		}
	}
}

// TestLists: every outcome and cause is listed and explained.
func TestLists(t *testing.T) {
	if got := history.Outcomes(); len(got) != 6 || got[0] != history.Completed || got[5] != history.Unsent {
		t.Errorf("outcomes are %v", got)
	}
	if got := history.Causes(); len(got) != 5 || got[0] != history.Closed || got[4] != history.Corrupt {
		t.Errorf("causes are %v", got)
	}
	meanings := make(map[string]bool)
	for _, o := range append(history.Outcomes(), history.Pending) {
		if o.Meaning() == "" || meanings[o.Meaning()] {
			t.Errorf("%v means %q", o, o.Meaning())
		}
		meanings[o.Meaning()] = true
	}
	if got := history.Outcome(200).Meaning(); got != "outcome(200)" {
		t.Errorf("an outcome outside the set means %q", got)
	}
}

// TestCounts: the total is the sum of what is counted, and whatever has no
// outcome leaves a gap that conservation finds.
func TestCounts(t *testing.T) {
	var c history.Counts
	for i, o := range history.Outcomes() {
		for range i + 1 { // a different number of each
			c.Add(o)
		}
	}
	c.Add(history.Pending)
	c.Add(history.Unsent + 1)
	want := history.Counts{Total: 21, Completed: 1, Rejected: 2, Failed: 3, Refused: 4, Dropped: 5, Unsent: 6}
	if c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
	if got := c.AtRisk(); got != 11 {
		t.Errorf("%d at risk, want 21 without 4 refused and 6 unsent", got)
	}
	twice := history.Counts{Total: 42, Completed: 2, Rejected: 4, Failed: 6, Refused: 8, Dropped: 10, Unsent: 12}
	if got := c.Plus(c); got != twice {
		t.Errorf("twice that is %+v, want %+v", got, twice)
	}
}

func TestHistoryCounts(t *testing.T) {
	h := stopped(at(1, 2), with(at(1, 2), dropped), with(at(1, 2), refused), history.Request{})
	if want := (history.Counts{Total: 3, Completed: 1, Dropped: 1, Refused: 1}); h.Counts() != want {
		t.Errorf("got %+v, want %+v", h.Counts(), want)
	}
}

func TestEventAt(t *testing.T) {
	h := history.History{Events: []history.Event{{Name: history.EventReady, At: 0}, {Name: history.EventExit, At: 5}}}
	if got, ok := h.At(history.EventExit); got != 5 || !ok {
		t.Errorf("exit at %v, %v, want 5", got, ok)
	}
	if got, ok := h.At(history.EventReady); got != 0 || !ok {
		t.Errorf("ready at %v, %v: an event at 0 happened", got, ok)
	}
	if _, ok := h.At(history.EventKilled); ok {
		t.Error("an event that did not happen was found")
	}
}

func TestDurationText(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
	}{
		{"0s", 0},
		{"100ms", 100 * time.Millisecond},
		{"1m30s", 90 * time.Second},
		{"1h0m0.000000001s", time.Hour + 1},
		{"-5s", -5 * time.Second},
	} {
		var d scenario.Duration
		if err := d.UnmarshalText([]byte(tt.text)); err != nil || d.Duration != tt.want {
			t.Errorf("%q reads as %v, %v, want %v", tt.text, d, err, tt.want)
		}
		if written, err := d.MarshalText(); err != nil || string(written) != tt.text {
			t.Errorf("%v is written as %q, %v, want %q", tt.want, written, err, tt.text)
		}
	}
}

// TestDurationNeedsAUnit: a bare number would leave it to be guessed.
func TestDurationNeedsAUnit(t *testing.T) {
	for _, text := range []string{"", "10", "1.5", "soon", "10 s", "10S", "9999999h"} {
		d := scenario.Seconds(3)
		err := d.UnmarshalText([]byte(text))
		if err == nil || d != scenario.Seconds(3) {
			t.Errorf("%q reads as %v, %v", text, d, err)
			continue
		}
		if want := fmt.Sprintf("%q is not a duration: write it with a unit", text); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: the error says %q", text, err)
		}
	}
	var d scenario.Duration
	if err := json.Unmarshal([]byte(`1000000`), &d); err == nil {
		t.Errorf("a JSON number reads as %v", d)
	}
}

func TestDurationUnits(t *testing.T) {
	if scenario.Millis(1500).Duration != 1500*time.Millisecond || scenario.Seconds(2).Duration != 2*time.Second {
		t.Errorf("Millis(1500) is %v, Seconds(2) is %v", scenario.Millis(1500), scenario.Seconds(2))
	}
}

// TestWarm: the signal waits for the first answers.
func TestWarm(t *testing.T) {
	for _, tt := range []struct{ warmUp, delay, want, settled time.Duration }{
		{700 * ms, 100 * ms, 700 * ms, 700 * ms},
		{700 * ms, 400 * ms, 700 * ms, 700 * ms},
		{700 * ms, 2000 * ms, 2300 * ms, 2300 * ms},
		{0, 0, 700 * ms, 300 * ms},
		{0, 500 * ms, 800 * ms, 800 * ms},
		{2000 * ms, 100 * ms, 2000 * ms, 2000 * ms},
	} {
		var s scenario.Scenario
		s.Load.WarmUp.Duration, s.Subject.Delay.Duration = tt.warmUp, tt.delay
		if got := s.Warm(); got != tt.want {
			t.Errorf("warm-up %v, delay %v: loaded for %v, want %v", tt.warmUp, tt.delay, got, tt.want)
		}
		if got := s.Settled(); got != tt.settled {
			t.Errorf("warm-up %v, delay %v: loaded for %v at the least, want %v", tt.warmUp, tt.delay, got, tt.settled)
		}
	}
}

func TestShareText(t *testing.T) {
	for _, tt := range []struct {
		text  string
		want  scenario.Share
		again string // as it is written; "" for the same
	}{
		{text: "0.1%", want: 0.001},
		{text: "0%", want: 0},
		{text: "7%", want: 0.07},
		{text: "100%", want: 1},
		{text: "0.00001%", want: 0.0000001},
		{text: "12.3456789%", want: 0.123456789},
		{text: " 1.50 % ", want: 0.015, again: "1.5%"},
		{text: "1e-3%", want: 0.00001, again: "0.001%"},
	} {
		var s scenario.Share
		if err := s.UnmarshalText([]byte(tt.text)); err != nil || s < tt.want*(1-1e-12) || s > tt.want*(1+1e-12) {
			t.Errorf("%q reads as %v, %v, want %v", tt.text, float64(s), err, float64(tt.want))
		}
		again := tt.again
		if again == "" {
			again = tt.text
		}
		written, err := s.MarshalText()
		if err != nil || string(written) != again {
			t.Errorf("%q is written as %q, %v, want %q", tt.text, written, err, again)
		}
		// What is saved is judged again, by the same limit.
		var back scenario.Share
		if err := back.UnmarshalText(written); err != nil || back != s {
			t.Errorf("%q reads back as %v, %v, want %v", written, float64(back), err, float64(s))
		}
	}
}

// TestShareNeedsItsSign: nobody knows whether 0.1 is a tenth or a thousandth.
func TestShareNeedsItsSign(t *testing.T) {
	for _, text := range []string{"", "%", "0.1", "1", "-1%", "100.1%", "NaN%", "Inf%", "one%", "1%%"} {
		s := scenario.Share(0.5)
		err := s.UnmarshalText([]byte(text))
		if err == nil || s != 0.5 {
			t.Errorf("%q reads as %v, %v", text, float64(s), err)
			continue
		}
		if want := fmt.Sprintf("%q is not a share: write it in percent", text); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: the error says %q", text, err)
		}
	}
}

// TestSignalIncludes: all signals of a sequence were sent.
func TestSignalIncludes(t *testing.T) {
	s := history.Signal{Name: "SIGTERM", Number: 15, Again: []history.Again{{Name: "SIGINT", Number: 2}, {Name: "SIGQUIT", Number: 3}}}
	for name, number := range map[string]int{"SIGTERM": 15, "SIGINT": 2, "SIGQUIT": 3} {
		if !s.Includes(name) || !s.IncludesNumber(number) {
			t.Errorf("%s, %d, was sent and is not included", name, number)
		}
	}
	if s.Includes("SIGKILL") || s.Includes("") || s.IncludesNumber(9) || s.IncludesNumber(0) {
		t.Error("a signal that was not sent is included")
	}
}

func TestInvalidNamesItsField(t *testing.T) {
	err := error(&scenario.Invalid{Field: "load.rate", Problem: "is 0, must be from 1 to 20000"})
	if want := "load.rate is 0, must be from 1 to 20000"; err.Error() != want {
		t.Errorf("it says %q, want %q", err, want)
	}
}
