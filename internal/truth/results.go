package truth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Mode is what a machine does beside the run.
type Mode string

// The modes. Any other one is the name of a user under whom all runs, quietly.
const (
	Quiet Mode = "quiet"
	Busy  Mode = "busy"
	Quota Mode = "quota" // with a part of the CPU only
)

// starved says that a run may be inconclusive, whatever the row deserves.
func (m Mode) starved() bool { return m == Busy || m == Quota }

// Result is one line of the results file.
type Result struct {
	Digest string   `json:"digest"` // of lastcall, of the servers and of the row
	Row    string   `json:"row"`
	Mode   Mode     `json:"mode"`
	Run    int      `json:"run"` // from 1
	Faults []string `json:"faults,omitempty"`
	Doubts int      `json:"doubts,omitempty"` // how often it was inconclusive before, and run again
	Outcome
}

// key tells what a result is a result of.
type key struct {
	digest, row string
	mode        Mode
	run         int
}

func (r Result) key() key { return key{r.Digest, r.Row, r.Mode, r.Run} }

// results are those of a file to which more are appended.
type results struct {
	path string
	all  []Result
	have map[key]bool
}

// openResults reads what an earlier run has left. That there is no file is fine.
// A last line that is cut, by a runner that was killed, is removed.
func openResults(path string) (*results, error) {
	r := &results{path: path, have: map[key]bool{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	n := 0
	for line := range bytes.Lines(text[:whole]) {
		n++
		var one Result
		if err := json.Unmarshal(line, &one); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		r.keep(one)
	}
	if whole < len(text) {
		return r, os.Truncate(path, int64(whole))
	}
	return r, nil
}

func (r *results) keep(one Result) {
	r.all = append(r.all, one)
	r.have[one.key()] = true
}

// add appends a result to the file, in one write: what is there after a kill is
// whole lines.
func (r *results) add(one Result) error {
	line, err := json.Marshal(one)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	r.keep(one)
	return nil
}

// latest returns, for each row and mode, the results of the code that it was last
// run with.
func (r *results) latest() []Result {
	type place struct {
		row  string
		mode Mode
	}
	digest := map[place]string{}
	for _, one := range r.all {
		digest[place{one.Row, one.Mode}] = one.Digest
	}
	return slices.DeleteFunc(slices.Clone(r.all), func(one Result) bool { return digest[place{one.Row, one.Mode}] != one.Digest })
}
