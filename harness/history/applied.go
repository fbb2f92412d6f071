package history

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
