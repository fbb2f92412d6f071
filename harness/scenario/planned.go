package scenario

import (
	"strings"
	"time"
)

// Planned is one signal of a disruption's sequence.
type Planned struct {
	Name  string
	Pause time.Duration // since the one before it
	After time.Duration // since the first
}

// Planned returns the signals that are to be sent, in their order. What is no
// sequence, which no scenario that was executed has, is taken for what it says.
func (d Disruption) Planned() []Planned {
	var all []Planned
	var pause, after time.Duration
	for part := range strings.SplitSeq(d.Signal, ",") {
		part = strings.TrimSpace(part)
		if wait, err := time.ParseDuration(part); err == nil {
			pause = wait
			continue
		}
		after += pause
		all = append(all, Planned{Name: part, Pause: pause, After: after})
		pause = 0
	}
	return all
}
