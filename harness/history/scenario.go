package history

import "time"

// Scenario is the read-only description of one experiment: what is loaded how,
// what disrupts it, and by which policy it is judged. It is embedded in every
// history, so that a history can be judged again without anything else.
type Scenario struct {
	Name       string     `json:"name" yaml:"name"`
	Purpose    string     `json:"purpose" yaml:"purpose"`
	Subject    Subject    `json:"subject" yaml:"subject"`
	Load       Load       `json:"load" yaml:"load"`
	Disruption Disruption `json:"disruption" yaml:"disruption"`
	Policy     string     `json:"policy" yaml:"policy"`
	Shutdowns  int        `json:"shutdowns" yaml:"shutdowns"` // repetitions for each subject
}

// Subject holds the knobs of the sample service.
type Subject struct {
	Delay Duration `json:"delay" yaml:"delay"` // how long the sample handler works on a request
}

// Load describes the open-loop attack.
type Load struct {
	Rate        int         `json:"rate" yaml:"rate"`               // requests per second
	Method      string      `json:"method" yaml:"method"`           // HTTP method
	Connections Connections `json:"connections" yaml:"connections"` // kept-alive, new, or half and half
	Timeout     Duration    `json:"timeout" yaml:"timeout"`         // a request's deadline, from its start
	WarmUp      Duration    `json:"warm_up" yaml:"warm-up"`         // load before the signal may come
	Jitter      Duration    `json:"jitter" yaml:"jitter"`           // at most so much is added to warm-up, by seed
	Trigger     Duration    `json:"trigger" yaml:"trigger"`         // how long to wait for enough open requests
	Tail        Duration    `json:"tail" yaml:"tail"`               // the load pauses so long after the signal
	MaxOpen     int         `json:"max_open" yaml:"max-open"`       // the load pauses at so many open requests
}

// MaxRate bounds Load.Rate, in requests per second: more than one machine can
// send while it also serves.
const MaxRate = 20_000

// Disruption is what happens to the subject under load.
type Disruption struct {
	Signal string   `json:"signal" yaml:"signal"` // name, as in SIGTERM
	Grace  Duration `json:"grace" yaml:"grace"`   // after it comes SIGKILL
}

// Connections says on which connections the requests travel.
type Connections string

// The ways to connect. Mixed sends every other request on a connection of its
// own; both lanes are told apart in the history.
const (
	Mixed  Connections = "mixed"
	Reused Connections = "reused"
	Fresh  Connections = "fresh"
)

// Warm returns how long the subject is loaded before the signal may come: the
// warm-up, but at least until the first requests have been answered, since a
// server that has answered nothing has shown no steady state.
func (s Scenario) Warm() time.Duration {
	return max(s.Load.WarmUp.Duration, s.Subject.Delay.Duration+300*time.Millisecond)
}
