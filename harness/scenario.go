package harness

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/process"
)

// Scenario is the read-only description of one experiment. It is an alias, so
// that a history can embed the scenario it came from and still be a leaf.
type Scenario = history.Scenario

// The bounds of what a scenario may ask for.
const (
	MaxRate      = history.MaxRate // requests per second
	MaxShutdowns = history.MaxShutdowns
	MaxOpen      = 10_000 // well under what descriptors a process may have
	MaxDuration  = time.Hour
	MaxJitter    = time.Minute
)

// Methods returns the HTTP methods that a request can have.
func Methods() []string {
	return []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
		http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
}

// DefaultScenario returns the scenario that everything else starts from.
func DefaultScenario() Scenario {
	return Scenario{
		Name:    "steady",
		Subject: history.Subject{Delay: history.Millis(100)},
		Load: history.Load{
			Rate: 500, Method: http.MethodGet, Connections: history.Mixed,
			Jitter:  history.Millis(200),
			Trigger: history.Seconds(5), Tail: history.Seconds(5), MaxOpen: 2000,
		},
		Disruption: history.Disruption{Signal: "SIGTERM"},
		Policy:     "default",
		Shutdowns:  3,
	}
}

// The numbers of a scenario that no policy has filled in.
const (
	defaultGrace        = 10 * time.Second
	defaultReadyTimeout = 10 * time.Second
	defaultSettle       = 2 * time.Second
)

// Complete returns the scenario with what was left out filled in: the timeout
// is grace and five seconds (at most MaxDuration), unless it is given. A known
// signal gets its full name, by which the rules compare it. What a policy decides
// (check.Resolve) is to be filled in before; where none has, the default policy's
// numbers hold.
func Complete(s Scenario) Scenario {
	if steps, err := process.ParseSequence(s.Disruption.Signal); err == nil {
		s.Disruption.Signal = process.FormatSequence(steps)
	}
	fill := func(d *history.Duration, value time.Duration) {
		if d.Duration == 0 {
			d.Duration = value
		}
	}
	fill(&s.Disruption.Grace, defaultGrace)
	fill(&s.Load.Timeout, min(s.Disruption.Grace.Duration+5*time.Second, MaxDuration))
	if len(s.Subject.Command) > 0 || s.Subject.URL != "" {
		fill(&s.Subject.ReadyTimeout, defaultReadyTimeout)
	}
	if len(s.Disruption.While) > 0 {
		fill(&s.Disruption.Settle, defaultSettle)
	}
	if s.Disruption.Target == "" {
		s.Disruption.Target = history.Leader
	}
	return s
}

// Invalid is a scenario's mistake: which field, what is wrong with it, and what
// would be right.
type Invalid = history.Invalid

// Validate returns the scenario's first mistake, as an *Invalid, or nil. Every
// run starts with it, before any process does.
func Validate(s Scenario) error {
	checks := []error{
		number("load.rate", s.Load.Rate, 1, MaxRate),
		number("load.max-open", s.Load.MaxOpen, 1, MaxOpen),
		number("shutdowns", s.Shutdowns, 1, MaxShutdowns),
		duration("subject.delay", s.Subject.Delay, 0),
		duration("disruption.grace", s.Disruption.Grace, time.Millisecond), // before the timeout, which follows from it (Complete)
		duration("load.timeout", s.Load.Timeout, time.Millisecond),
		duration("load.warm-up", s.Load.WarmUp, 0),
		within("load.jitter", s.Load.Jitter, 0, MaxJitter),
		duration("load.trigger", s.Load.Trigger, 0),
		duration("load.tail", s.Load.Tail, 0),
		duration("disruption.lag", s.Disruption.Lag, 0),
		duration("disruption.settle", s.Disruption.Settle, 0),
		duration("subject.ready-timeout", s.Subject.ReadyTimeout, 0),
		oneOf("disruption.target", s.Disruption.Target, []string{history.Leader, history.Group, history.Owner}),
		oneOf("load.method", s.Load.Method, Methods()),
		oneOf("load.connections", string(s.Load.Connections), []string{
			string(history.Mixed), string(history.Reused), string(history.Fresh),
		}),
		ValidSignal(s.Disruption.Signal),
		validOpen(s),
		validTimeout(s),
		validCommand("subject.command", s.Subject.Command),
		validCommand("subject.applied", s.Subject.Applied),
		validCommand("disruption.while", s.Disruption.While),
		validEnv(s.Subject.Env),
		validSubjectURL(s.Subject),
		validRequests(s.Load),
		validExpectation(s.Load),
		ValidParked(s.Load),
		validWhen(s),
		validSequence(s.Disruption),
		validLag(s.Disruption),
	}
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	return nil
}

func number(field string, n, low, high int) error {
	if n < low || n > high {
		return &Invalid{Field: field, Problem: fmt.Sprintf("is %d, must be from %d to %d", n, low, high)}
	}
	return nil
}

func duration(field string, d history.Duration, low time.Duration) error {
	return within(field, d, low, MaxDuration)
}

func within(field string, d history.Duration, low, high time.Duration) error {
	if d.Duration < low || d.Duration > high {
		return &Invalid{Field: field, Problem: fmt.Sprintf("is %s, must be from %s to %s", d, low, high)}
	}
	return nil
}

func oneOf(field, value string, allowed []string) error {
	if !slices.Contains(allowed, value) {
		return &Invalid{Field: field, Problem: fmt.Sprintf("is %q, must be one of %s", value, strings.Join(allowed, ", "))}
	}
	return nil
}

// ValidSignal refuses what is no signal, nor a sequence of signals.
func ValidSignal(name string) error {
	if _, err := process.ParseSequence(name); err != nil {
		return &Invalid{Field: "disruption.signal", Problem: err.Error()}
	}
	return nil
}

// validOpen refuses a load that would meet its own cap before the signal: by
// Little's law rate times delay requests are open at any time.
func validOpen(s Scenario) error {
	expected := float64(s.Load.Rate) * s.Subject.Delay.Seconds()
	if expected > float64(s.Load.MaxOpen) {
		return &Invalid{
			Field: "load.rate", Of: []string{"load.rate", "subject.delay", "load.max-open"},
			Problem: fmt.Sprintf(
				"%d with a delay of %s keeps %.0f requests open, more than load.max-open %d: lower the rate or the delay",
				s.Load.Rate, s.Subject.Delay, expected, s.Load.MaxOpen,
			),
		}
	}
	return nil
}

func validTimeout(s Scenario) error {
	if s.Load.Timeout.Duration <= s.Subject.Delay.Duration {
		return &Invalid{
			Field: "load.timeout", Of: []string{"load.timeout", "subject.delay", "disruption.grace"},
			Problem: fmt.Sprintf(
				"is %s, must be more than the delay of %s, or every request times out", s.Load.Timeout, s.Subject.Delay,
			),
		}
	}
	return nil
}

// validSequence refuses a sequence of signals of which the last would come after
// SIGKILL.
func validSequence(d history.Disruption) error {
	steps, err := process.ParseSequence(d.Signal)
	if err != nil {
		return nil // another check says so
	}
	var takes time.Duration
	for _, step := range steps {
		takes += step.After
	}
	if takes >= d.Grace.Duration {
		return &Invalid{Field: "disruption.signal", Of: []string{"disruption.signal", "disruption.grace"}, Problem: fmt.Sprintf(
			"is %s, and its last signal would come %s after the first, later than the grace period of %s: raise the grace period", d.Signal, takes, d.Grace)}
	}
	return nil
}

// validLag refuses a balancer that learns of the end only when SIGKILL has made it.
func validLag(d history.Disruption) error {
	if len(d.While) > 0 || d.Lag.Duration == 0 || d.Lag.Duration < d.Grace.Duration {
		return nil
	}
	return &Invalid{Field: "disruption.lag", Of: []string{"disruption.lag", "disruption.grace"}, Problem: fmt.Sprintf(
		"is %s, must be less than the grace period of %s, because the server is killed then", d.Lag, d.Grace)}
}
