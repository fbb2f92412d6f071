package result

// Probe is what one placed probe came to: connections were parked in one exact
// state, and then the signal came.
type Probe struct {
	Probe       string      `json:"probe"`   // as in "http1/in-handler"
	Variant     string      `json:"variant"` // as in "cold" or "warm"; "" if there is only one
	Status      ProbeStatus `json:"status"`
	Lost        int         `json:"lost"`        // requests or connections, over all repeats
	Of          int         `json:"of"`          // that were in the state
	Seen        string      `json:"seen"`        // what became of them, or why that is not known
	State       string      `json:"state"`       // in which they were as the signal came
	Proof       string      `json:"proof"`       // that they were
	Requirement string      `json:"requirement"` // what is asked of the server
	Reference   string      `json:"reference"`   // who asks for it
	Remedy      string      `json:"remedy"`      // what would help, also where it was skipped
	Bugs        []string    `json:"bugs"`        // that real servers had, by number
	Repeats     int         `json:"repeats"`     // each on a fresh process
}

// ProbeStatus is what a probe came to. The zero value is inconclusive, and it is
// never green.
type ProbeStatus uint8

// The statuses of a probe.
const (
	ProbeInconclusive ProbeStatus = iota // the state was not reached, or the repeats do not agree
	ProbePass
	ProbeWarn
	ProbeFail
	ProbeSkip // it does not apply, or something that it needs is not known
)

var probeNames = [...]string{"inconclusive", "pass", "warn", "fail", "skip"}

// String returns the status's name.
func (s ProbeStatus) String() string { return name(probeNames[:], int(s)) }

// MarshalText writes the status's name.
func (s ProbeStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a status's name.
func (s *ProbeStatus) UnmarshalText(text []byte) error {
	return parse(s, probeNames[:], string(text))
}
