package check

import (
	"fmt"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

const (
	// heldLong is how much longer than all else parked connections last where they
	// are said to hold the exit. The probe exit/kept-alive has the same bound.
	heldLong = 3 * time.Second
	// follows is how soon after the last of them a process ends that waited for them.
	// Go's Server.Shutdown looks every 500 ms at most.
	follows = 600 * time.Millisecond
)

// hold is what parked connections did to an exit that came within the grace period.
type hold struct {
	open  open          // what lasted
	alone time.Duration // from the signal until nothing else was open
	ended time.Duration // from the signal until the last of them had ended
	exit  time.Duration // from the signal
}

// heldOpen reports whether a process ended by itself only as connections ended that
// were parked, long after all else had. Whether it waited for them cannot be seen;
// that nothing else was open can.
func (o *observation) heldOpen() (h hold, so bool) {
	if o.Operation != nil || !o.Signal.Sent || !o.Exit.Seen || o.Exit.Killed {
		return h, false
	}
	alone := o.elseOver()
	last := time.Duration(0)
	for _, p := range o.Parked {
		switch {
		case !o.held(p):
		case p.Ended == 0: // it had not by the exit
			last = o.Exit.At
		default:
			last = max(last, min(p.Ended, o.Exit.At)) // what is seen after the exit is its doing
		}
	}
	if last-alone < heldLong || o.Exit.At-last > follows {
		return h, false
	}
	h.open = o.stillOpen(last-follows, 0)
	h.alone, h.ended, h.exit = alone-o.Signal.Before, last-o.Signal.Before, o.Exit.At-o.Signal.Before
	return h, true
}

// elseOver is when the last of all that was not parked was over: the signals, the
// requests that reached the server, the other connections and the listening sockets.
func (o *observation) elseOver() time.Duration {
	over := o.Signal.After
	for _, again := range o.Signal.Again {
		over = max(over, again.At)
	}
	o.exposed(func(r *history.Request) {
		if r.Outcome != history.Refused && r.Started < o.Exit.At {
			over = max(over, r.End)
		}
	})
	for _, c := range o.Closings {
		over = max(over, c.To)
	}
	return over
}

// String says what was seen of it.
func (h hold) String() string {
	they := fmt.Sprintf("%s probably delayed the exit: everything else had ended %s after the signal, %s %s after it",
		h.open, scenario.InWords(h.alone), verb(h.open.total(), "it", "they"), scenario.InWords(h.ended))
	if h.exit == h.ended {
		return they + ", with the process"
	}
	return fmt.Sprintf("%s, and the process %s after that", they, scenario.InWords(h.exit-h.ended))
}

// heldExit tells of exits within the grace period that parked connections held.
func (t teller) heldExit() []string {
	n, longest := 0, hold{}
	for _, o := range t.intact {
		if h, so := o.heldOpen(); so {
			if n++; h.exit > longest.exit {
				longest = h
			}
		}
	}
	where := ""
	if len(t.intact) > 1 {
		where = fmt.Sprintf(", in %d of %s", n, plural(len(t.intact), "shutdown"))
	}
	return []string{sentence(longest.String() + where), sentence(longest.open.letGo())}
}
