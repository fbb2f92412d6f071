package result

import (
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// DiffSchema names the format of a comparison. Within v1 fields are only added.
const DiffSchema = "lastcall/diff/v1"

// Diff is what became of each subject from one report to a later one.
type Diff struct {
	Schema   string        `json:"schema"`
	Old      Origin        `json:"old"`
	New      Origin        `json:"new"`
	Verdict  Verdict       `json:"verdict"`  // fail if any subject regressed, else inconclusive if any could not be judged
	Subjects []SubjectDiff `json:"subjects"` // in the order of the old report, then those that are new
	Warnings []string      `json:"warnings"` // what else differs between the two, so that it may be the cause
}

// Origin says where one side of a comparison comes from.
type Origin struct {
	Tool        history.Tool        `json:"tool"`
	Environment history.Environment `json:"environment"`
	Scenario    scenario.Scenario   `json:"scenario"`
	Seed        uint64              `json:"seed"`
	Started     time.Time           `json:"started"`
	Status      Overall             `json:"status"`
	Reports     int                 `json:"reports,omitempty"` // how many were put together, if more than one; the rest is said of the newest
}

// SubjectDiff is what became of one subject. Its verdict is on the change, not
// on the subject: one that failed before and fails in the same way now passes.
type SubjectDiff struct {
	Name    string   `json:"name"`
	Verdict Verdict  `json:"verdict"` // fail: it regressed; pass: it did not; inconclusive: that could not be judged
	InOld   bool     `json:"in_old"`
	InNew   bool     `json:"in_new"`
	Reasons []string `json:"reasons"` // what could not be judged and why, in plain sentences
	Changes []Change `json:"changes"` // also those that are none; empty unless the subject is in both
}

// Change is what became of one thing: the verdict, a figure, or a rule.
type Change struct {
	Name       string    `json:"name"`
	Rule       bool      `json:"rule"` // whether it is a rule, and Name the rule's
	Direction  Direction `json:"direction"`
	Regression bool      `json:"regression"` // worse, and a gate should fail on it
	Old        Value     `json:"old"`
	New        Value     `json:"new"`

	// The probability that chance alone makes such a difference in the direction
	// in which it points, were nothing changed: one-sided, and null where nothing
	// was tested. Once with the requests as independent trials, and once with the
	// shutdowns, since what the requests of one shutdown meet they meet together.
	PRequests  *float64 `json:"p_requests"`
	PShutdowns *float64 `json:"p_shutdowns"`

	Detail string `json:"detail"` // in plain words; empty where there is nothing to add
}

// Value is one side of a change. Without any field the report does not have it.
type Value struct {
	Status  string  `json:"status,omitempty"`  // of a verdict or a rule
	Share   *Share  `json:"share,omitempty"`   // of a figure that is counted, or of a rule's violations
	Seconds *Spread `json:"seconds,omitempty"` // of a figure that is a time
}

// Share is a count, and of how many.
type Share struct {
	Count int `json:"count"`
	Of    int `json:"of"`
}

// Direction says where a change leads. The zero value is CannotTell: what nobody
// tested is neither better nor the same.
type Direction uint8

// The directions of a change.
const (
	CannotTell Direction = iota
	Same                 // the figures are equal, or so close that it does not matter
	Better
	Worse
)

var directionNames = [...]string{"~", "same", "better", "worse"}

// String returns "~", "same", "better" or "worse".
func (d Direction) String() string { return name(directionNames[:], int(d)) }

// MarshalText writes the direction's name.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a direction's name.
func (d *Direction) UnmarshalText(text []byte) error {
	return parse(d, directionNames[:], string(text))
}

// Regressed reports whether something is worse that a gate should fail on. That
// it is false does not mean that nothing is: see Judged.
func (d Diff) Regressed() bool {
	return slices.ContainsFunc(d.Subjects, func(s SubjectDiff) bool { return s.Verdict == Fail })
}

// Judged reports whether of every subject it could be told if it regressed.
// Without subjects nothing was told.
func (d Diff) Judged() bool {
	return len(d.Subjects) > 0 &&
		!slices.ContainsFunc(d.Subjects, func(s SubjectDiff) bool { return s.Verdict == Inconclusive })
}
