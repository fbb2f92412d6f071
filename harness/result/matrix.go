package result

import (
	"time"

	"lastcall/harness/history"
)

// MatrixSchema names the format of a matrix as JSON. Fields are only added within
// v1.
const MatrixSchema = "lastcall/matrix/v1"

// Matrix is how subjects did in several scenarios.
type Matrix struct {
	Schema      string              `json:"schema"`
	Tool        history.Tool        `json:"tool"`
	Environment history.Environment `json:"environment"`
	Seed        uint64              `json:"seed"`
	Started     time.Time           `json:"started"`
	Seconds     float64             `json:"seconds"`
	Status      Overall             `json:"status"`
	Scenarios   []string            `json:"scenarios"` // the columns
	Rows        []Row               `json:"rows"`      // in the order in which they were asked for
}

// Row is one subject in every scenario.
type Row struct {
	Subject string `json:"subject"`
	Bug     string `json:"bug,omitempty"`    // the number of the bug that it is known to carry
	Title   string `json:"title,omitempty"`  // what that bug is, and where it was reported
	Breaks  string `json:"breaks,omitempty"` // the rule that it is known to break, "" for a right one
	Due     int    `json:"due"`              // in how many scenarios it was to be run
	Cells   []Cell `json:"cells"`            // those that were run, in the order of the columns
}

// Add adds a cell. Of a scenario that the row has already it is another try, and both
// are put together.
func (r *Row) Add(c Cell, together func(first, second Cell) Cell) {
	for i, old := range r.Cells {
		if old.Scenario == c.Scenario {
			r.Cells[i] = together(old, c)
			return
		}
	}
	r.Cells = append(r.Cells, c)
}

// Cell is one subject in one scenario.
type Cell struct {
	Scenario  string   `json:"scenario"`
	Verdict   Verdict  `json:"verdict"`
	Broken    []string `json:"broken"` // the required rules that were violated, what explains others first
	Count     int      `json:"count"`  // violations of the first of these; if there is none, requests that were dropped nonetheless
	Shutdowns int      `json:"shutdowns"`
	Failed    int      `json:"failed"`             // shutdowns in which a required rule was violated
	Expected  []string `json:"expected,omitempty"` // the rules that should be violated, nil if nothing is expected; "pass" for none
	Surprise  string   `json:"surprise,omitempty"` // how it differs from what was expected, in words
	Why       string   `json:"why,omitempty"`      // the first sentence of its story
}

// Cell returns the row's cell of that scenario, if it was run.
func (r Row) Cell(scenario string) (Cell, bool) {
	for _, c := range r.Cells {
		if c.Scenario == scenario {
			return c, true
		}
	}
	return Cell{}, false
}
