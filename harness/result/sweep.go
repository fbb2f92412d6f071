package result

import (
	"time"

	"lastcall/harness/history"
)

// SweepSchema names the format of a sweep. Within v1 fields are only added.
const SweepSchema = "lastcall/sweep/v1"

// Sweep is the loss of requests as a function of the instant at which they were
// sent. All instants are in microseconds from the signal, the clock read just
// before kill(2); those before it are negative. A request's own is that at which the
// kernel put it onto the network, or where the kernel has not stamped it, the clock read
// just before its write(2).
type Sweep struct {
	Schema      string              `json:"schema"`
	Tool        history.Tool        `json:"tool"`
	Environment history.Environment `json:"environment"`
	Subject     string              `json:"subject"`
	Kind        string              `json:"kind"`   // "strategy" or "command"
	Signal      string              `json:"signal"` // its name
	Method      string              `json:"method"` // of the requests
	Seed        uint64              `json:"seed"`
	Started     time.Time           `json:"started"`
	Status      Overall             `json:"status"`    // pass: it was measured, whatever was lost
	Shutdowns   int                 `json:"shutdowns"` // the kinds of connections by turns
	Measured    int                 `json:"measured"`  // shutdowns that count: the others could not be carried out

	StepUS              float64     `json:"step_us"`               // the width of a bin
	EnoughShots         int         `json:"enough_shots"`          // how many requests a bin must count to say something where none was lost
	UncertaintyUS       SweepSpread `json:"uncertainty_us"`        // how exactly the offset of a request is known: what the call that sent the signal took, and that which sent the request, or less than that for a stamped one (history.History.Shot)
	SignalUncertaintyUS SweepSpread `json:"signal_uncertainty_us"` // how long the system call took that sent the signal
	LatenessUS          SweepSpread `json:"lateness_us"`           // how long after the intended instant a request was sent: it counts where it was
	Stamped             int         `json:"stamped"`               // requests that were written, and whose instant the kernel has stamped
	Unstamped           int         `json:"unstamped"`             // requests that were written, and whose instant is read just before write(2)

	Lanes    []SweepLane `json:"lanes"`
	Story    []string    `json:"story"` // what was lost and when, in plain sentences
	Warnings []string    `json:"warnings"`
}

// SweepSpread is a median and the worst. It is all zero without a sample.
type SweepSpread struct {
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// SweepLane is one kind of connection.
type SweepLane struct {
	Connections string     `json:"connections"` // "reused": had served, and was idle; "fresh": made for the request
	Sum         SweepCount `json:"sum"`         // of all bins
	Outside     int        `json:"outside"`     // requests that were sent outside all bins, and are in none
	Late        int        `json:"late"`        // requests that were discarded unsent, lastcall being late for them by more than a step
	Uncertain   int        `json:"uncertain"`   // requests that were discarded, their offset being known less exactly than to a step
	Unproved    int        `json:"unproved"`    // bins that prove nothing
	Measured    int        `json:"measured"`    // shutdowns that count
	Shutdowns   int        `json:"shutdowns"`   // in which a request was lost

	EarliestUS *float64     `json:"earliest_us"` // of the first request that was lost, null if none was
	LatestUS   *float64     `json:"latest_us"`   // of the last
	Window     *SweepWindow `json:"window"`      // from the first bin to the last of which, with its neighbours, at least half of the share is lost that is lost in the worst; null if that is not proved to be more than one in twenty
	Widest     *SweepWindow `json:"widest"`      // the longest run of bins of which each is proved to lose requests, null if none is
	Bins       []SweepBin   `json:"bins"`
}

// SweepWindow is a stretch of time around the signal.
type SweepWindow struct {
	FromUS float64 `json:"from_us"`
	ToUS   float64 `json:"to_us"`
}

// SweepBin is what became of the requests that were sent within one step.
type SweepBin struct {
	SweepWindow // its end belongs to the next one
	SweepCount
	ProvesNothing bool `json:"proves_nothing"` // fewer than enough_shots requests count, and none was lost

	Shutdowns int      `json:"shutdowns"` // in which a request was lost
	Rate      *float64 `json:"rate"`      // of the requests at risk, the share that was lost; null without any
	Low       *float64 `json:"low"`       // its two-sided 95 % Clopper-Pearson interval
	High      *float64 `json:"high"`
}

// Counted is how many requests say something.
func (c SweepCount) Counted() int { return c.Sent - c.Unsent }

// Discarded is how many requests count in no bin for what lastcall itself met.
func (l SweepLane) Discarded() int { return l.Late + l.Uncertain }

// SweepCount says how requests ended.
type SweepCount struct {
	Sent      int `json:"sent"`      // or would have been: all that follows
	Completed int `json:"completed"` // a whole answer, 200-399
	Rejected  int `json:"rejected"`  // a whole answer, 503 or 429
	Failed    int `json:"failed"`    // a whole answer of another status
	Refused   int `json:"refused"`   // no process listened
	Closed    int `json:"closed"`    // the idle connection was seen to be closed, and nothing was written
	Unsent    int `json:"unsent"`    // our own shortage
	Lost      int `json:"lost"`      // written, and no whole answer came
	AtRisk    int `json:"at_risk"`   // sent, less refused, closed and unsent

	// What the server's ledger says of the lost. Without a ledger all are unknown.
	Executed  int `json:"executed"`   // the effect happened, and no answer came
	Received  int `json:"received"`   // it reached the server's code, and no effect is recorded
	NeverRead int `json:"never_read"` // it never did
	Unknown   int `json:"unknown"`
}
