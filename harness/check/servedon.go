package check

import (
	"fmt"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// lately is how long before the load paused a request must have begun that was
// completed, for the server to have been serving as if nothing had happened.
const lately = 500 * time.Millisecond

// servedOn returns how long after the signal the load paused, and how long after
// that the process left, if it served new requests until then: node's server.close
// keeps its kept-alive connections for as long as they are used (nodejs/node #2642).
// It says nothing of a load that a lag has ended, as a balancer would.
func (o *observation) servedOn() (paused, left time.Duration, so bool) {
	at, ok := o.At(history.EventLoadPaused)
	if !ok || !o.Signal.Sent || at < o.Signal.Before || !o.Exit.Seen || o.Exit.Killed || o.Exit.At < at {
		return 0, 0, false
	}
	for i := range o.Requests {
		r := &o.Requests[i]
		if r.Outcome == history.Completed && r.Started > at-lately && r.Started > o.Signal.Before {
			return at - o.Signal.Before, o.Exit.At - at, true
		}
	}
	return 0, 0, false
}

// exitsInGrace excuses a server that served on for as long as it was asked, and
// left when nobody asked any more: how long it would have stayed nobody knows.
func exitsInGrace(o *observation) (t tally) {
	t.judged = 1
	if o.Exit.Killed {
		t.breaches = append(t.breaches, o.proofOfShutdown())
		return t
	}
	if paused, left, so := o.servedOn(); so {
		t.excused = append(t.excused, o.proofOfShutdown())
		t.said = fmt.Sprintf("it served new requests until lastcall stopped sending, %s after %s, and left %s later", short(paused), o.Signal.Name, short(left))
	}
	return t
}

// stayedForThem tells of a server that left only when no request came any more.
func (t teller) stayedForThem(f result.Finding) []string {
	var what string
	for _, o := range t.intact {
		if paused, left, so := o.servedOn(); so {
			what = fmt.Sprintf("The process served new requests for as long as they came, and left %s after lastcall had stopped sending, %s after %s%s: "+
				"had they gone on, it would perhaps have stayed until SIGKILL.", short(left), short(paused), t.signal(), t.ofShutdowns(f))
			break
		}
	}
	return []string{
		what,
		"Say Connection: close with every answer once the signal has come, so that clients leave (in node: res.shouldKeepAlive = false, and " +
			"server.closeIdleConnections()), or give the drain a bound. To send for longer: load.tail in a file.",
	}
}
