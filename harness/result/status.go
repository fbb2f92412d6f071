package result

import "fmt"

// Verdict is the judgement of one subject. The zero value is Inconclusive, and
// it is never green.
type Verdict uint8

// The verdicts.
const (
	Inconclusive Verdict = iota
	Pass
	Fail
)

var verdictNames = [...]string{"inconclusive", "pass", "fail"}

// String returns "inconclusive", "pass" or "fail".
func (v Verdict) String() string { return name(verdictNames[:], int(v)) }

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a verdict's name.
func (v *Verdict) UnmarshalText(text []byte) error { return parse(v, verdictNames[:], string(text)) }

// Status is what a rule's judgement came to. The zero value is inconclusive.
type Status uint8

// The statuses of a finding.
const (
	Unjudged     Status = iota // integrity was broken, or the sample is too small
	NotExercised               // the rule met nothing to judge: never a pass
	Satisfied
	Warned
	Violated
)

var statusNames = [...]string{"inconclusive", "not-exercised", "pass", "warn", "fail"}

// String returns the status's name.
func (s Status) String() string { return name(statusNames[:], int(s)) }

// MarshalText writes the status's name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a status's name.
func (s *Status) UnmarshalText(text []byte) error { return parse(s, statusNames[:], string(text)) }

// Overall is the state of a whole suite: a verdict, or Interrupted.
type Overall uint8

// The states of a suite.
const (
	SuiteInconclusive Overall = iota
	SuitePass
	SuiteFail
	SuiteInterrupted
)

var overallNames = [...]string{"inconclusive", "pass", "fail", "interrupted"}

// String returns the state's name.
func (o Overall) String() string { return name(overallNames[:], int(o)) }

// MarshalText writes the state's name.
func (o Overall) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads a state's name.
func (o *Overall) UnmarshalText(text []byte) error { return parse(o, overallNames[:], string(text)) }

func name(names []string, i int) string {
	if i >= len(names) {
		return fmt.Sprintf("status(%d)", i)
	}
	return names[i]
}

func parse[T ~uint8](into *T, names []string, text string) error {
	for i, n := range names {
		if n == text {
			*into = T(i)
			return nil
		}
	}
	return fmt.Errorf("unknown status %q", text)
}
