// Package result holds what was judged: the one model that every report
// renders, and what the JSON report is, byte for byte.
package result

import (
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// Schema names the format of a suite. Within v1 fields are only added.
const Schema = "lastcall/suite/v1"

// Suite is the result of one run.
type Suite struct {
	Schema      string              `json:"schema"`
	Tool        history.Tool        `json:"tool"`
	Environment history.Environment `json:"environment"`
	Scenario    scenario.Scenario   `json:"scenario"` // as executed, defaults filled in
	Seed        uint64              `json:"seed"`
	Started     time.Time           `json:"started"`
	Seconds     float64             `json:"seconds"`
	Status      Overall             `json:"status"`
	Subjects    []Subject           `json:"subjects"`
	Absent      int                 `json:"absent,omitempty"` // subjects of the run that were never stopped, because it broke off
	Warnings    []string            `json:"warnings"`
}

// Subject is the result for one strategy or command.
type Subject struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"` // "strategy", "command" or "running"
	Verdict Verdict  `json:"verdict"`
	Story   []string `json:"story"`            // what happened to whom, why, and what would save them, in plain sentences
	Remedy  string   `json:"remedy,omitempty"` // the sentence of the story that says which change helps
	// Untested are the required rules, and what each takes, by which one that passes
	// was not put to the test though it could have been.
	Untested []string `json:"untested,omitempty"`

	Shutdowns       int `json:"shutdowns"`
	ShutdownsFailed int `json:"shutdowns_failed"` // in which a required rule was violated
	ShutdownsIntact int `json:"shutdowns_intact"` // that could be judged

	Requests history.Counts `json:"requests"`
	InFlight history.Counts `json:"in_flight"`
	Late     history.Counts `json:"late"`
	Edge     history.Counts `json:"edge"` // dropped, and read so shortly before the signal that the server may not have begun with them; the rules of late requests judge them
	AtRisk   int            `json:"at_risk"`

	DroppedByCause DroppedByCause `json:"dropped_by_cause"`
	Masked         int            `json:"masked"` // losses that Go's own client would have replayed and hidden
	Stale          int            `json:"stale"`  // connections found dead before a byte was written
	Bounds         Bounds         `json:"bounds"`
	Ledger         Ledger         `json:"ledger"`

	Exits       []Exit    `json:"exits"`
	ExitSeconds Spread    `json:"exit_seconds"` // from the signal
	LatencyMS   Quantiles `json:"latency_ms"`   // of completed requests, from when each was due to its end, without those of the first half of the warm-up
	Findings    []Finding `json:"findings"`
	Probes      []Probe   `json:"probes,omitempty"` // in the order of the catalogue
	Details     []Detail  `json:"details"`
	Timeline    *Timeline `json:"timeline,omitempty"` // of the worst shutdown
}

// DroppedByCause splits the dropped requests.
type DroppedByCause struct {
	Closed    int `json:"closed"`
	Reset     int `json:"reset"`
	Truncated int `json:"truncated"`
	Hung      int `json:"hung"`
	Corrupt   int `json:"corrupt"`
}

// Bounds are one-sided 95 % upper bounds: what the true share may be, in the mean
// over shutdowns, given the sample. The shutdown is the trial, since what its
// requests meet they meet together: three shutdowns without a loss bound nothing below
// 63 %, however many requests they had. They are null, or
// absent, where there is no sample.
type Bounds struct {
	PerRequest   *float64 `json:"per_request"`              // of the requests at risk, that are lost (one in flight also if it is rejected)
	PerShutdown  *float64 `json:"per_shutdown"`             // of the shutdowns, that fail
	InFlightLost *float64 `json:"in_flight_lost,omitempty"` // of the requests in flight, that are not completed
	LateLost     *float64 `json:"late_lost,omitempty"`      // of the requests sent in the worst half second of a shutdown, that come late and are dropped: what --max-loss judges
}

// Ledger counts what the server's own record says.
type Ledger struct {
	Received             int `json:"received"`
	Executed             int `json:"executed"`
	Answered             int `json:"answered"`
	Applied              int `json:"applied,omitempty"` // as the store was found to hold them in the end
	NeverRead            int `json:"never_read"`        // dropped, and the server never received them
	LostAcks             int `json:"lost_acks"`         // acknowledged, and neither applied nor, without a look-up, executed
	Duplicates           int `json:"duplicates"`        // ids that were executed or applied more than once
	UnansweredExecutions int `json:"unanswered_executions"`
}

// Exit is one way in which the subject's process ended, and how often.
type Exit struct {
	Code   int    `json:"code"`   // -1 if a signal ended it
	Signal string `json:"signal"` // "" unless a signal ended it
	Killed bool   `json:"killed"` // by lastcall, the grace period being over
	Count  int    `json:"count"`
}

// Spread is never a bare mean. It is all zero without a sample.
type Spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// SpreadOf is the range of the values and their median: the zero Spread without any.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	mid := len(v) / 2
	median := v[mid]
	if len(v)%2 == 0 {
		median = (v[mid-1] + v[mid]) / 2
	}
	return Spread{Min: v[0], Median: median, Max: v[len(v)-1]}
}

// Quantiles of a latency, in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Finding is what one rule came to.
type Finding struct {
	Rule      string     `json:"rule"`
	Status    Status     `json:"status"`
	Count     int        `json:"count"`  // of violations
	Judged    int        `json:"judged"` // of what the rule looked at
	Expected  string     `json:"expected"`
	Detail    string     `json:"detail"` // what was seen
	Reference string     `json:"reference"`
	Evidence  []Evidence `json:"evidence"`
}

// Evidence points at what proves a finding: a shutdown, and the request in it
// where there is one.
type Evidence struct {
	Shutdown int     `json:"shutdown"`
	Seq      *uint32 `json:"seq,omitempty"`
}

// Detail is one shutdown.
type Detail struct {
	Shutdown int            `json:"shutdown"`
	Seed     uint64         `json:"seed"`
	Intact   bool           `json:"intact"`
	Requests history.Counts `json:"requests"`
	InFlight history.Counts `json:"in_flight"`
	Late     history.Counts `json:"late"`
	Edge     history.Counts `json:"edge"`
	Witness  Witness        `json:"witness"`
	GuardMS  float64        `json:"guard_ms"`    // where only times are known: see history.History.Windows
	SlipMS   float64        `json:"slip_p99_ms"` // how late the slowest hundredth of our requests started
	LagP99MS float64        `json:"lag_p99_ms"`  // the same, by its name of old
	Signal   DetailSignal   `json:"signal"`
	Events   []Event        `json:"events"`
	Exit     Exit           `json:"exit"`

	Delivery  history.Delivery   `json:"delivery,omitzero"`   // who was told to stop, and who should have been
	Operation *history.Operation `json:"operation,omitempty"` // what was run instead of a signal
	Left      history.Left       `json:"left,omitzero"`       // what lived on after the exit
	Parked    []Parked           `json:"parked,omitempty"`    // connections held beside the requests, by kind

	Stderr   []string `json:"stderr,omitempty"` // last lines, when something went wrong
	Warnings []string `json:"warnings"`
}

// LateOrEdge counts what the rules of late requests judge.
func (s Subject) LateOrEdge() history.Counts { return s.Late.Plus(s.Edge) }

// LateOrEdge counts what the rules of late requests judge.
func (d Detail) LateOrEdge() history.Counts { return d.Late.Plus(d.Edge) }

// Witness says how it is known what the server had read as the signal came.
type Witness struct {
	Kernel  bool    `json:"kernel"`            // the kernel showed it; else it is inferred from times
	Missing string  `json:"missing,omitempty"` // why the kernel did not
	Looks   int     `json:"looks"`             // how often the kernel was asked
	Closing int     `json:"closings"`          // instants at which the server closed something that was idle
	MaxSlip float64 `json:"max_slip_ms"`       // lastcall's own greatest lateness between the signal and the exit
}

// Parked counts connections of one kind that were held beside the requests.
type Parked struct {
	Kind  string `json:"kind"`  // silent, idle, websocket or events
	Asked int    `json:"asked"` // by the scenario
	Held  int    `json:"held"`  // open at the signal
	Clean int    `json:"clean"` // of these, that the server took its leave of
	Cut   int    `json:"cut"`   // of these, that it hung up on without a word
	// Ended are websockets and event streams that a server ended, in either way, which
	// had promised to stay up.
	Ended int `json:"ended,omitempty"`
}

// DetailSignal is how well the signal was placed.
type DetailSignal struct {
	Sent          bool    `json:"sent"`
	UncertaintyUS float64 `json:"uncertainty_us"` // the system call lay within so much time
	Open          int     `json:"open"`           // requests open as it was sent
	MeanOpen      float64 `json:"mean_open"`      // during warm-up
}

// Event happened at so many milliseconds from the signal.
type Event struct {
	Name string  `json:"name"`
	MS   float64 `json:"ms"`
}
