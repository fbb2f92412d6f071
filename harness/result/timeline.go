package result

// Timeline is one shutdown in a line of letters, one for each column of time,
// for those who have no more than a terminal. It tells of the worst shutdown.
type Timeline struct {
	Shutdown int     `json:"shutdown"`
	FromMS   float64 `json:"from_ms"`   // where the first column begins, from the signal: 0 is the begin of a column
	ColumnMS float64 `json:"column_ms"` // how long a column is
	Strip    string  `json:"strip"`     // for each column the mark of the commonest trouble that ended in it, else of what matters most
}

// The marks of a timeline, from what matters least to the worst.
const (
	MarkNothing   byte = ' ' // no request ended
	MarkCompleted byte = '.'
	MarkKept      byte = '=' // completed, and it was in flight at the signal
	MarkRefused   byte = 'r'
	MarkUnsent    byte = '?'
	MarkRejected  byte = '!'
	MarkFailed    byte = 'E'
	MarkDropped   byte = 'x'
)

// Marks lists the marks, from what matters least to the worst.
func Marks() []byte {
	return []byte{MarkNothing, MarkCompleted, MarkKept, MarkRefused, MarkUnsent, MarkRejected, MarkFailed, MarkDropped}
}
