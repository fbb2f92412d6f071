package check

import (
	"fmt"

	"lastcall/harness/scenario"
)

// sequence asks that every signal of a sequence met somebody: what a server does
// with a second one nobody knows of a server that was gone before. What SIGKILL
// ended has had its time.
func sequence(o *observation) []problem {
	planned := o.Header.Scenario.Disruption.Planned()
	sent := 1 + len(o.Signal.Again)
	if !o.Signal.Sent || o.Operation != nil || !o.Exit.Seen || o.Exit.Killed || sent >= len(planned) {
		return nil
	}
	missed := planned[sent]
	detail := fmt.Sprintf("the %s signal of the sequence, %s, was never sent: the server had already exited after %s",
		ordinal(sent), missed.Name, scenario.InWords(o.Exit.At-o.Signal.Before))
	switch {
	case missed.After == 0: // as soon as can be
	case o.unloaded():
		detail += fmt.Sprintf(": send it sooner than %s after the one before (--signal)", scenario.InWords(missed.After))
	default:
		detail += fmt.Sprintf(": test an endpoint slower than %s, or send the signal sooner (--signal)", scenario.InWords(missed.After))
	}
	return []problem{{detail: detail, soft: true}}
}

// ordinals are as many as a sequence has signals.
var ordinals = [...]string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}

// ordinal names the place of the item with that index.
func ordinal(i int) string {
	if i < len(ordinals) {
		return ordinals[i]
	}
	return fmt.Sprintf("%d.", i+1)
}
