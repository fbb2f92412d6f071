package demo

import "lastcall/harness/scenario"

// Steps is how many steps the guided tour has.
const Steps = 7

// Opening returns the settings with which the tour begins.
func Opening() Settings { return Tour()[0] }

// Tour returns the settings of each step. What is to be seen in it, and why it
// comes so, the texts say.
func Tour() []Settings {
	base := Settings{
		Rate: 300, Delay: 150, Connections: scenario.Mixed, Request: Get, Grace: 10000, Signal: "SIGTERM",
	}
	steps := []Settings{
		{Panels: []string{"naive"}},
		{Panels: []string{"naive", "with-cancel"}},
		{Panels: []string{"with-cancel", "signal-notify"}},
		{Panels: []string{"signal-notify", "early-exit"}},
		{Panels: []string{"signal-notify"}, Rate: 2000, Delay: 10, Connections: scenario.Reused, CloseUp: true},
		{Panels: []string{"signal-notify", "drain"}, Lag: 2000},
		{Panels: []string{"ack-then-lose", "signal-notify"}, Rate: 1000, Delay: 25, Request: Async},
	}
	for i, s := range steps {
		step := base
		step.Step, step.Panels, step.CloseUp, step.Lag = i+1, s.Panels, s.CloseUp, s.Lag
		if s.Rate > 0 {
			step.Rate, step.Delay = s.Rate, s.Delay
		}
		if s.Connections != "" {
			step.Connections = s.Connections
		}
		if s.Request != "" {
			step.Request = s.Request
		}
		steps[i] = step
	}
	return steps
}
