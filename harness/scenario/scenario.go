package scenario

import (
	"cmp"
	"time"
)

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
	Overrides  Overrides  `json:"overrides,omitzero" yaml:"overrides,omitempty"`
	Needs      []string   `json:"needs,omitempty" yaml:"needs,omitempty"`     // rules that must have judged something, or there is no pass
	Shutdowns  int        `json:"shutdowns" yaml:"shutdowns"`                 // repetitions for each subject
	Reports    []string   `json:"reports,omitempty" yaml:"reports,omitempty"` // FORMAT or FORMAT=PATH, as in junit=report.xml

	// Expect names the strategies of the sample service that pass ("pass"), and
	// those that fail by each rule. It is no part of what is executed, so no
	// history has it.
	Expect map[string][]string `json:"-" yaml:"expect,omitempty"`
}

// Subject says what is tested. A strategy of the sample service knows only
// Delay; all else is for a command of the user's, or for a server that runs
// already.
type Subject struct {
	Delay        Duration          `json:"delay" yaml:"delay"`                                    // how long the sample handler works on a request
	Name         string            `json:"name,omitempty" yaml:"name,omitempty"`                  // in the reports; by default the command's
	Command      []string          `json:"command,omitempty" yaml:"command,omitempty"`            // the program and its arguments; {port} is replaced
	Dir          string            `json:"dir,omitempty" yaml:"dir,omitempty"`                    // its working directory
	Env          map[string]string `json:"env,omitempty" yaml:"env,omitempty"`                    // added to its environment; {port} is replaced
	URL          string            `json:"url,omitempty" yaml:"url,omitempty"`                    // where it serves; {port} is replaced
	Front        bool              `json:"front,omitempty" yaml:"front,omitempty"`                // another process listens at the URL, stays up, and relays to the command
	Ready        string            `json:"ready,omitempty" yaml:"ready,omitempty"`                // readiness check, a URL or a path of URL: 2xx is ready
	ReadyTimeout Duration          `json:"ready_timeout,omitzero" yaml:"ready-timeout,omitempty"` // how long it may take until it is ready
	CA           string            `json:"ca,omitempty" yaml:"ca,omitempty"`                      // PEM file of the certificates to trust, for https
	Insecure     bool              `json:"insecure,omitempty" yaml:"insecure,omitempty"`          // trust any certificate
	AllowRemote  bool              `json:"allow_remote,omitempty" yaml:"allow-remote,omitempty"`  // the URL may lead to another machine
	Ledger       string            `json:"ledger,omitempty" yaml:"ledger,omitempty"`              // the file that it keeps its ledger in, if not LASTCALL_LEDGER; {port} is replaced
	Applied      []string          `json:"applied,omitempty" yaml:"applied,omitempty"`            // a command that prints the ids that were applied, one a line; {port} and {pid} are replaced
}

// The kinds of subjects.
const (
	KindStrategy = "strategy" // of the sample service
	KindCommand  = "command"  // of the user's, which lastcall starts
	KindRunning  = "running"  // it runs already, and goes on
)

// Load describes the open-loop attack.
type Load struct {
	Rate        int         `json:"rate" yaml:"rate"`                 // requests per second
	Method      string      `json:"method" yaml:"method"`             // HTTP method
	Connections Connections `json:"connections" yaml:"connections"`   // kept-alive, new, or half and half
	Timeout     Duration    `json:"timeout" yaml:"timeout,omitempty"` // a request's deadline, from its start
	WarmUp      Duration    `json:"warm_up" yaml:"warm-up"`           // load before the signal may come; 0: until a steady state is seen
	Jitter      Duration    `json:"jitter" yaml:"jitter"`             // at most so much is added to warm-up, by seed; as executed, the span of Started
	Trigger     Duration    `json:"trigger" yaml:"trigger"`           // how long to wait for enough open requests
	Tail        Duration    `json:"tail" yaml:"tail"`                 // the rate is kept so long after the signal, and lowered then until the exit
	MaxOpen     int         `json:"max_open" yaml:"max-open"`         // the load pauses at so many open requests

	Requests     []Target `json:"requests,omitempty" yaml:"requests,omitempty"`           // sent in turn; by default one of Method to the subject's URL
	RequestsFile string   `json:"requests_file,omitempty" yaml:"requests-file,omitempty"` // more of them, in vegeta's own target format
	ExpectStatus string   `json:"expect_status,omitempty" yaml:"expect-status,omitempty"` // statuses that count as completed, as in 200,204,300-399
	ExpectBody   string   `json:"expect_body,omitempty" yaml:"expect-body,omitempty"`     // regular expression that a completed answer's body matches
	Parked       []Park   `json:"parked,omitempty" yaml:"parked,omitempty"`               // connections that are held over the signal, beside the requests
}

// Target is one of the requests that are sent in turn. {id} in its URL, the
// values of its header and its body is replaced by the id of each request.
type Target struct {
	Method   string            `json:"method,omitempty" yaml:"method,omitempty"` // by default the load's
	URL      string            `json:"url" yaml:"url"`                           // a path of the subject's URL, or a URL of the same host
	Header   map[string]string `json:"header,omitempty" yaml:"header,omitempty"`
	Body     string            `json:"body,omitempty" yaml:"body,omitempty"`
	BodyFile string            `json:"body_file,omitempty" yaml:"body-file,omitempty"` // instead of Body
}

// MaxRate bounds Load.Rate, in requests per second: more than one machine can
// send while it also serves.
const MaxRate = 20_000

// MaxShutdowns bounds Scenario.Shutdowns: a thousand take an hour.
const MaxShutdowns = 1000

// Disruption is what happens to the subject under load: signals, or, if While is
// set, a command during which the subject promises to stay up.
type Disruption struct {
	Signal string   `json:"signal" yaml:"signal"`                     // name or number, or a sequence, as in SIGTERM,2s,SIGTERM
	Target string   `json:"target,omitempty" yaml:"target,omitempty"` // who gets it: leader, group or owner; by default as the policy's platform does
	Grace  Duration `json:"grace,omitzero" yaml:"grace,omitempty"`    // after it comes SIGKILL; by default the policy's
	Lag    Duration `json:"lag,omitzero" yaml:"lag,omitempty"`        // new requests stop so long after the signal, as when a balancer has learned; 0: they go on
	While  []string `json:"while,omitempty" yaml:"while,omitempty"`   // a command to run instead of a signal; {port} and {pid} are replaced
	Settle Duration `json:"settle,omitzero" yaml:"settle,omitempty"`  // how long the load goes on after that command
	When   string   `json:"when,omitempty" yaml:"when,omitempty"`     // in which state the signal finds the subject: Loaded, Ready or Started; "" is Loaded
}

// The states in which a signal can find a subject.
const (
	Loaded  = "loaded"  // at work, with requests in flight
	Ready   = "ready"   // just ready, before any request
	Started = "started" // at a random instant after its start, within twice the time that it takes to be ready
)

// Unloaded reports whether no load is sent, so that only the exit is judged.
func (d Disruption) Unloaded() bool { return d.When == Ready || d.When == Started }

// The processes that can be told to stop.
const (
	Leader = "leader" // the command itself, as a container's runtime does
	Group  = "group"  // its whole process group, as systemd and a terminal do
	Owner  = "owner"  // the process that holds the listening socket
)

// Overrides changes numbers and rules of the policy. What is zero stays as the
// policy has it.
type Overrides struct {
	MinAtRisk int               `json:"min_at_risk,omitempty" yaml:"min-at-risk,omitempty"` // fewer requests at risk prove nothing
	MaxLoss   Share             `json:"max_loss,omitzero" yaml:"max-loss,omitempty"`        // late losses are gated by their 95 % bound over shutdowns
	ExitCodes []int             `json:"exit_codes,omitempty" yaml:"exit-codes,omitempty"`   // as good as 0
	Rules     map[string]string `json:"rules,omitempty" yaml:"rules,omitempty"`             // off, warn or fail, by rule
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

// longestWarmUp is how long a server is loaded that shows no steady state, where the
// scenario does not say how long.
const longestWarmUp = 700 * time.Millisecond

// Warm returns how long the subject is loaded before the signal may come: the
// warm-up, but at least until the first requests have been answered, since a
// server that has answered nothing has shown no steady state.
func (s Scenario) Warm() time.Duration {
	return max(cmp.Or(s.Load.WarmUp.Duration, longestWarmUp), s.answered())
}

// Settled returns how long it is loaded at the least: where the scenario does not say
// how long the warm-up is, it ends when a steady state is seen.
func (s Scenario) Settled() time.Duration {
	if s.Load.WarmUp.Duration > 0 {
		return s.Warm()
	}
	return s.answered()
}

// answered is when the first requests have been answered, and those after them.
func (s Scenario) answered() time.Duration { return s.Subject.Delay.Duration + 300*time.Millisecond }
