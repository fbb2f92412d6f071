package scenario

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// The bounds of a sequence.
const (
	maxSteps    = 10
	maxSequence = time.Hour
)

// Step is one signal of a sequence.
type Step struct {
	Signal syscall.Signal
	After  time.Duration // since the step before
}

// ParseSequence reads signals with the time between them, as in
// "SIGTERM,2s,SIGTERM": what ParseSignal reads, separated by commas, and before
// each but the first, if it should not follow at once, a duration. Blanks around
// the commas do not count.
func ParseSequence(text string) ([]Step, error) {
	var steps []Step
	var wait time.Duration
	var waiting string // the duration as it was written
	for element := range strings.SplitSeq(text, ",") {
		element = strings.TrimSpace(element)
		if after, err := time.ParseDuration(element); err == nil {
			if err := checkWait(element, after, len(steps) == 0, waiting); err != nil {
				return nil, inSequence(text, err)
			}
			wait, waiting = after, element
			continue
		}
		s, err := ParseSignal(element)
		if err != nil && len(steps) > 0 {
			err = fmt.Errorf("%w, or a duration as in 500ms", err)
		}
		if err != nil {
			return nil, inSequence(text, err)
		}
		steps, wait, waiting = append(steps, Step{s, wait}), 0, ""
	}
	if waiting != "" {
		return nil, inSequence(text, fmt.Errorf("after %s must come a signal, as in %s,%s", waiting, text, SignalName(steps[0].Signal)))
	}
	if err := checkBounds(steps); err != nil {
		return nil, inSequence(text, err)
	}
	return steps, nil
}

// checkWait refuses a duration that is none, or in the wrong place.
func checkWait(element string, d time.Duration, first bool, before string) error {
	switch {
	case first:
		return fmt.Errorf("it must begin with a signal, as in SIGTERM,%s,SIGKILL, not with %s", element, element)
	case before != "":
		return fmt.Errorf("between %s and %s must be a signal", before, element)
	case d < 0:
		return fmt.Errorf("%s is negative: a step comes after the one before it", element)
	}
	return nil
}

func checkBounds(steps []Step) error {
	if len(steps) > maxSteps {
		return fmt.Errorf("it has %d signals, at most %d are sent", len(steps), maxSteps)
	}
	var total time.Duration
	for _, s := range steps {
		if s.After > maxSequence || total+s.After > maxSequence {
			return errors.New("it takes more than an hour")
		}
		total += s.After
	}
	return nil
}

func inSequence(text string, err error) error {
	if !strings.Contains(text, ",") {
		return err // a single signal: it names itself
	}
	return fmt.Errorf("sequence %q: %w", text, err)
}

// FormatSequence writes a sequence as ParseSequence reads it.
func FormatSequence(steps []Step) string {
	var elements []string
	for _, s := range steps {
		if s.After > 0 {
			elements = append(elements, s.After.String())
		}
		elements = append(elements, SignalName(s.Signal))
	}
	return strings.Join(elements, ",")
}
