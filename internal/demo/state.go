package demo

import (
	"math"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// state is all that is known, but for the requests.
type state struct {
	Settings    Settings `json:"settings"`
	Deployments int      `json:"deployments"`
	Ready       bool     `json:"ready"`    // all can be told to stop
	Stopping    bool     `json:"stopping"` // at least one has been told
	Announced   string   `json:"announced"`
	Panels      []*panel `json:"panels"`
	Tallies     []Tally  `json:"tallies"`
}

// Outcome is what came of one deployment of one strategy.
type Outcome struct {
	Deployment int            `json:"deployment"`
	Verdict    result.Verdict `json:"verdict"`
	Warned     bool           `json:"warned"` // it passed, with a warning
	Sentence   string         `json:"sentence"`
	Story      []string       `json:"story"` // of the judge
	InFlight   history.Counts `json:"inFlight"`
	Late       history.Counts `json:"late"`
	LostAcks   int            `json:"lostAcks"`
	Requests   history.Counts `json:"requests"`
	Exit       *result.Exit   `json:"exit"` // null if none was seen
	ExitMS     float64        `json:"exitMs"`
	Broken     []string       `json:"broken"` // the rules
}

func (b *Board) state() state {
	s := state{
		Settings: b.settings, Deployments: b.deployments, Ready: b.ready(), Announced: b.announced,
		Panels: b.panels, Tallies: b.tallies,
	}
	for _, p := range b.panels {
		s.Stopping = s.Stopping || p.Phase == Stopping
	}
	return s
}

// conclude is what viewers are told of a verdict.
func (b *Board) conclude(s result.Subject) *Outcome {
	o := &Outcome{
		Deployment: b.deployments, Verdict: s.Verdict, Warned: s.Verdict == result.Pass && len(s.Story) > 0, Sentence: b.texts.tell(s, b.settings), Story: s.Story,
		InFlight: s.InFlight, Late: s.Late, LostAcks: s.Ledger.LostAcks, Requests: s.Requests,
		ExitMS: tenth(s.ExitSeconds.Median * 1000), Broken: []string{},
	}
	if len(s.Exits) > 0 {
		o.Exit = &s.Exits[0]
	}
	for _, f := range s.Findings {
		if f.Status == result.Violated {
			o.Broken = append(o.Broken, f.Rule)
		}
	}
	return o
}

func tenth(ms float64) float64 { return math.Round(ms*10) / 10 }
