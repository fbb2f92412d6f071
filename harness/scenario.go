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
	MaxShutdowns = 1000
	maxOpenLimit = 10_000 // well under what descriptors a process may have
	maxDuration  = time.Hour
)

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
	http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// DefaultScenario returns the scenario that everything else starts from.
func DefaultScenario() Scenario {
	return Scenario{
		Name:    "steady",
		Subject: history.Subject{Delay: history.Millis(100)},
		Load: history.Load{
			Rate: 500, Method: http.MethodGet, Connections: history.Mixed,
			WarmUp: history.Millis(700), Jitter: history.Millis(200),
			Trigger: history.Seconds(5), Tail: history.Seconds(5), MaxOpen: 2000,
		},
		Disruption: history.Disruption{Signal: "SIGTERM", Grace: history.Seconds(10)},
		Policy:     "default",
		Shutdowns:  3,
	}
}

// Complete returns the scenario with what was left out filled in: the timeout
// is grace and five seconds, unless it is given. A known signal gets its full
// name, by which the rules compare it.
func Complete(s Scenario) Scenario {
	if sig, err := process.ParseSignal(s.Disruption.Signal); err == nil {
		s.Disruption.Signal = process.SignalName(sig)
	}
	if s.Load.Timeout.Duration == 0 {
		s.Load.Timeout.Duration = s.Disruption.Grace.Duration + 5*time.Second
	}
	return s
}

// Invalid is a scenario's mistake: which field, what is wrong with it, and what
// would be right.
type Invalid struct {
	Field   string // as in the file: "load.rate"
	Problem string // "is 0, must be from 1 to 20000"
}

// Error returns both in one line.
func (e *Invalid) Error() string { return e.Field + " " + e.Problem }

// Validate returns the scenario's first mistake, as an *Invalid, or nil. Every
// run starts with it, before any process does.
func Validate(s Scenario) error {
	checks := []error{
		number("load.rate", s.Load.Rate, 1, MaxRate),
		number("load.max-open", s.Load.MaxOpen, 1, maxOpenLimit),
		number("shutdowns", s.Shutdowns, 1, MaxShutdowns),
		duration("subject.delay", s.Subject.Delay, 0),
		duration("load.timeout", s.Load.Timeout, time.Millisecond),
		duration("load.warm-up", s.Load.WarmUp, 0),
		duration("load.jitter", s.Load.Jitter, 0),
		duration("load.trigger", s.Load.Trigger, 0),
		duration("load.tail", s.Load.Tail, 0),
		duration("disruption.grace", s.Disruption.Grace, time.Millisecond),
		oneOf("load.method", s.Load.Method, methods),
		oneOf("load.connections", string(s.Load.Connections), []string{
			string(history.Mixed), string(history.Reused), string(history.Fresh),
		}),
		ValidSignal(s.Disruption.Signal),
		validOpen(s),
		validTimeout(s),
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
		return &Invalid{field, fmt.Sprintf("is %d, must be from %d to %d", n, low, high)}
	}
	return nil
}

func duration(field string, d history.Duration, low time.Duration) error {
	if d.Duration < low || d.Duration > maxDuration {
		return &Invalid{field, fmt.Sprintf("is %s, must be from %s to %s", d, low, maxDuration)}
	}
	return nil
}

func oneOf(field, value string, allowed []string) error {
	if !slices.Contains(allowed, value) {
		return &Invalid{field, fmt.Sprintf("is %q, must be one of %s", value, strings.Join(allowed, ", "))}
	}
	return nil
}

// ValidSignal refuses what is no signal's name.
func ValidSignal(name string) error {
	if _, err := process.ParseSignal(name); err != nil {
		return &Invalid{"disruption.signal", err.Error()}
	}
	return nil
}

// validOpen refuses a load that would meet its own cap before the signal: by
// Little's law rate times delay requests are open at any time.
func validOpen(s Scenario) error {
	expected := float64(s.Load.Rate) * s.Subject.Delay.Seconds()
	if expected > float64(s.Load.MaxOpen) {
		return &Invalid{"load.rate", fmt.Sprintf(
			"%d with a delay of %s keeps %.0f requests open, more than load.max-open %d: lower the rate or the delay",
			s.Load.Rate, s.Subject.Delay, expected, s.Load.MaxOpen,
		)}
	}
	return nil
}

func validTimeout(s Scenario) error {
	if s.Load.Timeout.Duration <= s.Subject.Delay.Duration {
		return &Invalid{"load.timeout", fmt.Sprintf(
			"is %s, must be more than the delay of %s, or every request hangs", s.Load.Timeout, s.Subject.Delay,
		)}
	}
	return nil
}
