package check

import (
	"fmt"
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// inFlight tells of requests that the server had, and did not complete.
func (t teller) inFlight(result.Finding) []string {
	c := t.subject.InFlight
	who := t.signal()
	if t.staysUp() {
		who = "The command " + t.command()
	}
	what := fmt.Sprintf("%s found %s in flight%s: %s.", who, count(c.Total, "request"), t.overShutdowns(), describeInFlight(c))
	var why []string
	switch {
	case t.staysUp():
		why = t.cutOffByCommand()
	case c.Dropped >= c.Rejected && c.Dropped >= c.Failed:
		why = t.dropped(c.Dropped)
	case c.Rejected >= c.Failed:
		why = t.gaveUp()
	default:
		why = []string{
			"Their handlers failed once the signal had come: something they need was closed, or lost, before they were done.",
			"Close the store and all that handlers use only after the last of them has returned. If nobody closed it, the server's log says more.",
		}
	}
	return append([]string{what}, why...)
}

// cutOffByCommand tells of a reload that did not wait.
func (t teller) cutOffByCommand() []string {
	return []string{
		"Whoever worked on them was stopped or replaced before they were done.",
		"Let the old workers finish what they have begun before they go; only what comes later is for their successors.",
	}
}

// dropped tells why requests in flight got no whole answer.
func (t teller) dropped(dropped int) []string {
	exit := time.Duration(t.subject.ExitSeconds.Median * float64(time.Second))
	signal := t.signal()
	switch {
	case t.hungInFlight()*2 > dropped:
		return []string{
			fmt.Sprintf("Most of them waited in vain until their deadline of %s: the server neither answered nor hung up.",
				t.scenario.Load.Timeout),
			"Bound the work of a request, and the drain, to less than the grace period.",
		}
	case t.every(func(o *observation) bool { return o.Exit.Killed }):
		return []string{
			fmt.Sprintf("The process was still running when its grace period of %s was over, and SIGKILL cut them off.",
				t.scenario.Disruption.Grace),
			"Bound the work of a request, and the drain, to less than the grace period.",
		}
	case t.every(diedOfAnother):
		return []string{
			fmt.Sprintf("A second signal ended the process in the middle of their work, %s after the first: nothing handled it any more.", short(exit)),
			"Go on handling signals until the drain is over; in Go, call neither signal.Reset nor the stop function of " +
				"signal.NotifyContext before Server.Shutdown has returned.",
		}
	case signal == "SIGKILL":
		return []string{
			"No process can handle SIGKILL: the kernel ends it where it stands, and whoever was waiting is hung up on.",
			"Tell the server to stop with a signal that it can handle (--signal SIGTERM), and keep SIGKILL for the control that must fail.",
		}
	case t.every(func(o *observation) bool { return o.Exit.Signal == signal }):
		return []string{
			fmt.Sprintf("Nothing in the process handles %s, so the kernel ended it in the middle of their work, %s later.", signal, short(exit)),
			t.catchIt(),
		}
	}
	return []string{
		fmt.Sprintf("The process ended with %s, %s after the signal, while they were still being served.",
			describeExits(t.subject.Exits), short(exit)),
		"Exit only when the last of them is answered (in Go, when Server.Shutdown has returned), and allow more time than the slowest request takes.",
	}
}

// diedOfAnother reports whether a further signal of a sequence ended the process.
func diedOfAnother(o *observation) bool {
	for _, a := range o.Signal.Again {
		if o.Exit.Signal == a.Name && o.Exit.At >= a.At {
			return true
		}
	}
	return false
}

func (t teller) hungInFlight() int {
	n := 0
	for _, o := range t.intact {
		o.each(history.InFlight, func(r *history.Request) {
			if r.Cause == history.Hung {
				n++
			}
		})
	}
	return n
}

func (t teller) catchIt() string {
	if t.subject.Kind == "strategy" {
		return "Catch the signal with signal.Notify and call Server.Shutdown, which waits for the requests in flight " +
			"(`lastcall explain signal-notify` shows it)."
	}
	return "Catch the signal, stop accepting, answer what is in flight, and only then exit; in Go that is signal.Notify and " +
		"Server.Shutdown (`lastcall explain signal-notify` shows it). Some servers have another signal for it (--signal)."
}

// gaveUp tells of requests in flight that were turned away.
func (t teller) gaveUp() []string {
	if t.subject.Kind == "strategy" {
		return []string{
			"Their handlers gave up when the signal came: the context under which they work is cancelled by it.",
			"Let the signal start Server.Shutdown and nothing else; a request's context should end with its own client " +
				"or deadline (`lastcall explain signal-notify` shows it).",
		}
	}
	return []string{
		"Their handlers gave up when the signal came.",
		"Turn new requests away if you must, but finish those that have begun; in Go, let the signal start Server.Shutdown and nothing else " +
			"(`lastcall explain signal-notify` shows it).",
	}
}

// late tells of requests that came late and were hung up on.
func (t teller) late(result.Finding) []string {
	s := t.subject
	remedy := "Go on serving what is open with Connection: close, and close no connection on which a request may still be on its way."
	switch {
	case t.staysUp():
		remedy = "Let the old workers answer what has reached them before they close their connections."
	case t.hungUpOpenly():
		remedy = "Close the listener first and go on serving open connections with Connection: close, or go on accepting " +
			"until the balancer has learned of it."
	}
	what := fmt.Sprintf("%d of %s at risk got no answer%s.", s.Late.Dropped, count(s.Late.AtRisk(), "late request"), t.overShutdowns())
	if t.cutOffByExit()*2 > s.Late.Dropped {
		exit := time.Duration(s.ExitSeconds.Median * float64(time.Second))
		return []string{
			what,
			fmt.Sprintf("The process went on serving open connections, and then ended with %s, %s after the signal, in the middle of their work.",
				describeExits(s.Exits), short(exit)),
			"Stop taking new work first: answer with Connection: close from the signal on, and exit only when the last request is answered, not by the clock.",
		}
	}
	return []string{
		what,
		"Their connections were accepted, or kept open, and then hung up on: that is worse than a refusal, " +
			"for a client cannot know whether to ask again.",
		remedy,
	}
}

// hungUpOpenly reports whether a new connection was accepted and hung up on, and
// the listener was still open afterwards.
func (t teller) hungUpOpenly() bool {
	return slices.ContainsFunc(t.intact, func(o *observation) (open bool) {
		o.each(history.Late, func(r *history.Request) {
			open = open || r.Outcome == history.Dropped && !r.Reused && !o.unavoidable(r) && r.End < o.closing
		})
		return open
	})
}

// cutOffByExit counts the late losses whose connection ended with the process.
func (t teller) cutOffByExit() int {
	n := 0
	for _, o := range t.intact {
		o.each(history.Late, func(r *history.Request) {
			apart := r.End - o.Exit.At
			if r.Outcome == history.Dropped && o.Exit.Seen && o.Exit.At-o.Signal.Before > acceptRace && max(apart, -apart) <= acceptRace {
				n++
			}
		})
	}
	return n
}

// wrongAnswers tells of handlers that failed.
func (t teller) wrongAnswers(f result.Finding) []string {
	if t.staysUp() {
		return []string{
			sentence(f.Detail),
			"Something that the handlers need was not there for a while.",
			"Let the successor of whatever is replaced be ready before its predecessor goes.",
		}
	}
	return []string{
		sentence(f.Detail),
		"Something that the handlers need was gone before they were done.",
		"Release things in the reverse order of their use: listener, requests in flight, queues, and the store last.",
	}
}

// unanswered tells of work that was done for nobody.
func (t teller) unanswered(f result.Finding) []string {
	return []string{
		sentence(f.Detail),
		"Their clients cannot know that the work was done, and may ask for it again.",
		"Exit only when the answers have been written.",
	}
}
