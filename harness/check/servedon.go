package check

import (
	"fmt"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// lately is how long before SIGKILL a request must have begun that was completed,
// for the server to have been serving as if nothing had happened.
const lately = 500 * time.Millisecond

// kept is what a server served that had to be killed.
type kept struct {
	served int           // requests begun after the signal, and completed
	reused int           // of them, on connections that had served before
	last   time.Duration // from the beginning of the last to SIGKILL
}

// servedOn returns what a server served for as long as requests came, until SIGKILL.
// node's server.close keeps its kept-alive connections for as long as they are used
// (nodejs/node #2642).
func (o *observation) servedOn() (k kept, so bool) {
	at, ok := o.At(history.EventKilled)
	if !ok || !o.Exit.Killed || !o.Signal.Sent {
		return k, false
	}
	k.last = at - o.Signal.Before
	for i := range o.Requests {
		r := &o.Requests[i]
		if r.Outcome != history.Completed || r.Started <= o.Signal.Before || r.Started > at {
			continue
		}
		k.served++
		k.last = min(k.last, at-r.Started)
		if r.Reused {
			k.reused++
		}
	}
	return k, k.served > 0 && k.last <= lately
}

// exitsInGrace excuses an exit that comes in time, however late. Where the server got
// too little CPU to stop, it may have been about to.
func exitsInGrace(o *observation) (t tally) {
	t.judged = 1
	if o.Exit.Killed && o.starving {
		t.doubts, t.unsure = append(t.doubts, o.proofOfShutdown()), gotNoCPU
	} else if o.Exit.Killed {
		t.breaches = append(t.breaches, o.proofOfShutdown())
	} else if h, so := o.heldOpen(); so {
		t.excused, t.said = append(t.excused, o.proofOfShutdown()), h.String()
	}
	return t
}

// servedOn returns in how many shutdowns the server served to the end, on its old
// connections only, and one of them.
func (t teller) servedOn() (n int, one kept) {
	for _, o := range t.intact {
		if k, so := o.servedOn(); so && k.reused == k.served {
			n, one = n+1, k
		}
	}
	return n, one
}

// stayedForThem tells of a server that would leave only when no request came any
// more.
func (t teller) stayedForThem(n int, one kept) []string {
	where := ""
	if len(t.intact) > 1 {
		where = fmt.Sprintf(", in %d of %s", n, plural(len(t.intact), "shutdown"))
	}
	return []string{
		fmt.Sprintf("It accepted no new connections, and served the old ones as long as requests came. It completed %s sent after %s, "+
			"the last of them %s before SIGKILL%s.", count(one.served, "request"), t.signal(), scenario.InWords(one.last), where),
		"Send Connection: close with each answer after the signal, so that clients leave (in Node.js: res.shouldKeepAlive = false, and " +
			"server.closeIdleConnections()), or bound the drain.",
	}
}
