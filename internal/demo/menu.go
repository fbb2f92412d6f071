package demo

import (
	"fmt"
	"slices"

	"lastcall/harness/scenario"
)

// Settings are the controls of the stage. Every viewer sees them, and anyone can
// change them; what can be chosen is on the Menu.
type Settings struct {
	Step        int                  `json:"step"`        // of the tour, from 1; 0: an experiment of the presenter
	Panels      []string             `json:"panels"`      // the strategies, side by side
	Rate        int                  `json:"rate"`        // requests per second, to each
	Delay       int                  `json:"delay"`       // how long a handler takes, in milliseconds
	Connections scenario.Connections `json:"connections"` // kept alive, new, or by turns
	Request     string               `json:"request"`     // what is asked for: a key of Menu.Requests
	Lag         int                  `json:"lag"`         // how long a balancer goes on sending, in milliseconds; 0: there is none
	Grace       int                  `json:"grace"`       // until SIGKILL, in milliseconds
	Signal      string               `json:"signal"`      // what Deploy sends
	CloseUp     bool                 `json:"closeUp"`     // the picture shows the critical window only
}

// Choices is what can be chosen, control by control. Nothing else is accepted:
// every number of it is bounded by being listed.
type Choices struct {
	Rates       []int                  `json:"rate"`
	Delays      []int                  `json:"delay"`
	Connections []scenario.Connections `json:"connections"`
	Requests    []string               `json:"request"`
	Lags        []int                  `json:"lag"`
	Graces      []int                  `json:"grace"`
	Signals     []string               `json:"signal"`
}

const (
	// MaxPanels is how many servers stand side by side.
	MaxPanels = 3
	// maxWaiting bounds how many requests are open at a time in one panel: by
	// Little's law, rate times handler time.
	maxWaiting = 600
)

// The requests that can be sent.
const (
	Get    = "get"    // GET /work
	Orders = "orders" // POST /orders: stored, then answered
	Async  = "async"  // POST /async: answered, then stored
)

// Menu returns what can be chosen.
func Menu() Choices {
	return Choices{
		Rates:       []int{20, 50, 100, 200, 300, 500, 1000, 2000},
		Delays:      []int{10, 25, 50, 100, 150, 250, 500, 1000, 2000},
		Connections: []scenario.Connections{scenario.Mixed, scenario.Reused, scenario.Fresh},
		Requests:    []string{Get, Orders, Async},
		Lags:        []int{0, 500, 1000, 2000},
		Graces:      []int{1000, 3000, 10000, 30000},
		Signals:     []string{"SIGTERM", "SIGTERM,300ms,SIGTERM", "SIGKILL"},
	}
}

// Extras are the signals that can also be sent while a server stops.
func Extras() []string { return []string{"SIGTERM", "SIGKILL"} }

// Validate refuses what is not on the menu.
func (s Settings) Validate(strategies []Strategy) error {
	m := Menu()
	return first(
		listed("rate", s.Rate, m.Rates),
		listed("delay", s.Delay, m.Delays),
		listed("connections", s.Connections, m.Connections),
		listed("request", s.Request, m.Requests),
		listed("lag", s.Lag, m.Lags),
		listed("grace", s.Grace, m.Graces),
		listed("signal", s.Signal, m.Signals),
		s.validPanels(strategies),
		s.validSum(),
	)
}

func (s Settings) validPanels(strategies []Strategy) error {
	if len(s.Panels) < 1 || len(s.Panels) > MaxPanels {
		return fmt.Errorf("panels has %d strategies, must have 1 to %d", len(s.Panels), MaxPanels)
	}
	for i, name := range s.Panels {
		known := func(k Strategy) bool { return k.Name == name }
		switch {
		case !slices.ContainsFunc(strategies, known):
			return fmt.Errorf("panels has %q, which is not a strategy", name)
		case slices.Contains(s.Panels[:i], name):
			return fmt.Errorf("panels has %s twice", name)
		}
	}
	return nil
}

func (s Settings) validSum() error {
	switch waiting := s.Rate * s.Delay / 1000; {
	case s.Step < 0 || s.Step > Steps:
		return fmt.Errorf("step is %d, must be from 0 to %d", s.Step, Steps)
	case waiting > maxWaiting:
		return fmt.Errorf("rate times delay is %d requests waiting, must be at most %d", waiting, maxWaiting)
	case s.Lag >= s.Grace:
		return fmt.Errorf("lag is %d ms, must be less than grace, %d ms", s.Lag, s.Grace)
	}
	return nil
}

func listed[T comparable](name string, value T, choices []T) error {
	if !slices.Contains(choices, value) {
		return fmt.Errorf("%s is %v, must be one of %v", name, value, choices)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
