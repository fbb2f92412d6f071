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
		if ready, ok := o.At(history.EventReady); !ok || ready > o.Signal.Before {
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

// itself is a process that ended badly in so many of several shutdowns.
func itself(n, of int) string {
	if of == 1 {
		return "It"
	}
	return fmt.Sprintf("In %d of these it", n)
}
