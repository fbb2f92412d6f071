package check

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

func exitsInGraceRule() Rule {
	return Rule{
		Name:      ExitsInGrace,
		Asks:      "the process ends by itself within the grace period",
		Excuses:   "an exit within it that came only as parked connections ended, 3 s or more after everything else",
		Reference: "Kubernetes pod termination; systemd.service(5), TimeoutStopSec; docker stop; nodejs/node #2642",
		Unit:      "shutdowns", Breach: "did not end by themselves while there was time", Mild: "ended late",
		when: onStop, timed: true, judge: exitsInGrace,
		normal: Level{Require, Warn}, explain: explainer.overdue,
	}
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

// overdue tells of a process that had to be killed.
func (t explainer) overdue(f result.Finding) []string {
	if f.Count = t.killed(); f.Count == 0 {
		return t.heldExit()
	}
	what := fmt.Sprintf("The process was still running at the end of its grace period of %s, and was killed%s.",
		scenario.InWords(t.scenario.Disruption.Grace.Duration), t.ofShutdowns(f))
	if n := t.startedAnyway(); n > 0 {
		return []string{
			what,
			fmt.Sprintf("%s was not ready yet when %s arrived, and started all the same: it forgot the signal.",
				itself(n, f.Count), t.signal()),
			"Do not begin to serve after the signal: check for the signal before you listen, and let Serve return at once if Shutdown " +
				"was called before (http.ErrServerClosed in Go).",
		}
	}
	if n, o := t.servedOn(); n > 0 {
		return append([]string{what}, t.stayedForThem(n, o)...)
	}
	return append([]string{what}, t.whyOverdue()...)
}

// whyOverdue tells what was seen of a process that did not end by itself, in the
// shutdowns in which it had to be killed, and what helps.
func (t explainer) whyOverdue() []string {
	var killed []*observation
	for _, o := range t.intact {
		if o.Exit.Killed {
			killed = append(killed, o)
		}
	}
	why, remedy := t.untold(killed)
	if why != "" {
		return []string{why, remedy}
	}
	if h := handlingOf(killed); h == handlingCatch || h == handlingRuntime { // the runtime alone would have ended it
		why = fmt.Sprintf("The process catches %s, and did not end by itself.", t.signal())
	}
	open := mostOpen(killed)
	if n := open.total(); n > 0 {
		why = join(" ", why, prose.Sentence(fmt.Sprintf("%s %s open to the end", open, prose.Was(n))))
	}
	remedy = prose.Sentence(cmp.Or(open.letGo(), "give each wait during the stop a limit that is shorter than the grace period"))
	if why == "" {
		return []string{remedy}
	}
	return []string{why, remedy}
}

// killed is in how many shutdowns the process had to be killed.
func (t explainer) killed() (n int) {
	for _, o := range t.intact {
		if o.Exit.Killed {
			n++
		}
	}
	return n
}

// servedOn returns in how many shutdowns the server served to the end, on its old
// connections only, and one of them.
func (t explainer) servedOn() (n int, one kept) {
	for _, o := range t.intact {
		if k, so := o.servedOn(); so && k.reused == k.served {
			n, one = n+1, k
		}
	}
	return n, one
}

// stayedForThem tells of a server that would leave only when no request came any
// more.
func (t explainer) stayedForThem(n int, one kept) []string {
	where := ""
	if len(t.intact) > 1 {
		where = fmt.Sprintf(", in %d of %s", n, prose.Plural(len(t.intact), "shutdown"))
	}
	return []string{
		fmt.Sprintf("It accepted no new connections, and served the old ones as long as requests came. It completed %s sent after %s, "+
			"the last of them %s before SIGKILL%s.", prose.Count(one.served, "request"), t.signal(), scenario.InWords(one.last), where),
		"Send Connection: close with each answer after the signal, so that clients leave (in Node.js: res.shouldKeepAlive = false, and " +
			"server.closeIdleConnections()), or bound the drain.",
	}
}

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
		h.open, scenario.InWords(h.alone), prose.Verb(h.open.total(), "it", "they"), scenario.InWords(h.ended))
	if h.exit == h.ended {
		return they + ", with the process"
	}
	return fmt.Sprintf("%s, and the process %s after that", they, scenario.InWords(h.exit-h.ended))
}

// heldExit tells of exits within the grace period that parked connections held.
func (t explainer) heldExit() []string {
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
		where = fmt.Sprintf(", in %d of %s", n, prose.Plural(len(t.intact), "shutdown"))
	}
	return []string{prose.Sentence(longest.String() + where), prose.Sentence(longest.open.letGo())}
}

// open is what was open late in a shutdown, although nothing was asked on it.
type open struct {
	parked map[string]int // by kind
	idle   int            // connections of the load that had served
}

func (o open) total() (n int) {
	for _, one := range o.parked {
		n += one
	}
	return n + o.idle
}

// stillOpen is what was parked as the signal came, and open at an instant, beside
// connections of the load.
func (o *observation) stillOpen(at time.Duration, idle int) open {
	all := open{parked: make(map[string]int), idle: idle}
	for _, p := range o.Parked {
		if o.held(p) && (p.Ended == 0 || p.Ended >= at) {
			all.parked[p.Kind]++
		}
	}
	return all
}

// mostOpen is what was open as SIGKILL was sent, in the shutdown in which most was.
func mostOpen(killed []*observation) (most open) {
	for _, o := range killed {
		at, ok := o.At(history.EventKilled)
		if !ok {
			continue
		}
		if one := o.stillOpen(at, o.Idle); one.total() > most.total() {
			most = one
		}
	}
	return most
}

// parkedKinds are the kinds in words, in the order in which they are told of, and
// what keeps each from holding an exit.
var parkedKinds = []struct{ kind, noun, remedy string }{
	{
		scenario.Silent, "silent connection",
		"a server that waits for the first request on a silent connection may wait without end (Go's Server.Shutdown waits for five seconds): " +
			"bound that wait (in Go, http.Server.ReadHeaderTimeout; golang/go #22682)",
	},
	{
		scenario.WebSocket, "WebSocket connection",
		"send a close frame (1001, going away) on each WebSocket connection when the signal arrives, and bound the wait for its end",
	},
	{
		scenario.EventStream, "event stream",
		"end the streams when the signal arrives, and bound the wait for their handlers",
	},
	{scenario.Idle, "idle kept-alive connection", closeIdle},
}

const closeIdle = "close idle connections when the signal arrives: no request on them is waiting for an answer"

// String names them with their number.
func (o open) String() string {
	var said []string
	for _, k := range parkedKinds {
		if n := o.parked[k.kind]; n > 0 {
			said = append(said, prose.Count(n, k.noun))
		}
	}
	switch {
	case o.idle == 1:
		said = append(said, "lastcall's own idle kept-alive connection")
	case o.idle > 1:
		said = append(said, fmt.Sprintf("lastcall's own %d idle kept-alive connections", o.idle))
	}
	return strings.Join(said, " and ")
}

// letGo says what helps against connections that are open, by the first kind, "" if
// none is.
func (o open) letGo() string {
	for _, k := range parkedKinds {
		if o.parked[k.kind] > 0 {
			return k.remedy
		}
	}
	if o.idle > 0 {
		return closeIdle
	}
	return ""
}
