package check

import (
	"fmt"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// startedAnyway is in how many shutdowns the process got ready after the signal
// and had to be killed.
func (t teller) startedAnyway() (n int) {
	for _, o := range t.intact {
		if ready, ok := o.At(history.EventReady); ok && o.Exit.Killed && ready > o.Signal.Before {
			n++
		}
	}
	return n
}

// untouched tells of a process without load that died of the signal itself. That
// it did so under load would be another matter.
func (t teller) untouched(f result.Finding) []string {
	died, unready := 0, 0
	for _, o := range t.intact {
		if len(exitStatus(o).excused) == 0 {
			continue
		}
		if o.Exit.Signal == "" {
			return []string{sentence(f.Detail)}
		}
		died++
		if !o.wasReady() {
			unready++
		}
	}
	where := fmt.Sprintf(", in %d of %s", died, count(len(t.intact), "shutdown"))
	what := fmt.Sprintf("Nothing in the process handled %s, whose default action ended it where it stood%s.", t.signal(), where)
	if unready == died {
		what = fmt.Sprintf("%s came before the process handled it, so that its default action ended the start at once%s.", t.signal(), where)
	}
	return []string{what, "Nothing was in its hands yet, so that nobody was let down; but a supervisor may take it for a crash."}
}

// wasReady reports whether the server was ready when the signal came.
func (o *observation) wasReady() bool {
	ready, ok := o.At(history.EventReady)
	return ok && ready <= o.Signal.Before
}

// unready asks that one process at least had come so far that it could have
// handled the signal. If the signal itself ended all of them before they were
// ready, nobody has seen what they would have done.
func unready(intact []*observation) []result.Finding {
	evidence := []result.Evidence{}
	for _, o := range intact {
		if !o.unloaded() || o.wasReady() || o.Exit.Signal == "" || !o.Signal.Includes(o.Exit.Signal) {
			return nil
		}
		evidence = append(evidence, o.proofOfShutdown())
	}
	if len(intact) == 0 {
		return nil
	}
	return []result.Finding{{
		Rule: sampleName, Status: result.Unjudged, Count: len(evidence), Judged: len(intact),
		Expected: "a process that has come so far that it can handle the signal, in one shutdown at least",
		Detail: fmt.Sprintf("in every shutdown %s ended the process before it was ready, so that nothing of its own was put to the test: "+
			"let the signal come later (load.jitter, now %s)", intact[0].Signal.Name, intact[0].Header.Scenario.Load.Jitter),
		Evidence: evidence, Reference: "every verdict is earned",
	}}
}

// itself is a process that ended badly in so many of several shutdowns.
func itself(n, of int) string {
	if of == 1 {
		return "It"
	}
	return fmt.Sprintf("In %d of these it", n)
}
