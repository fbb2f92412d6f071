package demo

import (
	"encoding/json"
	"time"

	"lastcall/harness/history"
)

const (
	// mostRows bounds a picture.
	mostRows = 4000
	// longest is how much of a deployment a picture shows after the signal.
	longest = 5 * time.Second
)

// Picture is one deployment as it is looked at afterwards. It is taken from the
// history, and shows what the verdict rests on.
type Picture struct {
	Panel      int     `json:"panel"`
	Deployment int     `json:"deployment"`
	From       float64 `json:"from"` // in milliseconds from the signal, as all
	To         float64 `json:"to"`
	Near       float64 `json:"near"` // the critical window is so much on either side of the signal
	Rows       []Row   `json:"rows"`
	Left       int     `json:"left"` // requests that there was no room for
	Marks      []Mark  `json:"marks"`
}

// MarshalJSON writes a row as four numbers: there are thousands.
func (r Row) MarshalJSON() ([]byte, error) {
	return json.Marshal([4]float64{r.Start, r.End, float64(r.Outcome), float64(r.Window)})
}

// picture takes the part of a history that shows what the signal did.
func picture(h *history.History) Picture {
	signal := h.Signal.Before
	delay := h.Header.Scenario.Subject.Delay.Duration
	before := min(max(delay+delay/2, 40*time.Millisecond), time.Second)
	after := before * 2 / 3
	if h.Exit.Seen {
		after = max(after, h.Exit.At-signal+before/2)
	}
	after = min(after, longest)
	p := Picture{
		From: milliseconds(-before), To: milliseconds(after), Near: max(20, milliseconds(delay/6)),
		Rows: []Row{}, Marks: []Mark{},
	}
	windows, _ := h.Windows()
	for i := range h.Requests {
		r := &h.Requests[i]
		if r.End < signal-before || r.Started > signal+after {
			continue
		}
		if len(p.Rows) == mostRows {
			p.Left++
			continue
		}
		p.Rows = append(p.Rows, Row{milliseconds(r.Started - signal), milliseconds(r.End - signal), r.Outcome, windows[i]})
	}
	for _, e := range h.Events {
		p.Marks = append(p.Marks, Mark{e.Name, milliseconds(e.At - signal)})
	}
	return p
}
