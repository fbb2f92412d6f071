package history

import (
	"slices"
)

// Fact is what a line of the server's ledger says.
type Fact uint8

// The facts a server records, and the mark that lastcall adds among them.
const (
	Unknown      Fact = iota
	Received          // the request reached the server's own code
	Executed          // its effect happened
	Answered          // the handler returned
	SignalMarked      // lastcall's mark, appended just before kill(2)
)

var factNames = [...]string{"unknown", "received", "executed", "answered", "signal"}

// String returns the fact's name.
func (f Fact) String() string { return name(factNames[:], int(f), "fact") }

// MarshalText writes the fact's name.
func (f Fact) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a fact's name; an unknown one is an error.
func (f *Fact) UnmarshalText(text []byte) error {
	return parse(f, factNames[:], string(text), "fact")
}

// LedgerLine is one line of the server's ledger. The order of lines is the
// order in which the kernel took them, and it decides what came before the
// signal.
type LedgerLine struct {
	Seq  uint32 `json:"seq"`
	Fact Fact   `json:"fact"`
}

// Ledger is the server's own record of what it did: the second witness. It is
// empty when the server keeps none.
type Ledger struct {
	Lines     []LedgerLine
	Foreign   int    // lines that carry another run's id, or none
	Torn      int    // lines that could not be read, such as a last one cut short
	Truncated bool   // what stood in the file is gone, lastcall's own mark perhaps
	Path      string // of the file, if the user has named it
}

// Present reports whether the server wrote a ledger at all. lastcall's own
// mark does not count.
func (l Ledger) Present() bool {
	for _, line := range l.Lines {
		if line.Fact != SignalMarked {
			return true
		}
	}
	return false
}

// Says reports whether the server ever stated that fact.
func (l Ledger) Says(f Fact) bool {
	return slices.ContainsFunc(l.Lines, func(line LedgerLine) bool { return line.Fact == f })
}

// Entry is what the ledger says of one request.
type Entry struct {
	Received     int // how often it was received
	Executed     int
	Answered     int
	BeforeSignal bool // its first "received" stands before the mark
}

// Entries collects the ledger by sequence number.
func (l Ledger) Entries() map[uint32]Entry {
	entries := make(map[uint32]Entry)
	signalled := false
	for _, line := range l.Lines {
		e := entries[line.Seq]
		switch line.Fact {
		case SignalMarked:
			signalled = true
			continue
		case Received:
			if e.Received == 0 {
				e.BeforeSignal = !signalled
			}
			e.Received++
		case Executed:
			e.Executed++
		case Answered:
			e.Answered++
		case Unknown:
			continue
		}
		entries[line.Seq] = e
	}
	return entries
}

// Applied is what the subject's store holds in the end, as a command of the
// user's has printed it: the witness for writes. Where nobody was asked it is
// zero.
type Applied struct {
	Looked  bool     `json:"looked"`            // the command said all that it had to say
	Command []string `json:"command,omitempty"` // as it was run
	Lines   []uint32 `json:"-"`                 // sequence numbers as they were printed; what is there twice was applied twice
	Foreign int      `json:"foreign,omitempty"` // ids of other shutdowns, which a lasting store holds as well
	Strange int      `json:"strange,omitempty"` // lines that are no id at all
	Sample  string   `json:"sample,omitempty"`  // the first of these
	Error   string   `json:"error,omitempty"`   // why it is not known
	Stderr  []string `json:"stderr,omitempty"`  // the command's last lines there
}

// Asked reports whether anybody was asked.
func (a Applied) Asked() bool { return len(a.Command) > 0 }

// Times returns how often each request was applied.
func (a Applied) Times() map[uint32]int {
	times := make(map[uint32]int)
	for _, seq := range a.Lines {
		times[seq]++
	}
	return times
}
