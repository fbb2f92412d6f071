package scenario

import (
	"fmt"
	"net/http"
	"time"
)

// Default returns the scenario that everything else starts from.
func Default() Scenario {
	return Scenario{
		Name:    "steady",
		Subject: Subject{Delay: Millis(100)},
		Load: Load{
			Rate: 500, Method: http.MethodGet, Connections: Mixed,
			Jitter:  Millis(200),
			Trigger: Seconds(5), Tail: Seconds(5), MaxOpen: 2000,
		},
		Disruption: Disruption{Signal: "SIGTERM"},
		Policy:     "default",
		Shutdowns:  3,
	}
}

// The numbers of a scenario that no policy has filled in.
const (
	defaultGrace        = 10 * time.Second
	DefaultReadyTimeout = 10 * time.Second
	defaultSettle       = 2 * time.Second
)

// Complete returns the scenario with what was left out filled in: the timeout
// is grace and five seconds (at most MaxDuration), unless it is given. A known
// signal gets its full name, by which the rules compare it. What a policy decides
// (check.Resolve) is to be filled in before; where none has, the default policy's
// numbers hold.
func Complete(s Scenario) Scenario {
	if steps, err := ParseSequence(s.Disruption.Signal); err == nil {
		s.Disruption.Signal = FormatSequence(steps)
	}
	fill := func(d *Duration, value time.Duration) {
		if d.Duration == 0 {
			d.Duration = value
		}
	}
	fill(&s.Disruption.Grace, defaultGrace)
	fill(&s.Load.Timeout, min(s.Disruption.Grace.Duration+5*time.Second, MaxDuration))
	if len(s.Subject.Command) > 0 || s.Subject.URL != "" {
		fill(&s.Subject.ReadyTimeout, DefaultReadyTimeout)
	}
	if len(s.Disruption.While) > 0 {
		fill(&s.Disruption.Settle, defaultSettle)
	}
	if s.Disruption.Target == "" {
		s.Disruption.Target = Leader
	}
	return s
}

// Validate returns the scenario's first mistake, as an *Invalid, or nil. Every
// run starts with it, before any process does.
func Validate(s Scenario) error {
	for _, key := range Keys() {
		if err := key.valid(s); err != nil {
			return err
		}
	}
	checks := []error{
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

// ValidSignal refuses what is no signal, nor a sequence of signals.
func ValidSignal(name string) error {
	if _, err := ParseSequence(name); err != nil {
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
func validSequence(d Disruption) error {
	steps, err := ParseSequence(d.Signal)
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
func validLag(d Disruption) error {
	if len(d.While) > 0 || d.Lag.Duration == 0 || d.Lag.Duration < d.Grace.Duration {
		return nil
	}
	return &Invalid{Field: "disruption.lag", Of: []string{"disruption.lag", "disruption.grace"}, Problem: fmt.Sprintf(
		"is %s, must be less than the grace period of %s, because the server is killed then", d.Lag, d.Grace)}
}
